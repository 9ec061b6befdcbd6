"""Facts about the rows of a table or query, many columns at a time: few queries, each of which reads all rows once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from mmp_local_dev.services.postgresql_measures import (
    Kind,
    Sampling,
    key,
    kind_of,
    may_be_nan,
    measure,
    named,
    of_source,
    sampled,
    values_of,
)
from mmp_local_dev.services.postgresql_relations import Relation, RelationColumn

if TYPE_CHECKING:
    from psycopg import sql

    from mmp_local_dev.services.postgresql import Connection

T = TypeVar("T")

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

_AT_ONCE = 24  # columns in one query


@dataclass(frozen=True)
class Size:
    """How many rows there are, and of their moments the first, the last and how many lie in the future.

    `age` is the last one's in seconds, negative for one in the future; None and "" where there is none.
    """

    rows: int
    first: str = ""
    last: str = ""
    age: float | None = None
    future: int = 0


@dataclass(frozen=True)
class Sample:
    """Of a column in a sample: rows, values that are not null, and different ones; of its measures the QUANTILES, ()
    where there is none, and the least above zero."""

    rows: int
    count: int
    distinct: int
    quantiles: tuple[float, ...]
    least_positive: float | None


@dataclass(frozen=True)
class Totals:
    """Of a column: rows that were read, values that are not null, how many have a measure and how many are NaN.

    Of the measures the least, the greatest, mean and standard deviation, None where there are none. `lowest` and
    `highest` are numbers and moments with these measures as PostgreSQL writes them, "" for other kinds.
    """

    rows: int
    count: int
    measured: int
    nan: int
    low: float | None
    high: float | None
    lowest: str
    highest: str
    mean: float | None
    deviation: float | None


@dataclass(frozen=True)
class PerEntity:
    """How many entities there are, and how many rows one has: least, median and most."""

    entities: int
    least: int
    median: int
    most: int


def size(connection: Connection, relation: Relation, timestamp: RelationColumn | None) -> Size:
    """How many rows there are, and from when to when."""
    from psycopg import sql

    if timestamp is None or kind_of(timestamp) is not Kind.TIME:
        return Size(*_row(connection, sql.SQL("SELECT count(*) FROM {} AS source").format(relation.sql())))
    query: LiteralString = """
        SELECT rows, coalesce(first::text, ''), coalesce(last::text, ''),
               date_part('epoch', now()) - date_part('epoch', last), future
        FROM (SELECT count(*) AS rows, min({at}) FILTER (WHERE isfinite({at})) AS first,
                     max({at}) FILTER (WHERE isfinite({at})) AS last, count(*) FILTER (WHERE {at} > now()) AS future
              FROM {relation} AS source) AS facts
    """
    return Size(*_row(connection, sql.SQL(query).format(at=of_source(timestamp), relation=relation.sql())))


def sample(
    connection: Connection, relation: Relation, columns: Sequence[RelationColumn], sampling: Sampling
) -> Iterator[Sample]:
    """What some of the rows say of each column."""
    from psycopg import sql

    query: LiteralString = """
        count({key}), count(DISTINCT {key}), percentile_cont({quantiles}) WITHIN GROUP (ORDER BY {measure}),
        min({measure}) FILTER (WHERE {measure} > 0)
    """
    for some in _portions(columns):
        asked = [_of_column(query, n, quantiles=sql.Literal(list(QUANTILES))) for n in range(len(some))]
        rows, *facts = _row(connection, _select(asked, values_of(relation, some, sampling)))
        for count, distinct, quantiles, positive in _portions(facts, 4):
            yield Sample(rows, count, distinct, tuple(quantiles or ()), positive)


def totals(
    connection: Connection, relation: Relation, columns: Sequence[RelationColumn], sampling: Sampling
) -> Iterator[Totals]:
    """What all of the rows say of each column."""
    for some in _portions(columns):
        asked = [_totals(column, n) for n, column in enumerate(some)]
        values = values_of(relation, some, sampling, keys=False)
        rows, *facts = _row(connection, _select(asked, values))
        yield from (Totals(rows, *each) for each in _portions(facts, 9))


def distinct(
    connection: Connection, relation: Relation, column: RelationColumn, sampling: Sampling, *, slices: int = 1
) -> int:
    """How many different values a column has, estimated from one of so many slices of them by their hashes.

    It is asked for one at a time: it takes memory or temporary files.
    """
    from psycopg import sql

    of = key(column, of_source(column))
    rows = sql.SQL("(SELECT {} AS value FROM {}) AS listed").format(of, sampled(relation, sampling))
    one_slice = sql.SQL("WHERE hash_record_extended(ROW(value), 0) & {} = 0").format(sql.Literal(slices - 1))
    query = sql.SQL("SELECT count(value) FROM (SELECT value FROM {} {} GROUP BY 1) AS different")
    asked = query.format(rows, one_slice if slices > 1 else sql.SQL(""))
    return slices * int(_row(connection, asked)[0])


def per_entity(connection: Connection, relation: Relation, keys: Sequence[str]) -> PerEntity | None:
    """How rows spread over the different values of these columns; None without rows that have them all."""
    from psycopg import sql

    columns = [sql.SQL("source.{}").format(sql.Identifier(name)) for name in keys]
    query: LiteralString = """
        SELECT count(*), min(rows), percentile_disc(0.5) WITHIN GROUP (ORDER BY rows), max(rows)
        FROM (SELECT count(*) AS rows FROM {relation} AS source WHERE {known} GROUP BY {keys}) AS entities
    """
    known = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(column) for column in columns)
    asked = sql.SQL(query).format(relation=relation.sql(), known=known, keys=sql.SQL(", ").join(columns))
    found = _row(connection, asked)
    return PerEntity(*found) if found[0] else None


def _totals(column: RelationColumn, place: int) -> sql.Composed:
    """Of numbers and moments the extremes are those of the values, whose measures may have been rounded."""
    from psycopg import sql

    if kind_of(column) not in (Kind.NUMBER, Kind.TIME):
        return _of_column(
            "count({key}), count({measure}), 0, min({measure}), max({measure}), '', '', avg({measure}), "
            "stddev_samp({measure})",
            place,
        )
    query: LiteralString = """
        count({key}), count({measure}), {nan}, {low}, {high}, coalesce(({lowest})::text, ''),
        coalesce(({highest})::text, ''), avg({measure}), stddev_samp({measure})
    """
    nan: LiteralString = "count(*) FILTER (WHERE {key} = 'NaN')" if may_be_nan(column) else "0"
    lowest = _of_column("min({key}) FILTER (WHERE {measure} IS NOT NULL)", place)
    highest = _of_column("max({key}) FILTER (WHERE {measure} IS NOT NULL)", place)
    return sql.SQL(query).format(
        key=named("k", place),
        measure=named("v", place),
        nan=_of_column(nan, place),
        low=measure(column, sql.SQL("({})").format(lowest)),
        high=measure(column, sql.SQL("({})").format(highest)),
        lowest=lowest,
        highest=highest,
    )


def _of_column(form: LiteralString, place: int, **others: sql.Composable) -> sql.Composed:
    from psycopg import sql

    return sql.SQL(form).format(key=named("k", place), measure=named("v", place), **others)


def _select(asked: Sequence[sql.Composed], source: sql.Composed) -> sql.Composed:
    from psycopg import sql

    return sql.SQL("SELECT count(*), {} FROM {}").format(sql.SQL(", ").join(asked), source)


def _row(connection: Connection, query: sql.Composed) -> Sequence[Any]:
    return connection.execute(query).fetchone() or ()


def _portions(items: Sequence[T], size: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    yield from (items[at : at + size] for at in range(0, len(items), size))
