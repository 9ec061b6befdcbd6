"""What PostgreSQL says of its tables: columns, keys, rights, and single facts about their rows. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.services.postgresql import connect, scalar

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

_FACTS: LiteralString = """
    SELECT n.nspname, c.relname, c.relkind::text, has_schema_privilege(n.oid, 'USAGE'),
           (SELECT json_agg(json_build_array(
                       a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                       has_column_privilege(c.oid, a.attnum, 'SELECT')) ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           (SELECT json_agg(json_build_array(
                       i.indisprimary,
                       (SELECT json_agg(a.attname ORDER BY k.place)
                        FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
                        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                        WHERE k.place <= i.indnkeyatts)))
            FROM pg_catalog.pg_index i
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
           coalesce(obj_description(c.oid, 'pg_class'), '')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}

Location = tuple[str, str]  # schema and name


@dataclass(frozen=True)
class ColumnFacts:
    """A column: its type as `format_type` writes it, NOT NULL or not, and whether the published user may read it."""

    type: str
    not_null: bool
    readable: bool


@dataclass(frozen=True)
class TableFacts:
    """A table, view or foreign table. `usable`: the published user may use its schema; `unique`: its unique keys,
    the primary one too; `comment`: what COMMENT ON says of it, or ""."""

    kind: str
    usable: bool
    columns: Mapping[str, ColumnFacts]
    primary_key: tuple[str, ...]
    unique: frozenset[tuple[str, ...]]
    comment: str


def read_tables(env: Environment, schemas: Collection[str], *, timeout: float) -> Mapping[Location, TableFacts]:
    """Everything that stands in these schemas of the published database. Raises NotReady."""
    with connect(env, timeout=timeout) as connection:
        _limit(connection, timeout)
        rows = connection.execute(_FACTS, [sorted(schemas)]).fetchall()
    return {(schema, name): _facts(*facts) for schema, name, *facts in rows}


def age(env: Environment, table: Location, column: str, *, timeout: float) -> float | None:
    """Seconds since the newest value of a timestamp column, which is UTC where it has no zone; None for an empty table.

    Raises NotReady.
    """
    from psycopg import sql

    query = sql.SQL("SELECT extract(epoch FROM now() - max({})::timestamptz) FROM {}")
    with connect(env, timeout=timeout) as connection:
        _limit(connection, timeout)
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(query.format(sql.Identifier(column), sql.Identifier(*table))).fetchone()
    return float(row[0]) if row and row[0] is not None else None


def present_values(
    env: Environment, table: Location, column: str, values: Sequence[str], *, timeout: float
) -> frozenset[str]:
    """Which of `values`, written as text, a column has in some row. Raises NotReady."""
    from psycopg import DataError, sql

    name = sql.Identifier(column)
    query = sql.SQL("SELECT DISTINCT {}::text FROM {} WHERE {} IN ({})").format(
        name, sql.Identifier(*table), name, sql.SQL(", ").join(map(sql.Literal, values))
    )
    with connect(env, timeout=timeout) as connection:
        _limit(connection, timeout)
        try:
            return frozenset(row[0] for row in connection.execute(query))
        except DataError:  # one of them is no value of the column's type
            return frozenset()


def _limit(connection: Connection, timeout: float) -> None:
    """A table that somebody holds a lock on must not be waited for without end."""
    scalar(connection, "SELECT set_config('statement_timeout', %s, false)", str(round(timeout * 1000)))


def _facts(
    kind: str, usable: Any, columns: Sequence[Any] | None, keys: Sequence[Any] | None, comment: str
) -> TableFacts:
    unique = [(primary, tuple(names)) for primary, names in keys or ()]
    return TableFacts(
        _KINDS[kind],
        usable,
        {name: ColumnFacts(*facts) for name, *facts in columns or ()},
        next((names for primary, names in unique if primary), ()),
        frozenset(names for _, names in unique),
        comment,
    )
