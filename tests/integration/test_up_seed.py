"""`up` with sample data: asked once on a terminal, in both stores, never at the cost of the user's rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import MMP_DEV, Dev, on_terminal, workspace
from feature_rows import digest, rows, run

pytestmark = pytest.mark.needs("native")

QUESTION = "Load 50,000 sample transactions for card-fraud detection (about 10 s)? [Y/n]"


@pytest.fixture(scope="module")
def asked(base: Path) -> Iterator[tuple[Dev, str]]:
    """A stack whose first `up` was answered with yes, and what that showed."""
    with workspace(base) as dev:
        code, shown = on_terminal([*MMP_DEV, "up"], dev.root, "\n", **dev.environment)
        assert code == 0, shown
        yield dev, shown


def test_the_first_up_on_a_terminal_asks_at_once_and_loads_both_stores(asked: tuple[Dev, str]) -> None:
    dev, shown = asked
    assert shown.lstrip().startswith(QUESTION)
    assert {row[0] for row in digest(dev).values()} == {"card-fraud 1: 50000 rows, seed 42"}
    entities = rows(dev, "SELECT count(DISTINCT user_id) FROM user_demographics")[0][0]
    assert int(dev("redis-cli", "dbsize").stdout) > entities
    outcomes = dev.outcomes()
    assert outcomes["online.consistent[user_demographics]"] == "passed"
    assert set(outcomes.values()) <= {"passed", "skipped"}
    assert "Left to mmp-dev check" not in shown


def test_it_is_not_asked_again(asked: tuple[Dev, str]) -> None:
    dev, _ = asked
    code, shown = on_terminal([*MMP_DEV, "up"], dev.root, **dev.environment)
    assert code == 0
    assert "sample" not in shown


def test_what_is_there_is_not_loaded_again(asked: tuple[Dev, str]) -> None:
    dev, _ = asked
    before = rows(dev, "SELECT oid FROM pg_class WHERE relname = 'transactions'")
    done = dev("up", "--seed")
    assert "The feature tables hold card-fraud 1: 50000 rows, seed 42 already." in done.stderr
    assert rows(dev, "SELECT oid FROM pg_class WHERE relname = 'transactions'") == before


def test_rows_of_the_users_are_not_replaced(asked: tuple[Dev, str]) -> None:
    dev, _ = asked
    run(dev, "INSERT INTO category_stats VALUES ('mine', '2025-01-01', 0)")
    error = dev.json("up", "--seed", code=2)["error"]
    assert error["code"] == "CONFIRMATION_REQUIRED"
    assert rows(dev, "SELECT count(*) FROM category_stats WHERE category = 'mine'") == [(1,)]
    assert dev.json("status")["data"]["running"]


def test_it_takes_both_stores(asked: tuple[Dev, str]) -> None:
    dev, _ = asked
    assert "needs redis, too" in dev.json("up", "postgresql", "--seed", code=2)["error"]["message"]
