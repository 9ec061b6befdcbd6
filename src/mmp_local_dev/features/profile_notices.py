"""What stands out in a profile, in words: what a person would otherwise have to find in the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile

from mmp_local_dev.features.profile_facts import Column, Notice, Online, Precision, Table

_MANY = 0.2  # of the rows without a value
_DAY = 86400


def notices(tables: Sequence[Table], online: Sequence[Online] = ()) -> Iterator[Notice]:
    """In the tables' order; of each table first what is true of all of it. The online store comes last."""
    names = {table.comment for table in tables if table.comment}
    if len(names) > 1:
        yield Notice("", "", f"The tables hold different data sets: {'; '.join(sorted(names))}.")
    for table in tables:
        yield from (Notice(table.name, "", text) for text in _of_table(table))
        yield from (Notice(table.name, each.name, text) for each in table.columns for text in _of_column(each))
    data_sets = {view: table.comment for table in tables for view in table.views}
    for each in online:
        yield from (Notice(each.view, "", text) for text in _of_online(each, data_sets.get(each.view, "")))


def _of_table(table: Table) -> Iterator[str]:
    if table.problem:
        yield f"could not be read: {table.problem}."
    elif not table.rows:
        yield "is empty."
    if table.future:
        yield f"has {_rows(table.future)} later than now."
    if table.ttl and table.age is not None and table.age > table.ttl:
        yield f"has no row younger than {_days(table.ttl)}, the ttl: online and in joins as of today nothing is found."
    if table.over_time and (gap := _gap(table.over_time.counts)):
        empty, all_ = gap
        unit = table.over_time.unit
        yield f"has no row in {empty:,} of the {all_:,} bins (of a {unit}) that it reaches over."


def _of_column(column: Column) -> Iterator[str]:
    if column.problem:
        yield f"could not be read: {column.problem}."
    elif column.rows and not column.count:
        yield "has no value in any row."
    elif column.nulls > _MANY * column.rows:
        yield f"has no value in {100 * column.nulls / column.rows:.0f}% of the rows."
    if column.role == "feature" and column.distinct == 1 and column.precision is Precision.EXACT and column.count > 1:
        yield "has the same value in every row that has one."
    if column.extreme:
        kinds = f"{column.nan:,} of them NaN" if column.nan else "infinite or beyond 1e100"
        yield f"has {column.extreme:,} values that cannot be counted in, {kinds}."


def _of_online(online: Online, data_set: str) -> Iterator[str]:
    if online.problem:
        yield f"could not be compared with the online store: {online.problem}"
    elif online.rows and not online.stored:
        yield "is not in the online store yet; `mmp-dev features materialize` loads it."
    elif online.differences:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in online.differences.items())
        differ = sum(online.differences.values())
        yield f"differs online in {differ:,} of {_rows(online.rows)}: {kinds}. The first: {online.example}."
    if online.data_set != data_set and online.materialized and online.data_set:
        yield f"was loaded into the online store from another data set: {online.data_set}."
    if online.redefined:
        yield "was loaded into the online store by another definition than today's."


def _gap(counts: Sequence[int]) -> tuple[int, int] | None:
    """How many bins between the first and the last that have rows have none, and of how many."""
    begun = list(dropwhile(lambda count: not count, counts))
    reached = list(dropwhile(lambda count: not count, reversed(begun)))
    empty = reached.count(0)
    return (empty, len(reached)) if empty else None


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _days(seconds: float) -> str:
    return f"{seconds / _DAY:,.0f} days" if seconds >= 2 * _DAY else f"{seconds / 3600:,.1f} hours"
