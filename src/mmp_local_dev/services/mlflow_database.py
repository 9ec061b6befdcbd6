"""MLflow's database: made from a ready schema, and brought up to date when MLflow was upgraded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmp_local_dev.environment import Environment, generate_secret
from mmp_local_dev.errors import NotReady
from mmp_local_dev.services import postgresql
from mmp_local_dev.services.base import Home, Programs

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

# Role and database carry the same name.
NAME = "mlflow"


def uri(env: Mapping[str, str]) -> str:
    """SQLAlchemy's address of the database; the password is in the password file. SQLAlchemy 2.1 reads a bare
    `postgresql://` as psycopg 3, older ones as psycopg2: hence the driver's name."""
    return f"postgresql+psycopg://{NAME}@{env['POSTGRES_HOST']}:{env['POSTGRES_PORT']}/{NAME}"


def password_file(home: Home) -> Path:
    """libpq's password file (0600) for MLflow's role: keeps the password out of command lines and environments."""
    return home.secret_file("mlflow.pgpass", lambda: f"*:*:*:{NAME}:{generate_secret()}")


def password(home: Home) -> str:
    """The password of MLflow's role."""
    return password_file(home).read_text(encoding="utf-8").strip().split(":")[4]


def prepare(env: Environment, home: Home, programs: Programs, *, timeout: float) -> None:
    """Make the role and the database, or bring the database's schema to that of the MLflow that serves.

    Raises NotReady while PostgreSQL does not answer, and CommandFailed when MLflow cannot migrate the schema.
    """
    schema = programs.mlflow_schema()
    wanted = said_in(schema, "revision") if schema else None
    if wanted is not None and _revision_seen_by_mlflow(env, password(home), timeout=timeout) == wanted:
        return
    with postgresql.connect_as_admin(env, home, timeout=timeout) as admin:
        postgresql.check_identity(admin, env)
        postgresql.ensure_role(admin, env, NAME, password(home), timeout=timeout)
        if not _exists(admin, NAME):
            _create(admin, env, home, schema, timeout=timeout)
    with postgresql.connect_as_admin(env, home, database=NAME, timeout=timeout) as database:
        found = _revision(database)
    if found is not None and wanted is not None and found != wanted:
        _upgrade(env, home, programs, found, timeout=timeout)


def said_in(schema: str, word: str) -> str:
    """What the head of a shipped schema says: `-- WORD: what`. `word` is "mlflow" (its version) or "revision"."""
    prefix = f"-- {word}:"
    return next(line.removeprefix(prefix).strip() for line in schema.splitlines() if line.startswith(prefix))


def _exists(admin: Connection, database: str) -> bool:
    return bool(postgresql.scalar(admin, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", database))


def _create(admin: Connection, env: Environment, home: Home, schema: str | None, *, timeout: float) -> None:
    """Fill the database under another name and rename it: MLflow, which is starting already, sees none or a whole one.

    Without a schema it stays empty, and MLflow runs its migrations at its first request.
    """
    from psycopg import sql

    partial = sql.Identifier(f"{NAME}_partial")
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(partial))
    admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(partial, sql.Identifier(NAME)))
    if schema:
        with postgresql.connect_as_admin(env, home, database=f"{NAME}_partial", timeout=timeout) as database:
            database.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(NAME)))
            database.execute(schema.encode())
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(partial, sql.Identifier(NAME)))


def _revision_seen_by_mlflow(env: Environment, secret: str, *, timeout: float) -> str | None:
    """The schema's revision as MLflow's own role reads it; None when anything is not as it should be."""
    try:
        with postgresql.connect(env, user=NAME, password=secret, database=NAME, timeout=timeout) as database:
            postgresql.check_identity(database, env)
            return _revision(database)
    except NotReady:
        return None


def _revision(database: Connection) -> str | None:
    present = postgresql.scalar(database, "SELECT to_regclass('public.alembic_version')::text")
    return str(postgresql.scalar(database, "SELECT version_num FROM public.alembic_version")) if present else None


def _upgrade(env: Environment, home: Home, programs: Programs, found: str, *, timeout: float) -> None:
    """Run MLflow's own migrations, after a copy of the database was made beside it."""
    from psycopg import sql

    copy = f"{NAME}_before_{found}"
    with postgresql.connect_as_admin(env, home, timeout=timeout) as admin:
        if not _exists(admin, copy):
            admin.execute(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = %s",
                [NAME],
            )
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(*map(sql.Identifier, (copy, NAME, NAME)))
            )
    command = ["python", "-m", "mlflow", "db", "upgrade", uri(programs.inside(env))]
    programs.pipe("mlflow", command, env, {"PGPASSWORD": password(home), "PGSSLMODE": "disable"})
