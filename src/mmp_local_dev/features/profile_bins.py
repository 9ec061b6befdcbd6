"""Edges between which values are counted for a picture: round numbers, or moments of the calendar, over the range that
nearly all values lie in. What is beyond is counted below the first and above the last edge."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

MOST = 32  # bins of numbers
MOST_MOMENTS = 200  # bins of a period that is drawn wide

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62135596800.0, 253402300799.0  # the first and the last second of the years that Python has
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONDAY = 4 * 86400  # the first one since 1970
_MONTH, _YEAR = 2629800, 31557600  # seconds, on average


class Scale(StrEnum):
    """How the edges lie: equally far from each other, equally many times greater, or by the calendar."""

    LINEAR = "linear"
    LOG = "log"
    CALENDAR = "calendar"


@dataclass(frozen=True)
class Edges:
    """A bin holds what is not less than its edge and less than the next one. `unit`, of moments, is a bin's length."""

    values: tuple[float, ...]
    scale: Scale = Scale.LINEAR
    unit: str = ""


@dataclass(frozen=True)
class Spread:
    """Measures of a column: the least, the greatest, and some quantiles of them or of a sample."""

    low: float
    high: float
    q01: float
    median: float
    q99: float
    least_positive: float | None = None


def of_numbers(spread: Spread, *, whole: bool, most: int = MOST) -> Edges:
    """Edges for numbers; on a logarithmic scale where they spread over several powers of ten in both directions."""
    if _is_skewed(spread):
        floor = max(spread.least_positive or spread.q99, spread.q99 / 1e9)
        low, high = _cut(*(math.log10(max(each, floor)) for each in _range(spread)))
        edges = _log_edges(low, high, most)
        return Edges(tuple(dict.fromkeys(map(round, edges)) if whole else edges), Scale.LOG)
    low, high = _cut(*_range(spread))
    return Edges(tuple(_linear_edges(low, high, most, whole=whole)))


def of_moments(spread: Spread, *, most: int = MOST_MOMENTS) -> Edges:
    """Edges for moments in seconds since 1970: the shortest of second, minute, ... year that gives few enough bins."""
    low, high = _cut(*_range(spread))
    low, high = (min(max(each, _FIRST), _LAST - 1) for each in (low, high))
    length = high - low
    for unit, seconds in _UNITS.items() if length else [("day", 86400)]:
        if length / seconds < most - 1:
            begin = _MONDAY if unit == "week" else 0
            edges = _equal_edges(low - begin, high - begin, seconds)
            return Edges(tuple(begin + edge for edge in edges), Scale.CALENDAR, unit)
    if length / _MONTH < most - 1:
        return Edges(tuple(_month_edges(low, high, 1)), Scale.CALENDAR, "month")
    years = next(
        step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if length / _YEAR / step < most - 1 or step == 500
    )
    unit = "year" if years == 1 else f"{years} years"
    return Edges(tuple(_month_edges(low, high, 12 * years)), Scale.CALENDAR, unit)


def counted(edges: Sequence[float], values: Iterable[tuple[float, int]]) -> tuple[int, ...]:
    """How many values lie below the first edge, between the edges, and not below the last one; each with its count."""
    counts = [0] * (len(edges) + 1)
    for value, count in values:
        counts[bisect_right(edges, value)] += count
    return tuple(counts)


def moment(seconds: float) -> datetime:
    """The moment so many seconds after 1970 began, or the nearest one that Python has."""
    return _EPOCH + timedelta(seconds=min(max(seconds, _FIRST), _LAST))


def _range(spread: Spread) -> tuple[float, float, float, float]:
    return spread.low, spread.q01, spread.q99, spread.high


def _is_skewed(spread: Spread) -> bool:
    if spread.low < 0 or spread.median <= 0:
        return False
    smallest = max(spread.q01, spread.least_positive or 0)
    return spread.q99 > 10 * spread.median and spread.median > 3 * smallest


def _cut(low: float, q01: float, q99: float, high: float) -> tuple[float, float]:
    """The whole range, unless a few values lie so far out that all others would share a bin or two."""
    usual = q99 - q01
    if usual == 0:
        return low, high
    return (low if low >= q01 - usual else q01), (high if high <= q99 + usual else q99)


def _linear_edges(low: float, high: float, most: int, *, whole: bool) -> Iterator[float]:
    step = _step((high - low) / (most - 2), whole=whole)
    return _equal_edges(low, high, step)


def _step(least: float, *, whole: bool) -> float:
    """The least round number that is not below: 1, 2 or 5 times a power of ten."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= least * (1 - 1e-9))
    return max(step, 1.0) if whole else step


def _equal_edges(low: float, high: float, step: float) -> Iterator[float]:
    first, last = math.floor(low / step), math.floor(high / step) + 1
    if low + step == low or high + step == high:  # so few digits are left that all is one value
        first, last, step = (-1 if low < 0 else 0), (1 if high >= 0 else 0), 2 * max(abs(low), abs(high))
    digits = max(0, -math.floor(math.log10(step))) + 1
    yield from (round(place * step, digits) if digits < 300 else place * step for place in range(first, last + 1))


def _log_edges(low: float, high: float, most: int) -> Iterator[float]:
    """Of each power of ten as many edges as there is room for; `low` and `high` are logarithms."""
    each = max(1, min(10, int((most - 2) / max(high - low, 0.1))))
    first, last = math.floor(low * each), math.floor(high * each) + 1
    yield from (10.0 ** (place / each) for place in range(first, last + 1))


def _month_edges(low: float, high: float, step: int) -> Iterator[float]:
    """The first days of months, or of every so many months."""
    first = (moment(low).year * 12 + moment(low).month - 1) // step * step
    for at in range(max(first, 12), 10_000 * 12, step):
        edge = (datetime(at // 12, at % 12 + 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
        yield edge
        if edge > high:
            return
    yield _LAST
