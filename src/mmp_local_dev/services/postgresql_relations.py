"""What can be read rows from, a table or a query, and its columns, in one transaction that changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.services import postgresql

if TYPE_CHECKING:
    from psycopg import Error, sql

    from mmp_local_dev.services.postgresql import Connection

_LOCK_TIMEOUT = 5  # seconds that a lock of somebody else is waited for, at most half of a query's time

_CLOSED = "the user of .env may not read it"

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}

_RELATION: LiteralString = """
    SELECT n.nspname, c.relname, c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), '')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""

# A column's own type and, of a domain, the type behind it. Of types, `e` is an enumeration and category A an array.
_COLUMNS: LiteralString = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), format_type(base.oid, NULL),
           CASE WHEN base.typtype = 'e' THEN 'enum' WHEN base.typcategory = 'A' THEN 'array' ELSE '' END,
           a.attnotnull, has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
           EXISTS (SELECT FROM pg_catalog.pg_index i
                   WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                     AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_type base ON base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_TYPE: LiteralString = """
    SELECT format_type(t.oid, NULL), format_type(base.oid, NULL),
           CASE WHEN base.typtype = 'e' THEN 'enum' WHEN base.typcategory = 'A' THEN 'array' ELSE '' END
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_type base ON base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    WHERE t.oid = %s
"""


class RelationUnreadable(MmpError):
    """PostgreSQL does not give out the rows of one table or query; others may be read."""

    code = "RELATION_UNREADABLE"


@dataclass(frozen=True)
class Relation:
    """A table by schema and name, or a query (then both are ""). `comment` is what COMMENT ON has said of it."""

    schema: str = ""
    name: str = ""
    kind: str = "query"
    comment: str = ""
    query: str = ""

    @property
    def has_tablesample(self) -> bool:
        """Whether a part of its rows can be read without reading them all."""
        return self.kind in ("table", "materialized view")

    @property
    def sql_name(self) -> str:
        """Schema and name as people write them; "" for a query."""
        return f"{self.schema}.{self.name}" if self.name else ""

    def sql(self) -> sql.Composable:
        """What stands behind FROM. A query is text of a feature view, which Feast puts into its own SQL, too."""
        from psycopg import sql

        if self.query:
            return sql.SQL("({}\n)").format(sql.SQL(self.query))
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class RelationColumn:
    """A column: its type as people write it and the plain type behind a domain; `form` is enum, array or "".

    `unique`: PostgreSQL sees to it that no value is there twice.
    """

    name: str
    type: str
    base: str
    form: str = ""
    not_null: bool = False
    readable: bool = True
    unique: bool = False


@contextmanager
def reading(env: Environment, schema: str, *, timeout: float) -> Iterator[Connection]:
    """A connection in one read-only transaction, in which every query sees the rows as of one moment.

    Names without a schema are looked for in `schema`; times are UTC; a query may take `timeout` seconds. Raises
    NotReady when the server does not answer, RelationUnreadable for whatever else PostgreSQL objects to.
    """
    import psycopg

    with postgresql.connect(env, timeout=min(timeout, 10)) as connection:
        postgresql.check_identity(connection, env)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            with connection.transaction():
                _set(connection, schema, timeout)
                yield connection
        except psycopg.Error as error:
            if connection.broken:
                raise
            raise RelationUnreadable(_why(error, timeout)) from None


def find(connection: Connection, table: str) -> Relation | None:
    """The table, view or foreign table that this name means in SQL; None when there is none.

    Raises RelationUnreadable when its schema may not be used.
    """
    import psycopg

    try:
        with connection.transaction():
            row = connection.execute(_RELATION, [table]).fetchone()
    except (psycopg.errors.InvalidName, psycopg.errors.SyntaxError):  # no name at all
        return None
    except psycopg.errors.InsufficientPrivilege:
        raise RelationUnreadable(_CLOSED) from None
    if row is None:
        return None
    schema, name, kind, comment = row
    return Relation(schema, name, _KINDS[kind], comment)


def columns(connection: Connection, relation: Relation) -> list[RelationColumn]:
    """Its columns, in their order."""
    if relation.query:
        return _described(connection, relation)
    name = quoted(relation.schema, relation.name)
    return [RelationColumn(*row) for row in connection.execute(_COLUMNS, [name])]


def quoted(schema: str, name: str) -> str:
    """The name of a table as `find` takes it, whatever characters are in it."""
    return ".".join('"' + each.replace('"', '""') + '"' for each in (schema, name))


def _described(connection: Connection, relation: Relation) -> list[RelationColumn]:
    from psycopg import sql

    # Prepared, which PostgreSQL does with one statement only: what else may stand in a query is refused here.
    query = sql.SQL("SELECT * FROM {} AS source LIMIT 0").format(relation.sql())
    described = connection.execute(query, prepare=True).description or []
    types = {each.type_code: connection.execute(_TYPE, [each.type_code]).fetchone() for each in described}
    return [RelationColumn(each.name, *(types[each.type_code] or ("unknown", "unknown", ""))) for each in described]


def _set(connection: Connection, schema: str, timeout: float) -> None:
    """Sorting and grouping happen in memory as far as this allows. Compiling queries costs more than it saves here."""
    values = {
        "search_path": ", ".join('"' + each.replace('"', '""') + '"' for each in dict.fromkeys((schema, "public"))),
        "statement_timeout": str(round(timeout * 1000)),
        "lock_timeout": str(round(_lock_timeout(timeout) * 1000)),
        "TimeZone": "UTC",
        "work_mem": "64MB",
        "jit": "off",
    }
    for name, value in values.items():
        postgresql.scalar(connection, "SELECT set_config(%s, %s, true)", name, value)


def _lock_timeout(timeout: float) -> float:
    return min(timeout / 2, _LOCK_TIMEOUT)


def _why(error: Error, timeout: float) -> str:
    """The reason in a few words, for what can happen to anybody; else as PostgreSQL says it."""
    from psycopg import errors

    known: Sequence[tuple[type[Exception], str]] = (
        (errors.LockNotAvailable, f"somebody holds a lock on it, for more than {_lock_timeout(timeout):g} s"),
        (errors.QueryCanceled, f"reading it takes longer than {timeout:g} s"),
        (errors.InsufficientPrivilege, _CLOSED),
    )
    found = next((why for kind, why in known if isinstance(error, kind)), "")
    return found or (error.diag.message_primary or str(error)).splitlines()[0].rstrip(".")
