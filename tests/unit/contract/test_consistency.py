"""The clauses about rows in both stores: which there are, what they hang on, and what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.clauses.point_in_time import Origin, _leak, _same
from mmp_local_dev.contract.clauses.rows import more, told, told_keys, told_moment, told_span
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.services.feast_history import Moment, _about
from mmp_local_dev.services.feast_offline import Row

AT = datetime(2025, 6, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(REPOSITORY / "dev-contract.yml")


def ids(contract: Contract, kind: str) -> list[str]:
    return [clause.id for clause in clauses_of(contract) if clause.id.startswith(kind)]


def test_one_of_each_view_and_side(contract: Contract) -> None:
    views = ["user_demographics", "user_transaction_stats", "merchant_stats", "category_stats"]
    assert ids(contract, "online.consistent") == [f"online.consistent[{view}]" for view in views]
    assert ids(contract, "offline.point_in_time") == [f"offline.point_in_time[{view}]" for view in views]


def changed(contract: Contract, **changes: Any) -> Contract:
    assert contract.feast
    view = replace(contract.feast.views["category_stats"], **changes)
    return replace(contract, feast=replace(contract.feast, views={view.name: view}))


@pytest.mark.parametrize("changes", [{"online": False}, {"source": None}, {"entities": ()}], ids=str)
def test_none_of_views_without_rows_in_both_stores(contract: Contract, changes: dict[str, Any]) -> None:
    other = changed(contract, **changes)
    assert ids(other, "online.consistent") == ids(other, "offline.point_in_time") == []


def test_without_a_moment_of_each_row_there_is_no_point_in_time(contract: Contract) -> None:
    other = changed(contract, timestamp_field=None)
    assert ids(other, "online.consistent") == ["online.consistent[category_stats]"]
    assert ids(other, "offline.point_in_time") == []


def test_what_they_hang_on(contract: Contract) -> None:
    found = {clause.id: clause for clause in clauses_of(contract)}
    online, offline = found["online.consistent[category_stats]"], found["offline.point_in_time[category_stats]"]
    shared = {
        "service.ready[postgresql]",
        "feature.view[category_stats]",
        "feature.dtype[category_stats:fraud_rate_30d]",
        "table.grant[features.category_stats]",
    }
    assert shared | {"service.ready[redis]"} <= set(online.causes)
    assert shared <= set(offline.causes)
    assert "service.ready[redis]" not in offline.causes
    assert (online.service, online.slow, online.section) == ("redis", False, "feast")
    assert (offline.service, offline.slow, offline.section) == ("postgresql", True, "feast")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("", "''"),
        ("a b", "a b"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("x" * 70, "x" * 60 + "…"),
        (b"\0", r"b'\x00'"),
        (0.1, "0.1"),
        (AT, "2025-06-30 12:00:00 UTC"),
        (AT.astimezone(timezone(9 * HOUR)) + timedelta(microseconds=5), "2025-06-30 12:00:00.000005 UTC"),
    ],
)
def test_values_as_they_are_told(value: object, text: str) -> None:
    assert told(value) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [(timedelta(days=512), "512 d"), (1.5 * HOUR, "1.5 h"), (HOUR / 60, "1 m"), (HOUR / 3600 / 4, "0.25 s")],
)
def test_spans_as_they_are_told(span: timedelta, text: str) -> None:
    assert told_span(span) == text


def test_keys_and_the_rest_as_they_are_told() -> None:
    assert told_keys({"user_id": "u7", "shop_id": 3}) == "user_id=u7, shop_id=3"
    assert told_moment(AT) == "2025-06-30 12:00:00 UTC"
    assert (more(12, 10), more(10, 10)) == (["and 2 more"], [])


class TestPointInTime:
    ROWS = tuple(Row(("u1",), AT + n * HOUR, {"age": 40 + n}) for n in range(4))

    def leak(self, at: datetime, row: Row | None, age: int | None) -> Origin | None:
        found = _leak(Moment(("u1",), at, row, self.ROWS), {"age": age})
        return found and found.origin

    def test_right(self) -> None:
        assert self.leak(AT + HOUR, self.ROWS[1], 41) is None
        assert self.leak(AT - HOUR, None, None) is None

    def test_from_the_future(self) -> None:
        assert self.leak(AT + HOUR, self.ROWS[1], 42) is Origin.FUTURE
        assert self.leak(AT - HOUR, None, 40) is Origin.FUTURE

    def test_from_an_older_row(self) -> None:
        assert self.leak(AT + HOUR, self.ROWS[1], 40) is Origin.OLDER

    def test_from_a_row_that_holds_no_longer(self) -> None:
        assert self.leak(AT + 9 * HOUR, None, 43) is Origin.OLDER

    def test_nothing_and_something_else(self) -> None:
        assert self.leak(AT + HOUR, self.ROWS[1], None) is Origin.NOTHING
        assert self.leak(AT + HOUR, self.ROWS[1], 99) is Origin.UNKNOWN

    def test_of_several_rows_of_one_moment_any_will_do(self) -> None:
        twins = [Row(("u1",), AT, {"age": 1}), Row(("u1",), AT, {"age": 2})]
        assert _leak(Moment(("u1",), AT, twins[0], twins), {"age": 2}) is None

    def test_moments_at_about_between_before_and_after_rows(self) -> None:
        tick = timedelta(microseconds=1)
        asked = _about(self.ROWS, ttl=3600)
        assert {AT - tick, AT, AT + tick, AT + HOUR / 2, AT - timedelta(days=1)} <= set(asked)
        assert {AT + 4 * HOUR, AT + 4 * HOUR + tick} <= set(asked)
        assert len(_about(self.ROWS[:1], ttl=0)) == 4

    @pytest.mark.parametrize(
        ("offline", "found", "same"),
        [
            (7, 7.0, True),
            (2**53 + 1, float(2**53), True),
            (7, 8.0, False),
            (None, None, True),
            (float("nan"), None, True),
            (Decimal("350.115759"), 350.11575899999997, True),
            (Decimal("350.115759"), 350.1158, False),
            (0.1, 0.1, True),
            (0.1, 0.10000000000000002, False),
            ([1, None], [1.0, None], True),
            ([1], [1, 2], False),
            (AT, AT.replace(tzinfo=None), True),
            (AT.date(), datetime(2025, 6, 30), True),
            ("a", None, False),
        ],
        ids=str,
    )
    def test_what_feast_hands_out_for_a_value(self, offline: object, found: object, *, same: bool) -> None:
        assert _same(offline, found) is same
