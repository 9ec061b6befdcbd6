"""Rows counted in groups, in many ways in one query that reads all rows once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.services.postgresql_measures import Sampling, key, measure, of_source, sampled
from mmp_local_dev.services.postgresql_relations import Relation, RelationColumn

if TYPE_CHECKING:
    from psycopg import sql

    from mmp_local_dev.services.postgresql import Connection

MOST = 20_000  # groups of one grouping that are fetched, the most frequent ones

_AT_ONCE = 24  # groupings in one query: GROUPING() takes 31


@dataclass(frozen=True)
class Grouping:
    """How rows are grouped: by the values of a column, by `edges` of its measure, or by the hour of its moment."""

    column: RelationColumn
    edges: tuple[float, ...] = ()
    by_hour: bool = False


@dataclass(frozen=True)
class Group:
    """Rows of one value, number of edges passed, or hour; `marked` of them have each label. `text` is None for null."""

    text: str | None
    count: int
    marked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Groups:
    """The groups of one grouping, of `total` the most frequent ones."""

    groups: tuple[Group, ...]
    total: int


def groups(
    connection: Connection,
    relation: Relation,
    asked: Sequence[Grouping],
    labels: Sequence[RelationColumn],
    sampling: Sampling,
) -> Iterator[Groups]:
    """The rows in groups, in every way that is asked for, and how many of each have each label: a column of 0 and 1."""
    for at in range(0, len(asked), _AT_ONCE):
        some = asked[at : at + _AT_ONCE]
        found: list[list[Group]] = [[] for _ in some]
        totals = [0] * len(some)
        for mask, text, count, total, *marked in connection.execute(_grouped(relation, some, labels, sampling)):
            place = _place(mask, len(some))
            found[place].append(Group(text, count, tuple(marked)))
            totals[place] = total
        yield from (Groups(tuple(each), total) for each, total in zip(found, totals, strict=True))


def _grouped(
    relation: Relation, asked: Sequence[Grouping], labels: Sequence[RelationColumn], sampling: Sampling
) -> sql.Composed:
    """All groupings as one; what a row is grouped by stands in one column, since in each all others are null."""
    from psycopg import sql

    names = [sql.Identifier(f"g{place}") for place in range(len(asked))]
    listed = sql.SQL(", ").join(names)
    marks = [sql.Identifier(f"m{place}") for place in range(len(labels))]
    query: LiteralString = """
        SELECT mask, text, count, total{marks} FROM (
            SELECT *, row_number() OVER (PARTITION BY mask ORDER BY count DESC, text) AS place,
                   count(*) OVER (PARTITION BY mask) AS total
            FROM (SELECT GROUPING({listed}) AS mask, coalesce({texts}) AS text, count(*) AS count{marked}
                  FROM (SELECT {grouped} FROM {rows} OFFSET 0) AS looked_at
                  GROUP BY GROUPING SETS ({sets})) AS grouped
        ) AS ordered WHERE place <= {most}
    """
    return sql.SQL(query).format(
        listed=listed,
        texts=sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in names),
        grouped=sql.SQL(", ").join(
            [
                *(sql.SQL("{} AS {}").format(_group(each), name) for each, name in zip(asked, names, strict=True)),
                *(
                    sql.SQL("{}::int = 1 AS {}").format(of_source(each), m)
                    for each, m in zip(labels, marks, strict=True)
                ),
            ]
        ),
        marks=_each(", {}", marks),
        marked=_each(", count(*) FILTER (WHERE {0}) AS {0}", marks),
        rows=sampled(relation, sampling),
        sets=sql.SQL(", ").join(sql.SQL("({})").format(name) for name in names),
        most=sql.Literal(MOST),
    )


def _group(asked: Grouping) -> sql.Composed:
    from psycopg import sql

    of = of_source(asked.column)
    if asked.by_hour:  # of the day, UTC; PostgreSQL's days have no leap seconds
        return sql.SQL("(floor({} / 3600)::int8 % 24 + 24) % 24").format(measure(asked.column, of))
    if asked.edges:
        return sql.SQL("width_bucket({}, {})").format(measure(asked.column, of), sql.Literal(list(asked.edges)))
    return key(asked.column, of)


def _place(mask: int, count: int) -> int:
    """Which of `count` columns a row of GROUPING SETS is grouped by: its bit is 0, the first column's the highest."""
    return count - 1 - (~mask & ((1 << count) - 1)).bit_length() + 1


def _each(form: LiteralString, names: Sequence[sql.Identifier]) -> sql.Composed:
    from psycopg import sql

    return sql.Composed([sql.SQL(form).format(name) for name in names])
