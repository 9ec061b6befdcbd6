"""Numbers, shares, moments and ages as people read them."""

from __future__ import annotations

import pytest

from mmp_local_dev.cli.render.figures import age, day, figure, moment, share


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, ""),
        (0, "0"),
        (-0.0, "0"),
        (7, "7"),
        (1234567, "1,234,567"),
        (-1234.56, "-1,235"),
        (36.5234, "36.52"),
        (0.5, "0.5"),
        (0.012345, "0.01235"),
        (99.999, "100"),
        (1e-5, "1e-05"),
        (9223372036854775807, "9.22e+18"),
        (1e100, "1e+100"),
    ],
)
def test_figures(number: float | None, text: str) -> None:
    assert figure(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        *((0, 0, ""), (0, 9, "0%"), (9, 9, "100%"), (1, 10**6, "<0.01%"), (10**6 - 1, 10**6, ">99.9%")),
        *((123, 10000, "1.23%"), (1, 3, "33.3%"), (1, 2, "50.0%")),
    ],
)
def test_shares(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text", "of_day"),
    [
        (None, "", ""),
        (0, "1970-01-01", "1970-01-01"),
        (3600, "1970-01-01 01:00", "1970-01-01"),
        (1, "1970-01-01 00:00:01", "1970-01-01"),
        (-1, "1969-12-31 23:59:59", "1969-12-31"),
        (-62135596800, "0001-01-01", "0001-01-01"),
        (1e15, "after 9999", "after 9999"),
        (-1e100, "before year 1", "before year 1"),
    ],
)
def test_moments(seconds: float | None, text: str, of_day: str) -> None:
    assert moment(seconds) == text
    assert day(seconds) == of_day


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((None, ""), (0, "now"), (1, "1 second ago"), (7260, "2 hours ago"), (86400, "1 day ago")),
        *((40 * 86400, "40 days ago"), (70 * 86400, "2 months ago"), (500 * 86400, "16 months ago")),
        *((1000 * 86400, "2 years ago"), (-90, "in 1 minute"), (1e12, "31,688 years ago")),
    ],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert age(seconds) == text
