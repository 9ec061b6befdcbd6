"""A database that an older MLflow left behind is migrated, after a copy of it was made."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest

from conftest import Dev

pytestmark = pytest.mark.needs("native")

# MLflow's own migrations, up to the one before the newest.
OLDER = """
import sys, sqlalchemy
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base

engine = sqlalchemy.create_engine(sys.argv[1])
Base.metadata.create_all(engine)
with engine.begin() as connection:
    config = _get_alembic_config(sys.argv[1])
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    older = script.get_revision(script.get_current_head()).down_revision
    command.upgrade(config, older)
print(older)
"""


def test_an_older_database_is_migrated_and_a_copy_kept(dev: Dev) -> None:
    dev("up", "postgresql")
    port, secrets = dev.env()["POSTGRES_PORT"], dev.root / ".mmp-dev/stacks/default/secrets"
    password = (secrets / "postgresql-admin").read_text().strip()
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password, autocommit=True) as admin:
        admin.execute("CREATE ROLE mlflow LOGIN PASSWORD 'soon another one'")
        admin.execute("CREATE DATABASE mlflow OWNER mlflow")
    uri = f"postgresql+psycopg://mlflow@127.0.0.1:{port}/mlflow"
    made = subprocess.run(
        [sys.executable, "-c", OLDER, uri],
        env={**os.environ, "PGPASSWORD": "soon another one"},
        capture_output=True,
        text=True,
        check=True,
    )
    older = made.stdout.split()[-1]
    dev("up")
    assert set(dev.outcomes().values()) <= {"passed", "skipped"}
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password, dbname="mlflow") as admin:
        assert admin.execute("SELECT version_num FROM alembic_version").fetchone() != (older,)
    copy = f"mlflow_before_{older}"
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password, dbname=copy) as admin:
        assert admin.execute("SELECT version_num FROM alembic_version").fetchone() == (older,)
