"""Edges of bins, for numbers and moments that occur."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mmp_local_dev.features import profile_bins as bins
from mmp_local_dev.features.profile_bins import Scale, Spread

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(year: int, month: int = 1, day: int = 1, **time: int) -> float:
    return (datetime(year, month, day, tzinfo=UTC) + timedelta(**time) - EPOCH).total_seconds()


@pytest.mark.parametrize(
    ("low", "high", "whole", "first", "step", "last"),
    [
        (0, 1, True, 0, 1, 2),
        (18, 89, True, 15, 5, 90),
        (0, 100, False, 0, 5, 105),
        (0.013, 0.0492, False, 0.012, 0.002, 0.05),
        (-3, 3, True, -3, 1, 4),
        (7, 7, True, 7, 1, 8),
        (0, 0, False, 0, 1, 1),
    ],
)
def test_edges_are_round(low: float, high: float, *, whole: bool, first: float, step: float, last: float) -> None:
    edges = bins.of_numbers(Spread(low, high, low, (low + high) / 2, high), whole=whole).values
    assert [edges[0], edges[-1]] == pytest.approx([first, last])
    assert edges[1] - edges[0] == pytest.approx(step)
    assert edges[0] <= low <= high


@pytest.mark.parametrize("number", [2.0**62, -(2.0**62), 1e99, -1e99, 2.0**53])
def test_numbers_so_large_that_the_next_one_is_the_same(number: float) -> None:
    edges = bins.of_numbers(Spread(number, number, number, number, number), whole=True).values
    assert edges[0] <= number < edges[-1]


def test_a_few_far_ones_do_not_squeeze_the_rest() -> None:
    edges = bins.of_numbers(Spread(-1e6, 1e9, 10, 50, 90), whole=False)
    assert (edges.values[0], edges.values[-1]) == (10, 95)


def test_nearly_all_equal_is_drawn_with_the_rest() -> None:
    edges = bins.of_numbers(Spread(0, 400, 0, 0, 0), whole=True).values
    assert (edges[0], edges[-1]) == (0, 420)


def test_what_spreads_over_powers_of_ten_is_drawn_so() -> None:
    skewed = Spread(0, 90_000, 0.8, 40, 9_000, 0.05)
    edges = bins.of_numbers(skewed, whole=False)
    assert edges.scale is Scale.LOG
    assert 0 < edges.values[0] <= 0.05
    assert edges.values[-1] >= 90_000
    whole = bins.of_numbers(Spread(0, 90_000, 1, 40, 9_000, 1), whole=True)
    assert (whole.scale, whole.values[:4]) == (Scale.LOG, (1, 2, 3, 5))


@pytest.mark.parametrize(
    "even", [Spread(-5, 1e6, 1, 40, 9_000, 1), Spread(0, 1e6, 0, 0, 9_000, 1), Spread(0, 100, 20, 40, 90, 20)]
)
def test_other_numbers_are_not(even: Spread) -> None:
    assert bins.of_numbers(even, whole=False).scale is Scale.LINEAR


@pytest.mark.parametrize(
    ("end", "unit", "first", "second"),
    [
        (seconds(2025, 3, 5, seconds=50), "second", seconds(2025, 3, 5), seconds(2025, 3, 5, seconds=1)),
        (seconds(2025, 3, 5, hours=2), "minute", seconds(2025, 3, 5), seconds(2025, 3, 5, minutes=1)),
        (seconds(2025, 3, 9), "hour", seconds(2025, 3, 5), seconds(2025, 3, 5, hours=1)),
        (seconds(2025, 7, 1), "day", seconds(2025, 3, 5), seconds(2025, 3, 6)),
        (seconds(2026, 7, 1), "week", seconds(2025, 3, 3), seconds(2025, 3, 10)),
        (seconds(2036, 7, 1), "month", seconds(2025, 3), seconds(2025, 4)),
        (seconds(2136, 7, 1), "year", seconds(2025), seconds(2026)),
        (seconds(2500), "5 years", seconds(2025), seconds(2030)),
        (seconds(9999), "50 years", seconds(2000), seconds(2050)),
        (seconds(2025, 3, 5), "day", seconds(2025, 3, 5), seconds(2025, 3, 6)),
    ],
)
def test_moments_fall_into_bins_of_the_calendar(end: float, unit: str, first: float, second: float) -> None:
    start = seconds(2025, 3, 5)
    edges = bins.of_moments(Spread(start, end, start, (start + end) / 2, end))
    assert (edges.unit, edges.values[:2]) == (unit, (first, second))
    assert edges.values[-2] <= end < edges.values[-1]


def test_a_moment_that_lies_far_out_does_not_make_bins_of_centuries() -> None:
    start, end = seconds(2025), seconds(2025, 6)
    edges = bins.of_moments(Spread(start, seconds(9999), start, (start + end) / 2, end))
    assert edges.unit == "day"
