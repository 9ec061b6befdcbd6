"""What a profile says stands out."""

from __future__ import annotations

import pytest

from mmp_local_dev.features.profile_bins import Scale
from mmp_local_dev.features.profile_facts import Column, Histogram, Online, Table
from mmp_local_dev.features.profile_notices import notices
from mmp_local_dev.services.postgresql_measures import Kind


def table(*columns: Column, **told: object) -> Table:
    return Table("t", "features.t", columns=columns, **{"rows": 100, **told})  # type: ignore[arg-type]


def column(**told: object) -> Column:
    fields = {"rows": 100, "count": 100, "measured": 100, "distinct": 50, **told}
    return Column("c", "integer", Kind.NUMBER, **fields)  # type: ignore[arg-type]


def said(*tables: Table) -> list[str]:
    return [f"{each.table}.{each.column} {each.text}" for each in notices(tables)]


def test_nothing_stands_out_of_good_data() -> None:
    assert said(table(column(), column(count=90, measured=90, role="feature"))) == []


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"problem": "there is no such table", "rows": 0}, "could not be read: there is no such table."),
        ({"rows": 0}, "is empty."),
        ({"future": 1}, "has 1 row later than now."),
        ({"ttl": 7 * 86400, "age": 8 * 86400.0}, "has no row younger than 7 days, the ttl: online and in joins as of"),
        ({"ttl": 7200, "age": 9000.0}, "has no row younger than 2.0 hours, the ttl: online and in joins as of"),
    ],
)
def test_of_a_table(told: dict[str, object], text: str) -> None:
    (only,) = said(table(**told))
    assert only.startswith(f"t. {text}")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"problem": "no right"}, "could not be read: no right."),
        ({"count": 0, "measured": 0, "distinct": 0}, "has no value in any row."),
        ({"count": 70, "measured": 70}, "has no value in 30% of the rows."),
        ({"distinct": 1, "role": "feature"}, "has the same value in every row that has one."),
        ({"measured": 97, "nan": 2}, "has 3 values that cannot be counted in, 2 of them NaN."),
        ({"measured": 97}, "has 3 values that cannot be counted in, infinite or beyond 1e100."),
    ],
)
def test_of_a_column(told: dict[str, object], text: str) -> None:
    assert said(table(column(**told))) == [f"t.c {text}"]


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, 0, 5, 0, 0, 5, 0), ["t. has no row in 2 of the 4 bins (of a day) that it reaches over."]),
        ((0, 5, 5, 0), []),
        ((0, 0), []),
    ],
)
def test_days_without_rows_are_gaps_between_others_only(counts: tuple[int, ...], text: list[str]) -> None:
    edges = tuple(86400.0 * place for place in range(len(counts) + 1))
    at = column(histogram=Histogram(Scale.CALENDAR, "day", edges, counts))
    assert said(table(at, timestamp="c")) == text


def test_tables_of_different_data_sets() -> None:
    one, other = table(column(), comment="a"), table(column(), comment="b")
    assert said(one, other) == [". The tables hold different data sets: a; b."]
    assert said(one, one, table(column())) == []


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"rows": 9, "stored": 9}, []),
        ({"problem": "Redis: refused."}, ["could not be compared with the online store: Redis: refused."]),
        (
            {"rows": 9, "differences": {"not online": 9}},
            ["is not in the online store yet; `mmp-dev features materialize` loads it."],
        ),
        (
            {"rows": 1, "stored": 1, "differences": {"stale": 1}, "example": "user=a"},
            ["differs online in 1 of 1 row: 1 stale. The first: user=a."],
        ),
        (
            {"rows": 9, "stored": 9, "materialized": "2026-01-01T00:00:00+00:00", "data_set": "b", "redefined": True},
            [
                "was loaded into the online store from another data set: b.",
                "was loaded into the online store by another definition than today's.",
            ],
        ),
    ],
)
def test_of_the_online_store(told: dict[str, object], text: list[str]) -> None:
    of = table(column(), comment="a", views=("v",))
    found = [each.text for each in notices([of], [Online("v", **told)])]  # type: ignore[arg-type]
    assert found == text
