"""Which difference a row has, and that all are counted and the first are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mmp_local_dev.services.feast_difference import TOLD, Comparer, Difference, Kind
from mmp_local_dev.services.feast_offline import Row
from mmp_local_dev.services.feast_online import Entry
from mmp_local_dev.services.feast_registry import RegisteredView
from mmp_local_dev.services.feast_stored import form_of

NOW = datetime(2025, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
VIEW = RegisteredView("batch", ("user",), {"age": "Int64", "name": "String"}, join_keys={"user_id": "String"})
EXPIRING = RegisteredView("batch", ("user",), VIEW.features, ttl=3600, join_keys=VIEW.join_keys)


def row(at: datetime = NOW, age: int | None = 41, name: str = "a") -> Row:
    return Row(("u1",), at, {"age": age, "name": name})


def entry(at: datetime | None = NOW, age: int | None = 41, name: str | None = "a") -> Entry:
    return Entry(("u1",), at, {"age": stored("Int64", age), "name": stored("String", name)})


def stored(dtype: str, value: Any) -> bytes:
    form = form_of(dtype)
    assert form
    return form(value)


def compared(offline: Row | None, online: Entry | None, view: RegisteredView = VIEW) -> list[Difference]:
    comparer = Comparer("users", view, NOW)
    comparer.compare(("u1",), offline, online)
    return comparer.agreement.examples


@pytest.mark.parametrize(
    ("offline", "online", "kind"),
    [
        (row(), entry(), None),
        (row(), None, Kind.MISSING),
        (None, entry(), Kind.GONE),
        (row(), entry(NOW - HOUR), Kind.STALE),
        (row(), entry(None), Kind.STALE),
        (row(NOW - HOUR), entry(), Kind.NEWER),
        (row(), entry(NOW + HOUR), Kind.FUTURE),
        (None, entry(NOW + HOUR), Kind.FUTURE),
        (row(), entry(age=40), Kind.WRONG),
        (row(age=None), entry(age=40), Kind.WRONG),
        (row(), entry(age=None), Kind.WRONG),
        (row(age=None), entry(age=None), None),
        (None, None, None),
    ],
)
def test_kinds(offline: Row | None, online: Entry | None, kind: Kind | None) -> None:
    assert [each.kind for each in compared(offline, online)] == ([kind] if kind else [])


def test_a_microsecond_is_another_moment() -> None:
    (found,) = compared(row(), entry(NOW - timedelta(microseconds=1)))
    assert found.kind is Kind.STALE


def test_everything_is_named() -> None:
    (found,) = compared(row(name="b"), entry(NOW - HOUR, name="c"))
    assert found == Difference(Kind.STALE, "users", {"user_id": "u1"}, "name", "b", "c", NOW, NOW - HOUR)


def test_a_stale_row_with_the_same_values_names_no_feature() -> None:
    (found,) = compared(row(), entry(NOW - HOUR))
    assert (found.kind, found.feature) == (Kind.STALE, "")


class TestExpired:
    OLD = NOW - 2 * HOUR

    def test_it_need_not_be_online(self) -> None:
        assert compared(row(self.OLD), None, EXPIRING) == []
        assert [each.kind for each in compared(row(), None, EXPIRING)] == [Kind.MISSING]

    def test_if_it_is_it_is_compared(self) -> None:
        assert compared(row(self.OLD), entry(self.OLD), EXPIRING) == []
        (found,) = compared(row(self.OLD), entry(self.OLD, age=1), EXPIRING)
        assert found.kind is Kind.WRONG

    def test_it_is_counted(self) -> None:
        comparer = Comparer("users", EXPIRING, NOW)
        comparer.compare(("u1",), row(self.OLD), entry(self.OLD))
        comparer.compare(("u2",), row(self.OLD), None)
        comparer.compare(("u3",), row(), entry())
        assert comparer.agreement.expired == 1


def test_all_are_counted_and_the_first_are_told() -> None:
    comparer = Comparer("users", VIEW, NOW)
    for number in range(TOLD + 5):
        comparer.compare((f"u{number}",), row(), None)
    comparer.compare(("u99",), row(), entry())
    found = comparer.agreement
    assert (found.rows, found.cells, found.stored) == (TOLD + 6, 2 * (TOLD + 6), 1)
    assert found.counts == {Kind.MISSING: TOLD + 5}
    assert [each.keys["user_id"] for each in found.examples] == [f"u{number}" for number in range(TOLD)]


def test_how_far_online_is_behind() -> None:
    comparer = Comparer("users", VIEW, NOW)
    assert comparer.agreement.behind == timedelta()
    comparer.compare(("u1",), row(NOW - HOUR), entry(NOW - HOUR))
    assert comparer.agreement.behind == timedelta()
    comparer.compare(("u2",), row(), entry(NOW - 2 * HOUR))
    assert comparer.agreement.behind == HOUR
    comparer.compare(("u3",), None, entry(NOW + HOUR))
    assert comparer.agreement.behind == timedelta()
