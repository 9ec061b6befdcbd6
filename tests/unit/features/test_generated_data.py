"""The generated data set: the same everywhere, and like what it stands for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from mmp_local_dev.features.generated import world
from mmp_local_dev.features.generated.randomness import Chance, draw, profile, quantiles, slots
from mmp_local_dev.features.generated.source import Generated

pytest.importorskip("pyarrow")

END = world.START + timedelta(days=world.DAYS)


@pytest.fixture(scope="module")
def made() -> dict[str, list[dict[str, Any]]]:
    """A data set as rows by table."""
    return rows_of(Generated(10_000, 42))


def rows_of(data_set: Generated) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"transactions": [], "user_demographics": []}
    for batch in data_set.batches():
        for table, rows in batch.rows.items():
            found[table] += rows.to_pylist()
    return found


def digest(rows: Sequence[dict[str, Any]]) -> str:
    """Of the values, not of their form in some file."""
    return hashlib.sha256("\n".join("|".join(map(str, row.values())) for row in rows).encode()).hexdigest()[:16]


def test_the_same_numbers_make_the_same_data_on_every_machine() -> None:
    """Another digest is another data set, and GENERATOR_VERSION has to be raised."""
    small = rows_of(Generated(1000, 7))
    assert small["transactions"][0] == {
        "transaction_id": "tx_000000001",
        "event_timestamp": datetime(2025, 1, 2, 10, 15, 2, tzinfo=UTC),
        "user_id": "user_000001",
        "merchant_id": "merchant_0035",
        "category": "food_dining",
        "amount": 15.51,
        "latitude": 41.464306,
        "longitude": -95.874174,
        "is_fraud": 0,
    }
    assert digest(small["transactions"]) == "3362df4b139a2423"
    assert digest(small["user_demographics"]) == "5b51555ca27de2bb"


def test_another_seed_makes_other_data(made: dict[str, list[dict[str, Any]]]) -> None:
    other = rows_of(Generated(10_000, 43))["transactions"]
    assert sum(a["amount"] == b["amount"] for a, b in zip(made["transactions"], other, strict=True)) < 100


@pytest.mark.parametrize(
    ("rows", "users"), [(1, 1), (7, 7), (49, None), (500, 3), (1000, 500), (3000, 3000), (20_001, 2)]
)
def test_there_are_just_as_many_rows_as_asked_for(rows: int, users: int | None) -> None:
    batches = list(Generated(rows, 1, users).batches())
    assert [batch.done for batch in batches][-1] == rows == sum(len(batch.rows["transactions"]) for batch in batches)
    transactions = [row for batch in batches for row in batch.rows["transactions"].to_pylist()]
    assert len({row["transaction_id"] for row in transactions}) == rows
    assert sum(row["is_fraud"] for row in transactions) == (rows * 12 + 500) // 1000
    in_order_and_apart(transactions)


def in_order_and_apart(transactions: Sequence[dict[str, Any]]) -> None:
    """Each user's rows are together, in order, two seconds apart at least, and within the period."""
    for row, following in pairwise(transactions):
        if row["user_id"] == following["user_id"]:
            assert following["event_timestamp"] - row["event_timestamp"] >= timedelta(seconds=2)
        else:
            assert row["user_id"] < following["user_id"]
    assert all(world.START <= row["event_timestamp"] < END for row in transactions)


def test_transactions_are_of_known_people_shops_and_kinds(made: dict[str, list[dict[str, Any]]]) -> None:
    transactions, people = made["transactions"], made["user_demographics"]
    in_order_and_apart(transactions)
    first: dict[str, datetime] = {}
    for row in people:
        first.setdefault(row["user_id"], row["event_timestamp"])
    assert all(first[row["user_id"]] <= row["event_timestamp"] for row in transactions)
    assert len(first) == 200
    assert {row["category"] for row in transactions} == {each.name for each in world.CATEGORIES}
    shops = {(row["merchant_id"], row["category"]) for row in transactions}
    assert len(shops) == len({merchant for merchant, _ in shops}) <= 50
    assert min(row["amount"] for row in transactions) > 0
    assert all(round(row["amount"], 2) == row["amount"] for row in transactions)
    assert all(abs(row["latitude"]) <= 90 and abs(row["longitude"]) <= 180 for row in transactions)


def test_days_and_nights_and_weeks_can_be_told(made: dict[str, list[dict[str, Any]]]) -> None:
    honest = [row["event_timestamp"] for row in made["transactions"] if not row["is_fraud"]]
    hours, days = Counter(each.hour for each in honest), Counter(each.weekday() for each in honest)
    assert sum(hours[hour] for hour in range(2, 5)) < 0.05 * len(honest)
    assert sum(hours[hour] for hour in range(11, 20)) > 0.5 * len(honest)
    assert days[5] > 1.2 * days[1]
    assert {each.date() for each in honest} == {(world.START + timedelta(days=day)).date() for day in range(world.DAYS)}


def test_fraud_is_rare_comes_in_bursts_and_is_not_plain_to_see(made: dict[str, list[dict[str, Any]]]) -> None:
    transactions = made["transactions"]
    stolen = [row for row in transactions if row["is_fraud"]]
    assert 0.010 <= len(stolen) / len(transactions) <= 0.014
    victims: dict[str, list[datetime]] = {}
    for row in stolen:
        victims.setdefault(row["user_id"], []).append(row["event_timestamp"])
    assert len(victims) < 0.15 * 200
    assert all(max(moments) - min(moments) < timedelta(days=3) for moments in victims.values())
    honest = [row for row in transactions if not row["is_fraud"]]
    assert mean(stolen, "amount") > 2 * mean(honest, "amount")
    dear = sorted(row["amount"] for row in honest)[-len(stolen)]
    assert sum(row["amount"] > dear for row in stolen) < 0.5 * len(stolen)
    assert sum(row["event_timestamp"].hour in (22, 23, 0, 1, 2, 3) for row in stolen) > 0.35 * len(stolen)


def mean(rows: Sequence[dict[str, Any]], column: str) -> float:
    return float(sum(row[column] for row in rows) / len(rows))


def test_people_grow_older_and_some_move(made: dict[str, list[dict[str, Any]]]) -> None:
    people = made["user_demographics"]
    assert all(18 <= row["age"] <= 96 for row in people)
    assert {row["gender"] for row in people} == {"F", "M"}
    steps: Counter[tuple[str, ...]] = Counter()
    for row, following in pairwise(people):
        if row["user_id"] == following["user_id"]:
            assert row["event_timestamp"] < following["event_timestamp"]
            changed = {name for name in row if row[name] != following[name]} - {"event_timestamp"}
            assert following["age"] - row["age"] in (0, 1)
            steps[tuple(sorted(changed & {"age", "job", "home_latitude"}))] += 1
    assert steps[("age",)] > 50
    assert steps[("home_latitude",)] > 2
    assert steps[("job",)] > 2
    assert set(map(len, steps)) <= {0, 1}  # a move to the same city, a new job of the same name: nothing has changed


def test_the_numbers_behind_it_are_those_of_philox() -> None:
    """As its authors define it, whatever numpy makes of them elsewhere."""
    found = Chance(42, 2**63 + 5).raw(10).tolist()
    assert found == [number for counter in (1, 2, 3) for number in philox(counter, 42, 2**63 + 5)][:10]
    assert Chance(42, 2**63 + 5).uniform(1).tolist() == [(found[0] >> 11) / 2**53]


def philox(counter: int, *key: int) -> list[int]:
    """Four numbers of Philox 4x64 with ten rounds (Salmon and others, 2011)."""
    first, second, third, fourth = counter, 0, 0, 0
    one, two = key
    for _ in range(10):
        left, right = first * 0xD2E7470EE14C6C93, third * 0xCA5A826395121157
        first, second = (right >> 64) ^ second ^ one, right % 2**64
        third, fourth = (left >> 64) ^ fourth ^ two, left % 2**64
        one, two = (one + 0x9E3779B97F4A7C15) % 2**64, (two + 0xBB67AE8584CAA73B) % 2**64
    return [first, second, third, fourth]


def test_a_table_gives_what_it_was_made_of() -> None:
    import numpy as np

    table = np.array(quantiles([(0, 10.0), (0.5, 20.0), (1, 100.0)]))
    assert draw(table, np.array([0.0, 0.25, 0.5, 0.75])).tolist() == [10.0, 15.0, 20.0, 60.0]
    day = np.array(profile([1, 3], 100.0))
    assert draw(day, np.array([0.0, 0.25, 0.625])).tolist() == [0.0, 50.0, 75.0]
    assert Counter(slots([1, 2, 1], 8)) == {0: 2, 1: 4, 2: 2}


def test_its_name_tells_what_it_is_made_of() -> None:
    assert Generated(50_000, 42).name == Generated(50_000, 42, 1000).name == "card-fraud 1: 50000 rows, seed 42"
    assert Generated(1, 0).name == "card-fraud 1: 1 row, seed 0"
    assert Generated(1000, 1, 500).name == "card-fraud 1: 1000 rows, seed 1, 500 users"
    assert datetime(2025, 7, 1, tzinfo=UTC) == END
