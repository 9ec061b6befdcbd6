"""The files that `mmp-dev init` writes: what stands at the top of this project's repository."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import mmp_local_dev

FILES = (
    "dev-contract.yml",
    "docker-compose.yml",
    "mlflow/Dockerfile",
    "mlflow/ready.sh",
    "mlflow/requirements.txt",
    "mlflow/schema.sql",
    "mlflow/serve.sh",
    "scripts/postgresql-init.sh",
    "scripts/verify_contract.py",
)


def text(name: str) -> str:
    """The content of one of FILES: in an installed package beside the modules, in a checkout at its top."""
    packaged = resources.files(mmp_local_dev) / "template" / name
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
