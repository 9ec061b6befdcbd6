"""The shapes that a page draws."""

from __future__ import annotations

import pytest

from mmp_local_dev.cli.render import charts
from mmp_local_dev.features.profile_bins import Scale
from mmp_local_dev.features.profile_facts import Histogram, Share, ShareGroup


def test_a_bar_is_as_high_as_its_share_of_the_fullest_and_stands_in_its_place() -> None:
    chart = charts.histogram(Histogram(Scale.LINEAR, "", (0, 5, 10, 15), (100, 0, 1)), "age")
    assert [(bar.x, bar.y, bar.height, bar.title) for bar in chart.bars] == [
        (0, 0, 100, "0 to 5: 100 rows"),
        (20, 98.5, 1.5, "10 to 15: 1 row"),  # low, but to be seen
    ]
    assert (chart.ticks, chart.title, chart.highest) == (("0", "15"), "age", "100 rows")
    assert chart.description == "3 bins from 0 to 15, equal steps; the fullest has 100 rows."


def test_what_is_beyond_stands_aside_and_is_told() -> None:
    found = Histogram(Scale.LOG, "", (1, 10, 100), (5, 5), below=2, above=10)
    chart = charts.histogram(found, "amount")
    assert [(bar.tone, bar.title) for bar in chart.bars] == [
        ("beyond", "below 1: 2 rows"),
        ("", "1 to 10: 5 rows"),
        ("", "10 to 100: 5 rows"),
        ("beyond", "from 100 on: 10 rows"),
    ]
    assert [bar.x for bar in chart.bars] == [0, 15, 25, 40]
    assert chart.notes == ("logarithmic scale", "2 below", "10 above")


def test_bins_of_one_whole_number_are_called_by_it() -> None:
    chart = charts.histogram(Histogram(Scale.LINEAR, "", (0, 1, 2), (3, 4), whole=True), "flag")
    assert [bar.title for bar in chart.bars] == ["0: 3 rows", "1: 4 rows"]
    assert chart.ticks == ("0", "1")


def test_bins_of_a_calendar_are_called_by_their_first_day() -> None:
    chart = charts.histogram(Histogram(Scale.CALENDAR, "day", (0, 86400, 172800), (3, 4)), "rows")
    assert [bar.title for bar in chart.bars] == ["1970-01-01: 3 rows", "1970-01-02: 4 rows"]
    assert chart.ticks == ("1970-01-01", "1970-01-02")
    hours = charts.histogram(Histogram(Scale.CALENDAR, "hour", (0, 3600), (3,)), "rows")
    assert hours.ticks == ("1970-01-01",)


def share(form: str, *groups: tuple[str, int, int]) -> Share:
    return Share("is_fraud", "at", form, tuple(ShareGroup(*group) for group in groups))


def test_shares_stand_against_the_average() -> None:
    chart = charts.shares(share("hour", ("0", 100, 4), ("1", 0, 0), ("2", 100, 0)), 0.02)
    assert [(bar.x, bar.height, bar.title) for bar in chart.bars] == [
        (0, 100, "00:00: 4.00% of 100 rows"),
        (20, 1.5, "02:00: 0% of 100 rows"),
    ]
    assert (chart.level, chart.highest, chart.title) == (50, "4.00%", "is_fraud by hour of the day")


def test_neighbours_are_taken_together_where_bars_were_too_many() -> None:
    days = [(f"2025-01-01T00:00:{n // 10:02}.{n % 10}+00:00", 10, 1) for n in range(181)]
    chart = charts.shares(share("time", *days), 0.1)
    assert len(chart.bars) == 46
    assert chart.bars[0].title.endswith(": 10.0% of 40 rows")


def test_nothing_labelled_at_all_divides_by_nothing() -> None:
    assert charts.shares(share("hour", ("3", 5, 0)), 0).bars[0].height == 1.5


@pytest.mark.parametrize("counts", [(), (5,), (0, 0, 0)])
def test_an_outline_of_nothing_is_none(counts: tuple[int, ...]) -> None:
    assert charts.outline(counts) == ""


def test_an_outline_goes_from_side_to_side() -> None:
    assert charts.outline((0, 10, 5)) == "M0,100 L0.0,100.0 L50.0,5.0 L100.0,52.5 L100,100 Z"
    assert charts.outline([1] * 1000).count("L") <= 61
