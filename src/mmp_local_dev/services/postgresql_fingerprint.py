"""What a PostgreSQL server holds, in few numbers: to see that nothing was lost or changed on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.services import postgresql, postgresql_database
from mmp_local_dev.services.base import Home
from mmp_local_dev.services.postgresql_database import Database

if TYPE_CHECKING:
    from psycopg import sql

    from mmp_local_dev.services.postgresql import Connection

SERVER = ""  # stands for the server in the place of a database's name, which cannot be empty

# Values look the same on every server, whatever its defaults are.
_SESSION: LiteralString = """
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1;
    SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = ''; SET quote_all_identifiers = off;
    SET statement_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
"""
_RELATIONS: LiteralString = """
    SELECT relkind::text, nspname, relname
    FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
          AND (relkind IN ('r', 'S') OR relkind = 'm' AND relispopulated)
    ORDER BY nspname, relname
"""
# The row as a whole is `(t.*)`: a plain `t` would be a column of that name, if there is one.
_TABLE: LiteralString = """
    SELECT count(*), coalesce(sum(pg_catalog.hashtextextended((t.*)::text, 0)::numeric), 0) FROM ONLY {} AS t
"""
_SEQUENCE: LiteralString = "SELECT last_value, is_called FROM {}"
_ROLES: LiteralString = """
    SELECT rolname, pg_catalog.jsonb_build_array(
        rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
        rolpassword, extract(epoch FROM coalesce(rolvaliduntil, 'infinity'))::text,
        pg_catalog.shobj_description(oid, 'pg_authid'),
        (SELECT setconfig FROM pg_catalog.pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0),
        ARRAY(
            SELECT pg_catalog.jsonb_build_array(pg_catalog.pg_get_userbyid(roleid),
                pg_catalog.pg_get_userbyid(grantor), admin_option, inherit_option, set_option)
            FROM pg_catalog.pg_auth_members WHERE member = r.oid ORDER BY 1
        )
    )::text
    FROM pg_catalog.pg_authid AS r WHERE rolname !~ '^pg_' AND rolname <> %s ORDER BY rolname
"""


def fingerprint(env: Environment, home: Home, *, timeout: float) -> Mapping[str, Mapping[str, str]]:
    """What each database holds, by its name, and the roles besides the superuser by their names under SERVER.

    A database's entries are `table SCHEMA.NAME` (rows and a digest of them in any order), `sequence SCHEMA.NAME`,
    `database` (a digest of owner, locale, grants, settings) and `schema` (a digest of all definitions). `timeout`:
    seconds for each connection. Raises NotReady or WrongService, and MmpError with code REFUSED for unreadable data.
    """
    with postgresql_database.connect(env, home, timeout=timeout) as admin:
        databases = postgresql_database.databases(admin)
        roles = {name: _digest(facts) for name, facts in admin.execute(_ROLES, [postgresql.ADMIN])}
    found: dict[str, Mapping[str, str]] = {SERVER: roles}
    for database in databases:
        with postgresql_database.connect(env, home, timeout=timeout, database=database.name) as admin:
            admin.execute(_SESSION)
            facts = {"database": _of_database(database), "schema": _of_schema(admin)}
            found[database.name] = {**facts, **dict(_contents(admin))}
    return found


def _of_database(database: Database) -> str:
    facts = asdict(database)
    grants = [json.dumps(grant) for grant in database.grants or []]
    return _digest(json.dumps({**facts, "grants": sorted(grants), "default": database.grants is None}, sort_keys=True))


def _of_schema(admin: Connection) -> str:
    query = (resources.files("mmp_local_dev.services") / "postgresql_facts.sql").read_bytes()
    return _digest("\n".join(sorted(str(fact) for (fact,) in admin.execute(query))))


def _contents(admin: Connection) -> Iterator[tuple[str, str]]:
    """Each table's and sequence's entry."""
    from psycopg import sql

    for kind, schema, name in admin.execute(_RELATIONS).fetchall():
        relation = sql.Identifier(schema, name)
        if kind == "S":
            yield f"sequence {schema}.{name}", _row(admin, sql.SQL(_SEQUENCE).format(relation))
        else:
            yield f"table {schema}.{name}", _row(admin, sql.SQL(_TABLE).format(relation))


def _row(admin: Connection, query: sql.Composed) -> str:
    return " ".join(map(str, admin.execute(query).fetchone() or ()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
