"""Tables that take the place of others in one step, and what would be lost with those: rights, views, triggers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.errors import MmpError, NotReady, Repair
from mmp_local_dev.services import postgresql_contents
from mmp_local_dev.services.postgresql_contents import Held

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql_staging import Staging

# Whoever reads meanwhile waits behind us, so never for long; but an autovacuum makes way after one second only.
_LOCK_TIMEOUT = "2s"
_NAMED = 5  # dependents that the message names
# What would go with the tables, or keep them from going: all but their own parts.
_DEPENDENTS: LiteralString = """
    WITH ours AS (
        SELECT c.oid, c.reltype FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = %s::regnamespace AND relname = ANY(%s)
    ), own AS (
        SELECT 'pg_class'::regclass AS classid, oid AS objid FROM ours
        UNION ALL SELECT 'pg_type'::regclass, reltype FROM ours
        UNION ALL SELECT 'pg_type'::regclass, typarray FROM pg_catalog.pg_type WHERE oid IN (SELECT reltype FROM ours)
        UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_catalog.pg_index
                  WHERE indrelid IN (SELECT oid FROM ours)
        UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_catalog.pg_constraint
                  WHERE conrelid IN (SELECT oid FROM ours)
    )
    SELECT DISTINCT CASE WHEN view.oid IS NULL THEN pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
                         ELSE pg_catalog.pg_describe_object('pg_class'::regclass, view.oid, 0) END
    FROM pg_catalog.pg_depend AS d JOIN own ON own.classid = d.refclassid AND own.objid = d.refobjid
    LEFT JOIN pg_catalog.pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_catalog.pg_class AS view ON view.oid = r.ev_class AND view.relkind IN ('v', 'm')
    LEFT JOIN pg_catalog.pg_trigger AS t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
    WHERE d.deptype <> 'i' AND d.classid <> 'pg_attrdef'::regclass AND t.tgisinternal IS NOT TRUE
          AND NOT EXISTS (SELECT FROM own AS part WHERE part.classid = d.classid AND part.objid = d.objid)
    ORDER BY 1
"""
_GRANTS: LiteralString = """
    SELECT relname, NULL AS attname, privilege_type, grantee, is_grantable
    FROM pg_catalog.pg_class CROSS JOIN LATERAL aclexplode(coalesce(relacl, acldefault('r', relowner)))
    WHERE relnamespace = %(schema)s::regnamespace AND relname = ANY(%(tables)s)
    UNION ALL
    SELECT relname, attname, privilege_type, grantee, is_grantable
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute ON attrelid = c.oid AND NOT attisdropped
    CROSS JOIN LATERAL aclexplode(attacl)
    WHERE relnamespace = %(schema)s::regnamespace AND relname = ANY(%(tables)s)
"""
_OTHERS: LiteralString = """
    SELECT relname, attname, privilege_type, rolname, is_grantable
    FROM ({}) AS given LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = grantee
    WHERE rolname IS DISTINCT FROM current_user AND (grantee = 0 OR rolname IS NOT NULL)
"""
_SESSIONS = (
    "SELECT pid, application_name, state, query FROM pg_stat_activity "
    "WHERE xact_start IS NOT NULL AND datname = current_database()"
)


def check_free(staging: Staging) -> None:
    """Raise MmpError, with code TABLE_IN_USE, when something depends on the tables that would not survive them."""
    wanted = [_quoted(staging.schema), list(staging.tables)]
    with staging.path("pg_catalog"):
        found = [str(each) for (each,) in staging.connection.execute(_DEPENDENTS, wanted)]
    if found:
        raise MmpError(
            f"The tables of the schema {staging.schema} cannot be replaced, because something depends on them: "
            f"{_listed(found)}. Nothing has changed.",
            repairs=[
                Repair("mmp-dev psql", "note how each of these is made (\\d+ shows it), drop it; make it anew later")
            ],
            detail="\n".join(found[_NAMED:]),
            code="TABLE_IN_USE",
        )


def put_in_place(staging: Staging, comment: str, agree: Callable[[Mapping[str, Held]], None]) -> Mapping[str, int]:
    """Let the copies take the place of their tables in one transaction, with `comment` and the rights of the old ones.

    Returns the rows of each. `agree` is told what the old tables hold when nobody can change them any more, and raises
    to keep them. Raises NotReady while somebody uses them, and MmpError as `check_free` does.
    """
    import psycopg

    connection = staging.connection
    rows = {table: postgresql_contents.count(connection, staging.name, table) for table in staging.tables}
    try:
        with connection.transaction():
            _lock(staging)
            agree(postgresql_contents.read(connection, staging.schema, staging.tables))
            check_free(staging)
            _grant(staging)
            _replace(staging, comment, rows)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        raise NotReady(
            f"Somebody works with the tables of the schema {staging.schema}, so they cannot be replaced just now.",
            repairs=[Repair(f'mmp-dev psql -c "{_SESSIONS}"', "shows who; let them finish, and try again")],
            code="TABLE_LOCKED",
        ) from None
    return rows


def _lock(staging: Staging) -> None:
    from psycopg import sql

    execute = staging.connection.execute
    execute(sql.SQL("SET LOCAL lock_timeout TO {}").format(sql.Literal(_LOCK_TIMEOUT)))
    execute("SET LOCAL synchronous_commit TO on")
    old = sql.SQL(", ").join(sql.Identifier(staging.schema, table) for table in staging.tables)
    execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(old))


def _grant(staging: Staging) -> None:
    """Give the copies the rights that others, an earlier owner too, have on the tables."""
    from psycopg import sql

    wanted = {"schema": _quoted(staging.schema), "tables": list(staging.tables)}
    query = sql.SQL(_OTHERS).format(sql.SQL(_GRANTS))
    for table, column, privilege, role, grantable in staging.connection.execute(query, wanted).fetchall():
        statement = sql.SQL("GRANT {}{} ON {} TO {}{}").format(
            sql.SQL(privilege),
            sql.SQL(" ({})").format(sql.Identifier(column)) if column else sql.SQL(""),
            staging.of_copy(table),
            sql.Identifier(role) if role else sql.SQL("PUBLIC"),
            sql.SQL(" WITH GRANT OPTION" if grantable else ""),
        )
        staging.connection.execute(statement)


def _replace(staging: Staging, comment: str, rows: Mapping[str, int]) -> None:
    from psycopg import sql

    connection, schema = staging.connection, sql.Identifier(staging.schema)
    old = sql.SQL(", ").join(sql.Identifier(staging.schema, table) for table in staging.tables)
    connection.execute(sql.SQL("DROP TABLE {}").format(old))
    for table in staging.tables:
        connection.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(staging.of_copy(table), schema))
        postgresql_contents.write(connection, staging.schema, table, comment, rows[table])
    connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(staging.name)))


def _listed(found: list[str]) -> str:
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f", and {more} more" if more > 0 else "")


def _quoted(name: str) -> str:
    """As SQL writes it, for PostgreSQL to find the schema by."""
    from psycopg import sql

    return sql.Identifier(name).as_string(None)
