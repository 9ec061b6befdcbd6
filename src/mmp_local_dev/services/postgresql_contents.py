"""What tables were filled with, as they tell it themselves: in the comment on each, and in that on its primary key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.services.postgresql import connect

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

_TABLES: LiteralString = """
    SELECT relname, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''),
           coalesce(pg_catalog.obj_description(key.oid, 'pg_constraint'), '')
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
    LEFT JOIN pg_catalog.pg_constraint AS key ON conrelid = c.oid AND contype = 'p'
    WHERE nspname = %s AND relname = ANY(%s) AND relkind = 'r'
"""
_KEY: LiteralString = "SELECT conname FROM pg_catalog.pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'"


@dataclass(frozen=True)
class Held:
    """What a table holds: its comment, its rows, and how many there were when it was last filled (None: unknown)."""

    comment: str
    rows: int
    filled_with: int | None

    @property
    def is_as_filled(self) -> bool:
        """Whether there are just as many rows as it was filled with."""
        return self.rows == self.filled_with


def held(env: Environment, schema: str, tables: Sequence[str], *, timeout: float) -> Mapping[str, Held]:
    """What those of the tables that there are hold. Raises NotReady."""
    with connect(env, timeout=timeout) as connection:
        return read(connection, schema, tables)


def read(connection: Connection, schema: str, tables: Sequence[str]) -> Mapping[str, Held]:
    """The same over a connection."""
    found = connection.execute(_TABLES, [schema, list(tables)]).fetchall()
    return {name: Held(comment, count(connection, schema, name), _number(mark)) for name, comment, mark in found}


def count(connection: Connection, schema: str, table: str) -> int:
    """How many rows a table has."""
    from psycopg import sql

    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))).fetchone()
    return int(row[0]) if row else 0


def write(connection: Connection, schema: str, table: str, comment: str, rows: int) -> None:
    """Let a table tell that it was filled with so many rows, and of what. The number needs a primary key."""
    from psycopg import sql

    name = sql.Identifier(schema, table)
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(comment)))
    for (key,) in connection.execute(_KEY, [name.as_string(connection)]).fetchall():
        statement = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}")
        connection.execute(statement.format(sql.Identifier(key), name, sql.Literal(_mark(rows))))


def _mark(rows: int) -> str:
    return f"{rows} rows as mmp-dev put them there"


def _number(mark: str) -> int | None:
    number = mark.partition(" ")[0]
    return int(number) if number.isdecimal() and mark == _mark(int(number)) else None
