"""Rows of feature views where they come from: PostgreSQL, asked in plain SQL. Reads only.

A view's table or query is text of its definition, which Feast puts into its own SQL in the same way; every name of a
column is quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.services import postgresql
from mmp_local_dev.services.feast_keys import Keys
from mmp_local_dev.services.feast_registry import Project

if TYPE_CHECKING:
    from psycopg import sql

    from mmp_local_dev.services.postgresql import Connection

BATCH = 1000  # rows that are held at a time
SCHEMA = "FEAST_DB_SCHEMA"  # the variable that says where tables without a schema are looked for


class Row(NamedTuple):
    """A row of a view: the values of its join keys, its moment, and its features by name."""

    keys: Keys
    at: datetime
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """Where the rows of a view are, in SQL: what stands behind FROM, and the columns; `created` is "" for none.

    `name` is for messages. `features` has the column of each feature.
    """

    name: str
    relation: sql.Composable
    keys: tuple[str, ...]
    timestamp: str
    created: str
    features: Mapping[str, str]


def source_of(project: Project, view_name: str) -> Source:
    """Where a view has its rows. Raises MmpError, VIEW_WITHOUT_ROWS, when not in PostgreSQL or when it has no keys."""
    from psycopg import sql

    view = project.views.get(view_name)
    text = (view.table or (view.query and f"({view.query})")) if view else ""
    if view is None or not (text and view.join_keys and view.timestamp_field):
        raise MmpError(f"{project.name} has no view {view_name} with rows in PostgreSQL.", code="VIEW_WITHOUT_ROWS")
    return Source(
        view_name,
        sql.SQL(_doubled(text)),
        tuple(view.columns.get(name, name) for name in view.join_keys),
        view.columns.get(view.timestamp_field, view.timestamp_field),
        view.columns.get(view.created_timestamp_column, view.created_timestamp_column),
        {name: view.columns.get(name, name) for name in view.features},
    )


@contextmanager
def opened(env: Environment, source: Source, *, timeout: float) -> Iterator[Connection]:
    """A connection on which `source` can be read, for about `timeout` seconds a statement.

    Raises NotReady, and MmpError, SOURCE_UNREADABLE, for what PostgreSQL refuses.
    """
    import psycopg

    milliseconds = str(round(timeout * 1000))
    settings = {
        "search_path": f"{_quoted(env.get(SCHEMA) or 'public')}, public",
        "statement_timeout": milliseconds,
        "default_transaction_read_only": "on",
        "TimeZone": "UTC",
    }
    with postgresql.connect(env, timeout=timeout) as connection:
        try:
            for name, value in settings.items():
                postgresql.scalar(connection, "SELECT set_config(%s, %s, false)", name, value)
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
        cursor.execute(_latest(source), [until or datetime.now(UTC)])
        while rows := cursor.fetchmany(BATCH):
            yield [_row(source, row) for row in rows]


def known(env: Environment, project: Project, view_name: str, keys: Sequence[Keys], *, timeout: float) -> set[Keys]:
    """Which of these keys have a row that is not in the future. Raises as `latest`."""
    source, now = source_of(project, view_name), datetime.now(UTC)
    with opened(env, source, timeout=timeout) as connection:
        return {row.keys for row in as_of(connection, source, [(each, now) for each in keys]) if row}


def as_of(
    connection: Connection, source: Source, asked: Sequence[tuple[Keys, datetime]], *, ttl: int = 0
) -> list[Row | None]:
    """For each pair of keys and a moment, the newest row that is not after it and, with a `ttl` in seconds, not older.

    Of rows of one moment, the one created last. None where there is none.
    """
    found: list[Row | None] = [None] * len(asked)
    types = _types(connection, source)
    for at in range(0, len(asked), BATCH):
        batch = asked[at : at + BATCH]
        query = _cheapest(connection, [form(source, types) for form in (_probing, _joining)], _given(batch, ttl))
        with connection.cursor(binary=True) as cursor:
            for place, *row in cursor.execute(query, _given(batch, ttl)):
                found[at + place - 1] = _row(source, [*batch[place - 1][0], *row])
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _latest(source: Source) -> sql.Composed:
    """Both orders are descending, so that the index of the primary key serves, read backwards."""
    from psycopg import sql

    keys = _listed(source.keys)
    return sql.SQL(
        "SELECT DISTINCT ON ({keys}) {columns} FROM {relation} AS source WHERE {known} AND {at} <= %s "
        "ORDER BY {descending}, {newest}"
    ).format(
        keys=keys,
        columns=_listed((*source.keys, source.timestamp, *source.features.values())),
        relation=source.relation,
        known=sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(_column(key)) for key in source.keys),
        at=_column(source.timestamp),
        descending=sql.SQL(", ").join(sql.SQL("{} DESC").format(_column(key)) for key in source.keys),
        newest=_newest(source),
    )


def _probing(source: Source, types: Sequence[str]) -> sql.Composed:
    """One look into the index for each pair; without an index, one reading of everything for each."""
    from psycopg import sql

    return sql.SQL(
        "SELECT asked.place, newest.* FROM {asked} CROSS JOIN LATERAL "
        "(SELECT {columns} FROM {relation} AS source WHERE {matching} ORDER BY {newest} LIMIT 1) AS newest"
    ).format(
        asked=_asked(source, types),
        columns=_listed((source.timestamp, *source.features.values())),
        relation=source.relation,
        matching=_matching(source),
        newest=_newest(source),
    )


def _joining(source: Source, types: Sequence[str]) -> sql.Composed:
    """One reading of everything for all pairs."""
    from psycopg import sql

    return sql.SQL(
        "SELECT DISTINCT ON (asked.place) asked.place, {columns} FROM {asked} JOIN {relation} AS source ON {matching} "
        "ORDER BY asked.place, {newest}"
    ).format(
        asked=_asked(source, types),
        columns=_listed((source.timestamp, *source.features.values())),
        relation=source.relation,
        matching=_matching(source),
        newest=_newest(source),
    )


def _asked(source: Source, types: Sequence[str]) -> sql.Composed:
    """The pairs as rows: the keys in their columns' own types, for the indexes, null where they are no such value."""
    from psycopg import sql

    names = [sql.Identifier(f"key{place}") for place in range(len(source.keys))]
    keys = [
        sql.SQL("CASE WHEN pg_input_is_valid({key}, {literal}) THEN {key}::{type} END AS {key}").format(
            key=name, literal=type_, type=sql.SQL(type_)
        )
        for name, type_ in zip(names, types, strict=True)
    ]
    return sql.SQL(
        "(SELECT place, at, {keys} FROM unnest({arrays}, %s::timestamptz[]) WITH ORDINALITY"
        " AS given ({names}, at, place)) AS asked"
    ).format(
        keys=sql.SQL(", ").join(keys),
        arrays=sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(names)),
        names=sql.SQL(", ").join(names),
    )


def _matching(source: Source) -> sql.Composed:
    from psycopg import sql

    keys = (
        sql.SQL("{} = asked.{}").format(_column(key), sql.Identifier(f"key{place}"))
        for place, key in enumerate(source.keys)
    )
    return sql.SQL("{keys} AND {at} <= asked.at AND (%s = 0 OR {at} >= asked.at - %s * interval '1 second')").format(
        keys=sql.SQL(" AND ").join(keys), at=_column(source.timestamp)
    )


def _newest(source: Source) -> sql.Composed:
    from psycopg import sql

    order = [source.timestamp, source.created] if source.created else [source.timestamp]
    return sql.SQL(", ").join(sql.SQL("{} DESC").format(_column(name)) for name in order)


def _given(asked: Sequence[tuple[Keys, datetime]], ttl: int) -> list[Any]:
    columns = zip(*(keys for keys, _ in asked), strict=True)
    return [*([_text(value) for value in column] for column in columns), [at for _, at in asked], ttl, ttl]


def _text(value: Any) -> str | None:
    """As PostgreSQL reads it; None for what none of its types can hold."""
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return None if "\0" in text else text


def _types(connection: Connection, source: Source) -> list[str]:
    """PostgreSQL's names of the types of the join keys."""
    from psycopg import sql

    query = sql.SQL("SELECT {} FROM {} AS source LIMIT 0").format(_listed(source.keys), source.relation)
    described = connection.execute(query, ()).description or []  # () makes one % of each %%
    name: LiteralString = "SELECT format_type(%s, NULL)"
    return [postgresql.scalar(connection, name, column.type_code) for column in described]


def _cheapest(connection: Connection, queries: Sequence[sql.Composed], parameters: Sequence[Any]) -> sql.Composed:
    """The one that PostgreSQL plans to answer most cheaply, which depends on the indexes there are."""
    return min(queries, key=lambda query: _cost(connection, query, parameters))


def _cost(connection: Connection, query: sql.Composed, parameters: Sequence[Any]) -> float:
    from psycopg import sql

    (plan,) = postgresql.scalar(connection, sql.SQL("EXPLAIN (FORMAT JSON) ") + query, *parameters)
    return float(plan["Plan"]["Total Cost"])


def _listed(columns: Sequence[str]) -> sql.Composed:
    from psycopg import sql

    return sql.SQL(", ").join(map(_column, columns))


def _column(name: str) -> sql.Composed:
    from psycopg import sql

    return sql.SQL("source.{}").format(sql.Identifier(_doubled(name)))


def _doubled(text: str) -> str:
    """Every statement here has parameters, and then the driver makes one % of two, even in names."""
    return text.replace("%", "%%")


def _row(source: Source, row: Sequence[Any]) -> Row:
    count = len(source.keys)
    return Row(tuple(row[:count]), _moment(row[count]), dict(zip(source.features, row[count + 1 :], strict=True)))


def _moment(value: date) -> datetime:
    """As Feast takes it: UTC where there is no zone, midnight where there is no time."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    return value if value.tzinfo else value.replace(tzinfo=UTC)
