"""The template of databases that live for one test only: `up` provisions it, whoever has `.env` clones it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError
from mmp_local_dev.services import postgresql, postgresql_database, postgresql_script
from mmp_local_dev.services.base import Home
from mmp_local_dev.workspace_files import FEATURE_TABLES

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

NAME = "mmp_dev_template"

# Its comment names the schema that is in it, and the digest of the file that made its tables: nobody can connect to a
# template to look.
_READY: LiteralString = """
    SELECT rolcreatedb AND EXISTS (
        SELECT FROM pg_catalog.pg_database AS db
        WHERE datname = %s AND datdba = r.oid AND datistemplate AND NOT datallowconn
              AND pg_catalog.shobj_description(db.oid, 'pg_database') = %s
    ) FROM pg_catalog.pg_roles AS r WHERE rolname = %s
"""


def is_ready(connection: Connection, env: Environment, home: Home) -> bool:
    """Whether the published user can clone the template, and it is what `env` and the workspace describe."""
    wanted = (NAME, _comment(env, home), env["POSTGRES_USER"])
    return bool(postgresql.scalar(connection, _READY, *wanted))


def ensure(env: Environment, home: Home, *, timeout: float) -> None:
    """Let the published user make databases, and make the template: POSTGRES_DB as `up` provides it, without data.

    One that was left half-made, or belongs to another user, schema or file of tables, is made anew. Where that file
    cannot be used there are no tables; who makes those of POSTGRES_DB tells why. Raises NotReady or WrongService.
    """
    with postgresql.connect_as_admin(env, home, timeout=timeout) as admin:
        _allow(admin, env["POSTGRES_USER"])
        if is_ready(admin, env, home):
            return
        _drop(admin)
        published = next(each for each in postgresql_database.databases(admin) if each.name == env["POSTGRES_DB"])
        # What a clone does not take over would only be in the way.
        bare = replace(published, settings=(), grants=None, comment=None, connection_limit=-1)
        postgresql_database.create(admin, bare, name=NAME)
    with postgresql.connect_as_admin(env, home, database=NAME, timeout=timeout) as template:
        postgresql.ensure_schema(template, env["FEAST_DB_SCHEMA"], owner=env["POSTGRES_USER"])
        with suppress(InputError):
            _make_tables(template, env, home, timeout)
    with postgresql.connect_as_admin(env, home, timeout=timeout) as admin:
        _close(admin, _comment(env, home))


def _make_tables(template: Connection, env: Environment, home: Home, timeout: float) -> None:
    from psycopg import sql

    path = home.stack.workspace.root / FEATURE_TABLES
    if text := postgresql_script.text_of(path):
        template.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(env["POSTGRES_USER"])))
        postgresql_script.run(template, path, text, schema=env["FEAST_DB_SCHEMA"], timeout=timeout)


def _comment(env: Environment, home: Home) -> str:
    text = ""
    with suppress(InputError):
        text = postgresql_script.text_of(home.stack.workspace.root / FEATURE_TABLES) or ""
    return f"{env['FEAST_DB_SCHEMA']} {sha256(text.encode()).hexdigest()[:12]}"


def _allow(admin: Connection, user: str) -> None:
    from psycopg import sql

    admin.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(user)))


def _drop(admin: Connection) -> None:
    from psycopg import sql

    if postgresql.scalar(admin, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", NAME):
        name = sql.Identifier(NAME)
        admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(name))
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _close(admin: Connection, comment: str) -> None:
    from psycopg import sql

    name = sql.Identifier(NAME)
    admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(comment)))
    admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(name))
