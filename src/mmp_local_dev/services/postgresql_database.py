"""What PostgreSQL knows of a database besides its contents: owner, locale, grants, settings. Read, and made again."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.services import postgresql
from mmp_local_dev.services.base import Home

if TYPE_CHECKING:
    from psycopg import sql

    from mmp_local_dev.services.postgresql import Connection

# A database that is being filled, and the one that it has just replaced; neither is anybody's. What an interruption
# leaves of them is dropped by the next restore. Fixed names: a suffix would not fit behind a name of 63 bytes.
RESTORING = "mmp_dev_restoring"
REPLACED = "mmp_dev_replaced"

MAINTENANCE = "template1"  # to be connected to while any other database is replaced, `postgres` included
_PROVIDERS: dict[str, LiteralString] = {"b": "builtin", "c": "libc", "i": "icu"}
_LOCALES: dict[str, LiteralString] = {"b": "BUILTIN_LOCALE", "i": "ICU_LOCALE"}
# Their values are lists of quoted names, and stored as such; every other value is one text. As pg_dump has it.
_LISTS = {
    *("local_preload_libraries", "search_path", "session_preload_libraries"),
    *("shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"),
}
_DATABASES: LiteralString = """
    SELECT datname, pg_catalog.pg_get_userbyid(datdba), pg_catalog.pg_encoding_to_char(encoding),
           datlocprovider::text, datcollate, datctype, datlocale, daticurules, datconnlimit,
           pg_catalog.shobj_description(db.oid, 'pg_database'),
           (SELECT coalesce(jsonb_agg(jsonb_build_array(rolname, setting) ORDER BY rolname NULLS FIRST, number), '[]')
            FROM pg_catalog.pg_db_role_setting LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = setrole
            CROSS JOIN LATERAL unnest(setconfig) WITH ORDINALITY AS each (setting, number)
            WHERE setdatabase = db.oid),
           CASE WHEN datacl IS NOT NULL THEN (
               SELECT coalesce(jsonb_agg(jsonb_build_array(
                          pg_catalog.pg_get_userbyid(grantor),
                          CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee) END,
                          privilege_type, is_grantable) ORDER BY ordinality), '[]')
               FROM pg_catalog.aclexplode(datacl) WITH ORDINALITY) END
    FROM pg_catalog.pg_database AS db WHERE NOT datistemplate AND datconnlimit <> -2 AND datname <> ALL(%s)
    ORDER BY datname
"""  # a limit of -2 marks what an interrupted DROP DATABASE has left


@dataclass(frozen=True)
class Database:
    """A database without its contents, in values that JSON can hold.

    `provider` is c, b or i as in `pg_database`. `settings` are pairs of a role (None: any) and `name=value`; `grants`
    are grantor, grantee (None: everybody), privilege, and whether it can be passed on; None: those by default.
    """

    name: str
    owner: str
    encoding: str
    provider: str
    collate: str
    ctype: str
    locale: str | None
    icu_rules: str | None
    connection_limit: int
    comment: str | None
    settings: Sequence[Sequence[Any]]
    grants: Sequence[Sequence[Any]] | None


@contextmanager
def connect(env: Environment, home: Home, *, timeout: float, database: str = MAINTENANCE) -> Iterator[Connection]:
    """A connection as superuser to this stack's server, and to no other; autocommit. `timeout`: seconds.

    Raises NotReady or WrongService, and MmpError with code REFUSED when the server refuses a statement.
    """
    import psycopg

    try:
        with postgresql.connect_as_admin(env, home, timeout=timeout, database=database) as admin:
            postgresql.check_identity(admin, env)
            admin.execute("SET ROLE NONE")  # a setting of the database may have made us somebody else
            yield admin
    except psycopg.Error as error:
        raise MmpError(f"PostgreSQL refused it: {error.diag.message_primary or error}.", code="REFUSED") from None


def databases(admin: Connection) -> list[Database]:
    """All but the templates, and what an interruption left: of a restore, or of a DROP DATABASE."""
    return [Database(*row) for row in admin.execute(_DATABASES, [[RESTORING, REPLACED]])]


def create(admin: Connection, database: Database, *, name: str) -> None:
    """Make it anew under `name`, empty, with everything but its contents."""
    from psycopg import sql

    admin.execute(_create(database, name))
    if database.comment is not None:
        admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), database.comment))
    for role, setting in database.settings:
        admin.execute(alter(name, role, setting))
    if database.grants is not None:
        _grant(admin, database.owner, database.grants, name)


def _create(database: Database, name: str) -> sql.Composed:
    """From `template0`, the only template that can have another encoding and locale, and to which nobody adds."""
    from psycopg import sql

    statement = sql.SQL(
        "CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {} LOCALE_PROVIDER {} "
        "CONNECTION LIMIT {}"
    ).format(
        sql.Identifier(name),
        sql.Identifier(database.owner),
        *(database.encoding, database.collate, database.ctype),
        sql.SQL(_PROVIDERS[database.provider]),
        database.connection_limit,
    )
    if database.locale is not None:
        statement += sql.SQL(" {} {}").format(sql.SQL(_LOCALES[database.provider]), database.locale)
    if database.icu_rules is not None:
        statement += sql.SQL(" ICU_RULES {}").format(database.icu_rules)
    return statement


def alter(name: str, role: str | None, setting: str) -> sql.Composed:
    """The statement that gives a database a `setting` as PostgreSQL stores it, for a role or (None) for any."""
    from psycopg import sql

    variable, _, value = setting.partition("=")
    values = next(csv.reader([value], skipinitialspace=True)) if variable in _LISTS else [value]
    whose = sql.SQL("DATABASE {}").format(sql.Identifier(name))
    if role is not None:
        whose = sql.SQL("ROLE {} IN ").format(sql.Identifier(role)) + whose
    return sql.SQL("ALTER {} SET {} TO {}").format(
        whose, sql.Identifier(variable), sql.SQL(", ").join(map(sql.Literal, values))
    )


def _grant(admin: Connection, owner: str, grants: Sequence[Sequence[Any]], name: str) -> None:
    """Everything is taken back first, then given in the old order by those who gave it."""
    from psycopg import sql

    database = sql.Identifier(name)
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(database, sql.Identifier(owner)))
    for grantor, grantee, privilege, grantable in grants:
        admin.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(grantor)))
        statement = sql.SQL("GRANT {} ON DATABASE {} TO {}").format(
            sql.SQL(privilege), database, sql.SQL("PUBLIC") if grantee is None else sql.Identifier(grantee)
        )
        admin.execute(statement + sql.SQL(" WITH GRANT OPTION" if grantable else ""))
        admin.execute("RESET SESSION AUTHORIZATION")
