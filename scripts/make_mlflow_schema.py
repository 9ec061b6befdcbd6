"""Release helper: write the ready-made schema of the installed MLflow's database.

Run it in a workspace whose stack is up, with the environment of the stack's own Python, after MLflow's version was
raised: `python scripts/make_mlflow_schema.py`. It lets MLflow's migrations fill an empty scratch database and dumps it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from mmp_local_dev import env_formats
from mmp_local_dev.environment import Environment
from mmp_local_dev.services import postgresql, postgresql_server
from mmp_local_dev.services.base import Home
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

TARGET = Path(__file__).parents[1] / "mlflow" / "schema.sql"
SCRATCH = "mlflow_schema_scratch"


def main() -> None:
    stack = Workspace.find(Path.cwd()).stack(DEFAULT_STACK)
    env = Environment(env_formats.parse(stack.env_file.read_text(encoding="utf-8"), source=".env"))
    home = Home(stack)
    with postgresql.connect_as_admin(env, home, timeout=5) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH}")
        admin.execute(f"CREATE DATABASE {SCRATCH}")
        try:
            TARGET.write_text(dump(env, home), encoding="utf-8")
        finally:
            admin.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")
    print(f"wrote {TARGET}")


def dump(env: Environment, home: Home) -> str:
    client = {
        **os.environ,
        "PGHOST": env["POSTGRES_HOST"],
        "PGPORT": env["POSTGRES_PORT"],
        "PGUSER": postgresql.ADMIN,
        "PGPASSWORD": home.secret("postgresql-admin"),
    }
    uri = f"postgresql+psycopg://{env['POSTGRES_HOST']}:{env['POSTGRES_PORT']}/{SCRATCH}"
    subprocess.run([sys.executable, "-m", "mlflow", "db", "upgrade", uri], env=client, check=True)
    with postgresql.connect_as_admin(env, home, database=SCRATCH, timeout=5) as database:
        revision = postgresql.scalar(database, "SELECT version_num FROM alembic_version")
    pg_dump = postgresql_server.find_programs(env) / "pg_dump"
    command = [str(pg_dump), "--no-owner", "--no-acl", "--inserts", SCRATCH]
    text = subprocess.run(command, env=client, check=True, capture_output=True, text=True).stdout
    return f"-- mlflow: {metadata.version('mlflow')}\n-- revision: {revision}\n" + statements(text)


def statements(text: str) -> str:
    """The SQL without comments, blank lines and psql's own commands (`\\restrict`)."""
    kept = [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    main()
