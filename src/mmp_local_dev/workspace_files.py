"""The files that `mmp-dev init` writes: what stands at the top of this repository, and the contract's schema."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import mmp_local_dev

CONTRACT = "dev-contract.yml"
FEATURE_TABLES = "scripts/feature_tables.sql"  # its names without a schema lie in that of FEAST_DB_SCHEMA
SCHEMA = "dev-contract.schema.json"  # for editors: the contract's first line names it
FILES = (
    CONTRACT,
    SCHEMA,
    "docker-compose.yml",
    "feast_repo/definitions.py",
    "feast_repo/feature_store.yaml",
    "mlflow/Dockerfile",
    "mlflow/ready.sh",
    "mlflow/requirements.txt",
    "mlflow/schema.sql",
    "mlflow/serve.sh",
    FEATURE_TABLES,
    "scripts/postgresql-init.sh",
    "scripts/verify_contract.py",
)


_PACKAGED_SCHEMA = "contract/schema/dev-contract.v2.schema.json"


def text(name: str) -> str:
    """The content of one of FILES: in an installed package beside the modules, in a checkout at its top."""
    package = resources.files(mmp_local_dev)
    if name == SCHEMA:
        return package.joinpath(_PACKAGED_SCHEMA).read_text(encoding="utf-8")
    packaged = package / "template" / name
    source = packaged if packaged.is_file() else Path(__file__).parents[2] / name
    content = source.read_text(encoding="utf-8")
    # In the repository the schema stands where the package has it, and nowhere else.
    return content.replace(f"$schema=src/mmp_local_dev/{_PACKAGED_SCHEMA}", f"$schema={SCHEMA}", 1)
