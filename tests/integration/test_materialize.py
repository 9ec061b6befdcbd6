"""What `features materialize` writes, why, and what it makes of bad days; Feast itself says what is there then."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from conftest import workspace
from feature_tables import Features, at
from mmp_local_dev.services import feast_online

pytestmark = pytest.mark.needs("native")

MANY = 25_000  # rows, which take seconds
PASSWORD = r"""a,b "c" 'd' =e\1e5"""


@pytest.fixture(scope="module")
def shop(base: Path) -> Iterator[Features]:
    """Views on one entity, on two, without rows, and such that have nothing to materialize."""
    from feast import types as t
    from feast.on_demand_feature_view import on_demand_feature_view

    with workspace(base) as dev:
        dev.extra = {
            "FEAST_PROJECT": "shop",
            "FEAST_REGISTRY_PATH": str(dev.root / "shop.db"),
            "REDIS_PASSWORD": PASSWORD,
        }
        shutil.rmtree(dev.root / "feast_repo")  # `up` would apply what is in it
        dev("up", "postgresql", "redis", code=None)
        made = Features(dev, "shop")
        tables = {"people": "age int", "visits": "shop_id bigint, n bigint", "empty": "n int", "many": "n int"}
        for name, columns in tables.items():
            made.run(f"CREATE TABLE {name} (user_id text, event_timestamp timestamptz, {columns})")
        user = {"user_id": t.String}
        made.view("people", user, {"age": t.Int64})
        made.view("visits", {**user, "shop_id": t.Int64}, {"n": t.Int64}, query="SELECT * FROM visits")
        made.view("empty", user, {"n": t.Int64})
        made.view("many", user, {"n": t.Int64})
        made.view("quiet", user, {"age": t.Int64}, table="people")
        people, made.objects[-1].online = made.objects[1], False
        computed = on_demand_feature_view(sources=[people], schema=[_field("older", t.Int64)], mode="python")
        made.objects.append(computed(_older))
        made.apply()
        yield made


def _field(name: str, type_: Any) -> Any:
    from feast import Field

    return Field(name=name, dtype=type_)


def _older(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"older": [age + 1 for age in inputs["age"]]}


@pytest.fixture
def rows(shop: Features) -> Features:
    """The same few rows for each test, and nothing in Redis."""
    shop.redis.flushall()
    shop.run(
        "TRUNCATE people, visits, many",
        "COMMENT ON TABLE people IS NULL",
        "INSERT INTO people SELECT 'u' || n, '2025-01-01Z'::timestamptz + n * interval '1 hour', n"
        " FROM generate_series(1, 30) AS n",
        "INSERT INTO people SELECT user_id, event_timestamp + interval '10 days', age + 100 FROM people WHERE age < 11",
        "INSERT INTO visits VALUES ('u1', '2025-01-01Z', 7, 1), ('u1', '2025-01-02Z', 8, 2)",
        "INSERT INTO visits VALUES ('u1', '2025-01-03Z', 7, 3)",
    )
    return shop


def done(shop: Features, *arguments: str) -> dict[str, dict[str, Any]]:
    """What the command says of each view."""
    views = shop.dev.json("features", "materialize", *arguments)["data"]["views"]
    return {view["view"]: view for view in views}


def ages(shop: Features, *users: str) -> list[int | None]:
    return [row["age"] for row in shop.online("people", ["age"], [{"user_id": user} for user in users])]


def test_the_newest_row_of_each_entity_and_then_what_is_new(rows: Features) -> None:
    first = rows.dev("features", "materialize")
    assert "All rows of people, visits: it is their first time, or Redis was emptied since" in " ".join(
        first.stderr.split()
    )
    assert "There are no rows of empty, many.\n" in first.stderr
    assert "quiet" in first.stdout
    assert ages(rows, "u1", "u10", "u11", "u99") == [101, 110, 11, None]
    found = rows.online("visits", ["n"], [{"user_id": "u1", "shop_id": shop_id} for shop_id in (7, 8, 9)])
    assert [row["n"] for row in found] == [3, 2, None]

    again = rows.dev("features", "materialize")
    assert "0 rows written" in again.stdout
    assert "feast" not in again.stderr  # which was not even loaded

    rows.run(
        "INSERT INTO people VALUES ('u11', now(), 211), ('new', now(), 1)",
        "INSERT INTO people VALUES ('u30', '2025-02-01Z', 1)",  # late: it should have been there before
        "INSERT INTO people VALUES ('future', now() + interval '1 day', 1)",
    )
    told = rows.dev.json("features", "materialize")
    people = next(view for view in told["data"]["views"] if view["view"] == "people")
    assert [people["rows"], people["why"]] == [2, ""]
    assert told["warnings"] == ["1 of the rows of people are of the future; they are left out."]
    assert ages(rows, "u11", "new", "u30", "future") == [211, 1, 30, None]
    assert told["data"]["skipped"] == {"quiet": "is not served online", "_older": "is computed when it is read"}


def test_feasts_own_registry_knows_of_it_and_its_own_command_goes_on(rows: Features) -> None:
    before = len(rows.store.get_feature_view("people").materialization_intervals)
    done(rows, "people")
    intervals = rows.store.get_feature_view("people").materialization_intervals
    assert len(intervals) == before + 1
    assert timedelta() < datetime.now(UTC) - intervals[-1][1] < timedelta(minutes=1)
    rows.run("INSERT INTO people VALUES ('u1', now(), 1001)")
    rows.store.materialize_incremental(datetime.now(UTC), feature_views=["people"])
    assert ages(rows, "u1", "u2") == [1001, 102]
    assert not list(rows.registry.parent.glob(".shop.db*"))


def test_everything_is_written_anew_when_what_is_there_is_of_something_else(rows: Features) -> None:
    """Each view for a reason of its own: another data set, rows that are gone, another definition."""
    from feast import types as t

    rows.run("INSERT INTO many SELECT 'u' || n, '2025-01-01Z', n FROM generate_series(1, 10) AS n")
    done(rows)
    feast_online.remove(rows.env, rows.project, "visits", [("u1", 8)], timeout=5)
    rows.run(
        "TRUNCATE people",
        "INSERT INTO people VALUES ('u1', '2024-01-01Z', 1)",  # older than what stands in Redis
        "COMMENT ON TABLE people IS 'card-fraud 1: 5 rows, seed 1'",
        "ALTER TABLE many ADD COLUMN IF NOT EXISTS more int DEFAULT 5",
    )
    view = next(each for each in rows.objects if each.name == "many")
    view.schema.append(_field("more", t.Int64))
    view.features.append(_field("more", t.Int64))
    rows.apply()
    told = done(rows)
    assert {name: each["why"] for name, each in told.items() if name != "empty"} == {
        "people": "their table holds card-fraud 1: 5 rows, seed 1 now",
        "visits": "some of them are missing from Redis",
        "many": "the definition has changed",
    }
    assert [told["people"]["rows"], told["people"]["removed"]] == [1, 29]
    assert ages(rows, "u1", "u2") == [1, None]
    assert rows.online("many", ["n", "more"], [{"user_id": "u2"}]) == [{"n": 2, "more": 5}]
    assert rows.online("visits", ["n"], [{"user_id": "u1", "shop_id": 8}]) == [{"n": 2}]
    assert [each["why"] for each in done(rows).values() if each["view"] != "empty"] == ["", "", ""]


def test_full_mends_what_incremental_does_not_see(rows: Features) -> None:
    import pandas as pd

    done(rows)
    wrong = pd.DataFrame([{"user_id": each, "age": -1, "event_timestamp": at(28)} for each in ("u1", "ghost")])
    rows.store.write_to_online_store("people", wrong)
    rows.run("UPDATE people SET age = 77 WHERE user_id = 'u30'", "DELETE FROM people WHERE user_id = 'u29'")
    assert done(rows)["people"]["rows"] == 0
    assert ages(rows, "u1", "ghost", "u29", "u30") == [-1, -1, 29, 30]
    told = done(rows, "--full", "people")["people"]
    assert [told["rows"], told["removed"], told["why"]] == [29, 2, "asked for"]
    assert ages(rows, "u1", "ghost", "u29", "u30") == [101, None, None, 77]
    rows.run("TRUNCATE people")
    told = done(rows, "--full", "people")["people"]
    assert [told["rows"], told["removed"]] == [0, 29]
    assert [len(batch) for batch in feast_online.entries(rows.env, rows.project, "people", timeout=5) if batch] == []


def test_until_a_moment_of_the_past(rows: Features) -> None:
    done(rows, "people", "--until", "2025-01-01T05:00:00+00:00")
    assert ages(rows, "u1", "u5", "u6") == [1, 5, None]
    told = done(rows, "people", "--until", "2025-01-12T00:00:00Z")["people"]
    assert [told["rows"], told["since"]] == [30, "2025-01-01T05:00:00.000001+00:00"]
    assert ages(rows, "u1", "u6", "u30") == [101, 106, 30]
    back = done(rows, "people", "--full", "--until", "2025-01-02")["people"]
    assert [back["rows"], back["removed"], back["until"]] == [24, 6, "2025-01-02T00:00:00+00:00"]
    assert ages(rows, "u1", "u24", "u25") == [1, 24, None]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["pepole"], "VIEW_UNKNOWN", "shop has no feature view pepole; did you mean people?"),
        (["quiet"], "VIEW_NOT_MATERIALIZED", "quiet is not served online"),
        (["_older"], "VIEW_NOT_MATERIALIZED", "_older is computed when it is read"),
        (["--until", "2999-01-01"], "INPUT_INVALID", "2999-01-01T00:00:00+00:00 is in the future"),
        (["--until", "soon"], "USAGE", "'soon' is no moment"),
    ],
)
def test_what_cannot_be_asked_for(shop: Features, arguments: list[str], code: str, told: str) -> None:
    error = shop.dev.json("features", "materialize", *arguments, code=2)["error"]
    assert error["code"] == code
    assert told in error["message"]


def test_rows_without_an_entity_are_told(rows: Features) -> None:
    rows.run("INSERT INTO people VALUES (NULL, '2025-01-01Z', 1)")
    error = rows.dev.json("features", "materialize", "people", code=3)["error"]
    assert error["code"] == "ENTITY_MISSING"
    (repair,) = error["actions"]
    shown = rows.dev(*shlex.split(repair["command"])[1:])
    assert "2025-01-01" in shown.stdout


def test_what_feast_cannot_write_is_told_in_its_words(rows: Features) -> None:
    rows.run("INSERT INTO many VALUES ('u1', '2025-01-01Z', 1)", "ALTER TABLE many ALTER n TYPE text USING 'no number'")
    try:
        error = rows.dev.json("features", "materialize", "many", code=3)["error"]
    finally:
        rows.run("ALTER TABLE many ALTER n TYPE int USING 1")
    assert error["code"] == "MATERIALIZATION_FAILED"
    assert error["message"].startswith("Feast could not materialize: ValueError: ")
    assert error["message"].endswith("'no number'.")
    assert "Traceback" in error["detail"]


def test_a_view_with_a_transformation_sees_all_rows(rows: Features) -> None:
    from feast import BatchFeatureView
    from feast import types as t

    source = next(each for each in rows.objects if each.name == "people").batch_source
    entity = next(each for each in rows.objects if each.name == "user_id")
    code = "def counted(frame):\n    return frame.assign(n=len(frame))\n"
    defined: dict[str, Any] = {"__name__": "__main__"}  # of no module, so Feast keeps the function itself
    exec(code, defined)  # noqa: S102
    rows.store.apply(
        BatchFeatureView(
            name="crowd",
            entities=[entity],
            mode="pandas",
            udf=defined["counted"],
            udf_string=code,
            schema=[_field("user_id", t.String), _field("n", t.Int64)],
            source=source,
            online=True,
        )
    )
    assert done(rows, "crowd")["crowd"]["rows"] == 30
    assert rows.online("crowd", ["n"], [{"user_id": "u1"}]) == [{"n": 40}]


def begun(shop: Features) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """The command while it writes many rows, and what it has started."""
    shop.redis.flushall()
    process = shop.dev.begin("features", "materialize", "many")
    deadline = time.monotonic() + 60
    while not shop.redis.dbsize():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, psutil.Process(process.pid).children(recursive=True)


def ended(process: subprocess.Popen[str], started: Sequence[psutil.Process]) -> tuple[int, str]:
    """The exit code and what was said; nothing of it goes on."""
    said, _ = process.communicate(timeout=60)
    assert psutil.wait_procs(started, timeout=5)[1] == []
    return process.returncode, said


def test_ended_in_the_middle_in_many_ways_and_repeated(rows: Features) -> None:
    rows.run(f"INSERT INTO many SELECT 'm' || n, '2025-01-01Z', n FROM generate_series(1, {MANY}) AS n")
    registry = rows.registry.read_bytes()

    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        process, started = begun(rows)
        process.send_signal(number)
        assert ended(process, started)[0] == code
        assert rows.redis.dbsize() < MANY

    process, started = begun(rows)
    pids = rows.dev.pids()
    for name in ("supervisor", "redis"):  # in this order, or Redis would be there again at once
        psutil.Process(pids[name]).kill()
    code, said = ended(process, started)
    assert (code, "does not answer" in said) == (3, True)
    rows.dev("up", "postgresql", "redis", code=None)

    rows.redis.flushall()
    rows.redis.config_set("maxmemory", rows.redis.info("memory")["used_memory"] + 1_000_000)
    error = rows.dev.json("features", "materialize", "many", code=3)["error"]
    assert error["code"] == "REDIS_FULL"
    rows.dev(*shlex.split(error["actions"][0]["command"])[1:])

    assert rows.registry.read_bytes() == registry
    told = done(rows, "many")["many"]
    assert [told["rows"], told["removed"]] == [MANY, 0]
    assert rows.redis.dbsize() == MANY + 1
    assert rows.online("many", ["n"], [{"user_id": f"m{n}"} for n in (1, MANY)]) == [{"n": 1}, {"n": MANY}]
    assert not list(rows.registry.parent.glob(".shop.db*"))


def test_two_at_once(rows: Features) -> None:
    first, second = (rows.dev.begin("features", "materialize", "people", "visits") for _ in range(2))
    said = [each.communicate(timeout=60)[0] for each in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert sorted("0 rows written" in each for each in said) == [False, True]
    assert any("Another mmp-dev command works on this stack" in each for each in said)


def test_a_registry_that_is_not_there(rows: Features) -> None:
    kept = rows.registry.rename(rows.registry.with_suffix(".kept"))
    try:
        error = rows.dev.json("features", "materialize", code=3)["error"]
    finally:
        kept.rename(rows.registry)
    assert error["code"] == "REGISTRY_UNUSABLE"
    assert [action["command"] for action in error["actions"]] == ["mmp-dev features apply"]


@pytest.mark.parametrize(("runs", "lacks"), [("postgresql", "Redis"), ("redis", "PostgreSQL")])
def test_a_server_that_does_not_run(rows: Features, runs: str, lacks: str) -> None:
    rows.dev("down")
    rows.dev("up", runs, code=None)
    error = rows.dev.json("features", "materialize", code=3)["error"]
    assert [error["code"], error["retryable"]] == ["SERVICE_NOT_READY", True]
    assert lacks in error["message"]
    assert [action["command"] for action in error["actions"]] == ["mmp-dev up"]
    rows.dev("up", "postgresql", "redis", code=None)
