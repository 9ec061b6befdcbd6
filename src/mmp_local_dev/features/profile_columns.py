"""What is made of PostgreSQL's answers about one column: how its values are counted, its histogram, its top values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mmp_local_dev.features import profile_bins as bins
from mmp_local_dev.features.profile_bins import Edges, Spread
from mmp_local_dev.features.profile_facts import Column, Histogram, Precision, Value
from mmp_local_dev.services.postgresql_groups import Grouping, Groups
from mmp_local_dev.services.postgresql_measures import DIGEST, SHOWN, Kind, is_whole, kind_of
from mmp_local_dev.services.postgresql_profile import QUANTILES, Sample, Totals
from mmp_local_dev.services.postgresql_relations import RelationColumn

FEW = 1000  # values in the sample: then those of all rows are counted one by one, else between edges
TOP = 10  # values that are told


@dataclass(frozen=True)
class Seen:
    """A column, what a sample and all rows say of it, and the edges between which its measures are to be counted; None
    where its values are."""

    column: RelationColumn
    sample: Sample
    totals: Totals
    edges: Edges | None

    @property
    def grouping(self) -> Grouping:
        """How its rows are to be grouped."""
        return Grouping(self.column, self.edges.values if self.edges else ())


def seen(column: RelationColumn, sample: Sample, totals: Totals, *, wide: bool = False) -> Seen:
    """A column with the edges that suit it; `wide` if its histogram is drawn large."""
    return Seen(column, sample, totals, _edges(column, sample, totals, wide=wide))


def _edges(column: RelationColumn, sample: Sample, totals: Totals, *, wide: bool) -> Edges | None:
    spread = _spread(sample, totals)
    if kind_of(column) is Kind.TIME:
        return bins.of_moments(spread, most=bins.MOST_MOMENTS if wide else bins.MOST) if spread else None
    if sample.distinct <= FEW or spread is None:
        return None
    return bins.of_numbers(spread, whole=is_whole(column))


def _spread(sample: Sample, totals: Totals) -> Spread | None:
    """None without measures. A sample of a table with very few of them may have none."""
    if totals.low is None or totals.high is None or totals.mean is None:
        return None
    told = dict(zip(QUANTILES, sample.quantiles, strict=False))
    low, high = totals.low, totals.high
    return Spread(
        low, high, told.get(0.01, low), told.get(0.5, totals.mean), told.get(0.99, high), sample.least_positive
    )


def column(seen: Seen, role: str, groups: Groups | None, distinct: tuple[int, Precision]) -> Column:
    """Everything about a column."""
    of, totals = seen.column, seen.totals
    return Column(
        of.name,
        of.type,
        kind_of(of),
        role,
        rows=totals.rows,
        count=totals.count,
        distinct=distinct[0],
        precision=distinct[1],
        measured=totals.measured,
        nan=totals.nan,
        low=totals.low,
        high=totals.high,
        lowest=totals.lowest,
        highest=totals.highest,
        mean=totals.mean,
        deviation=totals.deviation,
        quantiles={f"{q:g}": value for q, value in zip(QUANTILES, seen.sample.quantiles, strict=False)},
        sampled=seen.sample.rows,
        histogram=_histogram(seen, groups) if groups else None,
        values=tuple(_top(groups)) if groups and not seen.edges else (),
    )


def _histogram(seen: Seen, groups: Groups) -> Histogram | None:
    """Counted by PostgreSQL, or from the counts of numbers that are few."""
    if seen.edges:
        passed = {int(group.text): group.count for group in groups.groups if group.text is not None}
        counts = tuple(passed.get(place, 0) for place in range(len(seen.edges.values) + 1))
        return _drawn(seen, seen.edges, counts)
    spread = _spread(seen.sample, seen.totals)
    if kind_of(seen.column) is not Kind.NUMBER or spread is None:
        return None
    edges = bins.of_numbers(spread, whole=is_whole(seen.column))
    return _drawn(seen, edges, bins.counted(edges.values, _numbers(groups)))


def _drawn(seen: Seen, edges: Edges, counts: tuple[int, ...]) -> Histogram:
    below, *between, above = counts
    return Histogram(edges.scale, edges.unit, edges.values, tuple(between), below, above, is_whole(seen.column))


def _numbers(groups: Groups) -> Iterator[tuple[float, int]]:
    for group in groups.groups:
        if group.text is not None and abs(number := float(group.text)) <= 1e100 and not math.isnan(number):
            yield number, group.count


def _top(groups: Groups) -> Iterator[Value]:
    for group in [group for group in groups.groups if group.text is not None][:TOP]:
        text, shortened = shown(group.text or "")
        yield Value(text, group.count, shortened)


def shown(key: str) -> tuple[str, bool]:
    """The text that a key stands for, or its beginning, and whether it is only that."""
    return (key[:SHOWN], True) if len(key) == SHOWN + DIGEST else (key, False)
