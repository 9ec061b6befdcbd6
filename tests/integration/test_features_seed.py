"""`features seed` on every runtime: what it loads, counted again in another way, and what of the tables it leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import kaggle_file
import recomputed
from conftest import ON_EVERY_RUNTIME, Dev
from feature_rows import TABLES, built, connected, digest, rows, run
from recomputed import Line, Transaction

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]

ROWS = 2000


def transactions(dev: Dev) -> list[Transaction]:
    query = "SELECT transaction_id, event_timestamp, user_id, merchant_id, category, amount, is_fraud FROM transactions"
    return [Transaction(*row) for row in rows(dev, query)]


def test_a_generated_data_set_has_the_statistics_of_its_transactions(running: Dev) -> None:
    seeded = running.json("features", "seed", "--rows", str(ROWS))["data"]
    assert seeded["data_set"] == "card-fraud 1: 2000 rows, seed 42"
    assert seeded["fraud_share"] == 0.012
    assert seeded["next"] == "mmp-dev features materialize"
    assert seeded["rows"] == {table: rows(running, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    assert seeded["rows"]["transactions"] == ROWS
    statistics_are_right(running, transactions(running))


def test_an_imported_file_has_the_statistics_and_the_people_of_its_lines(running: Dev, tmp_path: Path) -> None:
    lines = kaggle_file.lines(ROWS)
    file = kaggle_file.write(tmp_path / "fraudTrain.csv", lines)
    seeded = running.json("features", "seed", "--from", str(file))["data"]
    assert seeded["data_set"].startswith("fraudTrain.csv: 2000 rows, sha256 ")
    told = [dict(zip(kaggle_file.HEADER, line, strict=True)) for line in lines]
    assert sorted(map(vars, transactions(running)), key=str) == sorted(map(vars, map(bought, told)), key=str)
    statistics_are_right(running, [bought(each) for each in told])
    people = rows(running, "SELECT * FROM user_demographics ORDER BY user_id, event_timestamp")
    assert people == recomputed.user_demographics([person(each) for each in told])
    places = rows(running, "SELECT latitude, longitude FROM transactions ORDER BY transaction_id")
    by_number = sorted(told, key=lambda each: each["trans_num"])
    assert places == [(float(each["merch_lat"]), float(each["merch_long"])) for each in by_number]


def statistics_are_right(dev: Dev, bought: list[Transaction]) -> None:
    kinds: dict[str, tuple[str, Callable[[list[Transaction]], list[tuple[Any, ...]]]]] = {
        "user_transaction_stats": ("user_id", recomputed.user_transaction_stats),
        "merchant_stats": ("merchant_id", recomputed.merchant_stats),
        "category_stats": ("category", recomputed.category_stats),
    }
    for table, (key, recompute) in kinds.items():
        found = rows(dev, f"SELECT * FROM {table} ORDER BY {key}, event_timestamp")
        expected = recompute(bought)
        assert len(found) == len(expected), table
        for there, wanted in zip(found, expected, strict=True):
            assert there == wanted, table  # exactly: every value is one division of whole numbers away from them


def bought(line: dict[str, str]) -> Transaction:
    return Transaction(
        line["trans_num"],
        moment(line),
        line["cc_num"],
        line["merchant"],
        line["category"],
        Decimal(line["amt"]),
        int(line["is_fraud"]),
    )


def person(line: dict[str, str]) -> Line:
    rest = (line["gender"], line["job"], line["city"], line["state"], int(line["city_pop"]))
    home = (float(line["lat"]), float(line["long"]))
    born = datetime.strptime(line["dob"], "%Y-%m-%d").replace(tzinfo=UTC).date()
    return Line(line["trans_num"], moment(line), line["cc_num"], born, (*rest, *home))


def moment(line: dict[str, str]) -> datetime:
    return datetime.strptime(line["trans_date_trans_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def test_the_tables_stay_as_they_were_made(running: Dev) -> None:
    """Whatever the user has done to them: columns, indexes, rights."""
    run(
        running,
        "ALTER TABLE transactions ADD COLUMN note text DEFAULT 'none'",
        "COMMENT ON COLUMN transactions.note IS 'ours'",
        'CREATE INDEX "by Amount" ON transactions (amount DESC, lower(category)) WHERE is_fraud = 1',
        "ALTER TABLE user_demographics ADD CONSTRAINT grown_up CHECK (age >= 18)",
        "GRANT SELECT ON merchant_stats TO PUBLIC",
        "GRANT SELECT (city, state) ON user_demographics TO pg_monitor WITH GRANT OPTION",
    )
    before = built(running)
    running("features", "seed", "--rows", "500", "--seed", "1")
    assert built(running) == before
    assert rows(running, "SELECT DISTINCT note FROM transactions") == [("none",)]


def test_the_same_numbers_are_the_same_data(running: Dev) -> None:
    running("features", "seed", "--rows", "500", "--seed", "3")
    first = digest(running)
    running("features", "seed", "--rows", "500", "--seed", "4")
    other = digest(running)
    running("features", "seed", "--rows", "500", "--seed", "3")
    assert digest(running) == first
    assert all(other[table] != first[table] for table in TABLES)
    assert {row[0] for row in first.values()} == {"card-fraud 1: 500 rows, seed 3"}


def test_a_file_that_cannot_be_used_changes_nothing(running: Dev, tmp_path: Path) -> None:
    running("features", "seed", "--rows", "500")
    before = digest(running)
    lines = kaggle_file.lines(300)
    lines[200][kaggle_file.HEADER.index("amt")] = "a lot"
    file = kaggle_file.write(tmp_path / "fraudTrain.csv", lines)
    error = running.json("features", "seed", "--from", str(file), code=2)["error"]
    assert error["code"] == "FILE_INVALID"
    assert "line 202: amt is 'a lot'" in error["message"]
    lines[200] = lines[7]
    kaggle_file.write(file, lines)
    error = running.json("features", "seed", "--from", str(file), code=2)["error"]
    assert f"lines 9 and 202 have the same trans_num, {lines[7][18]}" in error["message"]
    assert digest(running) == before
    with connected(running) as connection:
        assert connection.execute("SELECT to_regnamespace('features_loading')").fetchone() == (None,)
