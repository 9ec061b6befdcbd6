"""Rows of feature views where they come from: PostgreSQL, asked in plain SQL. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.services import feast_sql, postgresql
from mmp_local_dev.services.feast_keys import Keys
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.feast_sql import Source, source_of

if TYPE_CHECKING:
    from psycopg.sql import Composed

    from mmp_local_dev.services.postgresql import Connection

BATCH = 1000  # rows that are held at a time
FAR = datetime(9999, 1, 1, tzinfo=UTC)  # after every row
SCHEMA = "FEAST_DB_SCHEMA"  # the variable that says where tables without a schema are looked for

_CHEAP = 5000.0  # in the planner's units: some 50 ms
_SOME = 5000  # rows

Asked = tuple[Keys, datetime]  # an entity, and the moment as of which its row is wanted


class Row(NamedTuple):
    """A row of a view: the values of its join keys, its moment, and its features by name."""

    keys: Keys
    at: datetime
    values: Mapping[str, Any]


@contextmanager
def opened(env: Environment, source: Source, *, timeout: float) -> Iterator[Connection]:
    """A connection on which `source` can be read, for about `timeout` seconds a statement.

    Raises NotReady, and MmpError, SOURCE_UNREADABLE, for what PostgreSQL refuses.
    """
    import psycopg

    settings = {
        "search_path": ", ".join(map(feast_sql.quoted, (env.get(SCHEMA) or "public", "public"))),
        "statement_timeout": str(round(timeout * 1000)),
        "default_transaction_read_only": "on",
        "TimeZone": "UTC",
    }
    set_: LiteralString = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS s (name, value)"
    with postgresql.connect(env, timeout=timeout) as connection:
        try:
            connection.execute(set_, [[*settings], [*settings.values()]])
            yield connection
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            why = (error.diag.message_primary or str(error)).rstrip(".")
            raise MmpError(f"The rows of {source.name} cannot be read: {why}.", code="SOURCE_UNREADABLE") from None


def latest(
    env: Environment, project: Project, view_name: str, *, timeout: float, until: datetime | None = None
) -> Iterator[list[Row]]:
    """The newest row of each entity that is not after `until` (now), in lists of bounded length, the highest key first.

    Of rows of one moment, the one created last. All as they were at one instant; rows without a key or a moment count
    for nothing, as with Feast. `timeout` is in seconds, for each list. Raises as `source_of` and `opened`.
    """
    source = source_of(project, view_name)
    with (
        opened(env, source, timeout=timeout) as connection,
        connection.transaction(),
        connection.cursor("latest", binary=True) as cursor,
    ):
        cursor.execute(feast_sql.latest(source), [until or datetime.now(UTC)])
        while rows := cursor.fetchmany(BATCH):
            yield [_row(source, row) for row in rows]


def known_of(connection: Connection, source: Source, keys: Sequence[Keys], until: datetime) -> set[Keys]:
    """Which of these keys have a row that is not after `until`."""
    rows = as_of(connection, replace(source, features={}), [(each, until) for each in keys])
    return {row.keys for row in rows if row}


def as_of(connection: Connection, source: Source, asked: Sequence[Asked], *, ttl: int = 0) -> list[Row | None]:
    """For each entity and moment, the newest row that is not after it and, with a `ttl` in seconds, not older.

    Of rows of one moment, the one created last. None where there is none.
    """
    if not asked:
        return []
    query = _cheapest(connection, source, asked[:BATCH])
    found: list[Row | None] = [None] * len(asked)
    for at in range(0, len(asked), BATCH):
        batch = asked[at : at + BATCH]
        with connection.cursor(binary=True) as cursor:
            for place, *row in cursor.execute(query, _given(batch, ttl)):
                found[at + place - 1] = _row(source, [*batch[place - 1][0], *row])
    return found


def some(connection: Connection, source: Source, count: int, until: datetime) -> list[Keys]:
    """Up to so many entities with rows that are not after `until`, the same ones as long as the data is the same.

    They are spread over the order of their keys where that can be had at once, else over the blocks of the table; of a
    query, whichever come first.
    """
    evenly = feast_sql.evenly(source)
    if _cost(connection, evenly, [until, count, count]) < _CHEAP:
        rows = connection.execute(evenly, [until, count, count]).fetchall()
    elif blocks := _blocks(connection, source):
        rows = connection.execute(feast_sql.blockwise(source), [blocks, count, until]).fetchall()
    else:
        rows = connection.execute(feast_sql.first(source), [until, _SOME]).fetchall()
    return list(dict.fromkeys(map(tuple, rows)))[:count]


def histories(connection: Connection, source: Source, asked: Sequence[Asked], count: int) -> list[list[Row]]:
    """For each entity and moment, up to `count` rows that are not after it: the newest, oldest first."""
    found: list[list[Row]] = [[] for _ in asked]
    query = feast_sql.history(source, _types(connection, source))
    with connection.cursor(binary=True) as cursor:
        for place, *row in cursor.execute(query, [*_given(asked, 0), count]):
            found[place - 1].append(_row(source, [*asked[place - 1][0], *row]))
    return found


def entities(connection: Connection, source: Source, until: datetime) -> int:
    """How many have a row that is not after `until`."""
    return int(postgresql.scalar(connection, feast_sql.entities(source), until))


def waiting(connection: Connection, source: Source, now: datetime) -> int:
    """How many rows are in the future."""
    return int(postgresql.scalar(connection, feast_sql.waiting(source), now))


def _blocks(connection: Connection, source: Source) -> int:
    """How many blocks the table has; 0 for what is no table."""
    query: LiteralString = """
        SELECT pg_relation_size(c.oid) / current_setting('block_size')::int FROM pg_catalog.pg_class c
        WHERE c.oid = CASE WHEN pg_input_is_valid(%s, 'regclass') THEN to_regclass(%s) END AND c.relkind IN ('r', 'm')
    """
    return int(postgresql.scalar(connection, query, source.relation, source.relation) or 0)


def _cheapest(connection: Connection, source: Source, asked: Sequence[Asked]) -> Composed:
    """The cheapest way to look up such rows, which depends on the indexes there are."""
    types = _types(connection, source)
    ways = [way(source, types) for way in (feast_sql.probing, feast_sql.joining)]
    return min(ways, key=lambda way: _cost(connection, way, _given(asked, 0)))


def _types(connection: Connection, source: Source) -> list[str]:
    """PostgreSQL's names of the types of the join keys."""
    described = connection.execute(feast_sql.no_rows(source), ()).description or []
    name: LiteralString = "SELECT format_type(%s, NULL)"
    return [postgresql.scalar(connection, name, column.type_code) for column in described]


def _cost(connection: Connection, query: Composed, parameters: Sequence[Any]) -> float:
    """What the planner expects, given the indexes there are."""
    from psycopg.sql import SQL

    (plan,) = postgresql.scalar(connection, SQL("EXPLAIN (FORMAT JSON) ") + query, *parameters)
    return float(plan["Plan"]["Total Cost"])


def _given(asked: Sequence[Asked], ttl: int) -> list[Any]:
    return [json.dumps([[*map(_text, keys), str(moment)] for keys, moment in asked]), ttl, ttl]


def _text(value: Any) -> str | None:
    """As PostgreSQL reads it; None for what none of its types can hold."""
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return None if "\0" in text else text


def _row(source: Source, row: Sequence[Any]) -> Row:
    count = len(source.keys)
    return Row(tuple(row[:count]), _moment(row[count]), dict(zip(source.features, row[count + 1 :], strict=True)))


def _moment(value: date) -> datetime:
    """As Feast takes it: UTC where there is no zone, midnight where there is no time."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    return value if value.tzinfo else value.replace(tzinfo=UTC)
