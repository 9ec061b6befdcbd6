"""`features seed` killed, in the way of others, out of room, or about to lose what is not its own."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from conftest import MMP_DEV, Dev, on_terminal
from feature_rows import connected, digest, rows, run

pytestmark = pytest.mark.needs("native")

SEED = ("features", "seed", "--rows", "500")
MANY = ("features", "seed", "--rows", "30000", "--seed", "9")  # takes long enough to be met on the way
IS_LOADING = "SELECT to_regnamespace('features_loading') IS NOT NULL"
# Steps on the way, each as a question to PostgreSQL that it answers with yes from there on.
STEPS = {
    "rows come in": "SELECT pg_relation_size(to_regclass('features_loading.transactions')) > 0",
    "statistics are computed": "SELECT pg_relation_size(to_regclass('features_loading.user_transaction_stats')) > 0",
    "the last key is made": "SELECT to_regclass('features_loading.category_stats_pkey') IS NOT NULL",
}


@pytest.fixture(scope="module")
def small(running: Dev) -> dict[str, tuple[Any, ...]]:
    """What the tables hold when a test begins."""
    running(*SEED)
    return digest(running)


@pytest.fixture
def seeded(running: Dev, small: dict[str, tuple[Any, ...]]) -> Dev:
    """The stack with a small data set, which is there again when a test has left another."""
    if digest(running) != small:
        running(*SEED, "--yes")
    return running


def answers(dev: Dev, question: str, *, within: float = 60) -> None:
    deadline = time.monotonic() + within
    with connected(dev) as connection:
        while (row := connection.execute(question.encode()).fetchone()) is None or not row[0]:
            assert time.monotonic() < deadline, question
            time.sleep(0.005)


@contextmanager
def locked(dev: Dev, *tables: str) -> Iterator[None]:
    """Somebody who reads the tables, and does not finish."""
    with connected(dev) as connection, connection.transaction():
        for table in tables:
            connection.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        yield


@pytest.mark.parametrize("question", STEPS.values(), ids=STEPS)
def test_killed_anywhere_it_leaves_the_old_data_and_the_next_one_works(seeded: Dev, question: str) -> None:
    before = digest(seeded)
    process = seeded.begin(*MANY)
    answers(seeded, question)
    process.kill()
    process.wait()
    assert digest(seeded) == before
    seeded(*SEED, "--seed", "2")
    assert rows(seeded, IS_LOADING) == [(False,)]


def test_killed_while_it_waits_to_replace_the_tables_it_leaves_them(seeded: Dev) -> None:
    before = digest(seeded)
    with locked(seeded, "category_stats"):
        process = seeded.begin(*MANY)
        answers(seeded, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock')")
        process.kill()
        process.wait()
    seeded(*SEED)
    assert digest(seeded) == before


def test_interrupted_it_tidies_up(seeded: Dev) -> None:
    before = digest(seeded)
    process = seeded.begin(*MANY)
    answers(seeded, STEPS["statistics are computed"])
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert rows(seeded, IS_LOADING) == [(False,)]
    assert digest(seeded) == before


def test_it_waits_for_those_who_read_the_old_tables(seeded: Dev) -> None:
    with locked(seeded, "transactions"):
        process = seeded.begin(*SEED, "--seed", "5")
        answers(seeded, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock')")
        # Others are not held up for long by the one who waits.
        assert rows(seeded, "SELECT count(*) FROM transactions") == [(500,)]
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Waiting for those who use the tables" in output
    assert rows(seeded, "SELECT obj_description('transactions'::regclass)") == [("card-fraud 1: 500 rows, seed 5",)]


def test_two_at_once_come_one_after_the_other(seeded: Dev) -> None:
    both = [seeded.begin(*SEED, "--seed", number) for number in ("11", "12")]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert "Another mmp-dev command works on this stack" in "".join(outputs)
    told = {row[0] for row in digest(seeded).values()}
    assert len(told) == 1
    assert told < {"card-fraud 1: 500 rows, seed 11", "card-fraud 1: 500 rows, seed 12"}


OURS = {
    "constraint labels_of on table public.labels": (
        "CREATE TABLE public.labels (id varchar(32), CONSTRAINT labels_of FOREIGN KEY (id) REFERENCES transactions)",
        "DROP TABLE public.labels",
    ),
    "function public.latest()": (
        "CREATE FUNCTION public.latest() RETURNS SETOF category_stats LANGUAGE plpgsql AS 'BEGIN END'",
        "DROP FUNCTION public.latest()",
    ),
    "materialized view public.kept": (
        "CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM merchant_stats",
        "DROP MATERIALIZED VIEW public.kept",
    ),
    "policy own on table features.transactions": (
        "CREATE POLICY own ON transactions USING (true)",
        "DROP POLICY own ON transactions",
    ),
    "sequence features.category_stats_number_seq": (
        "ALTER TABLE category_stats ADD COLUMN number serial",
        "ALTER TABLE category_stats DROP COLUMN number",
    ),
    "statistics object public.together": (
        "CREATE STATISTICS public.together ON age, gender FROM user_demographics",
        "DROP STATISTICS public.together",
    ),
    "table public.more": ("CREATE TABLE public.more () INHERITS (category_stats)", "DROP TABLE public.more"),
    "trigger noted on table features.transactions": (
        "CREATE TRIGGER noted BEFORE UPDATE ON transactions FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "DROP TRIGGER noted ON transactions",
    ),
    "view public.daily": ("CREATE VIEW public.daily AS SELECT * FROM transactions", "DROP VIEW public.daily"),
}


def test_what_depends_on_a_table_is_named_and_nothing_is_changed(seeded: Dev) -> None:
    before = digest(seeded)
    run(seeded, *(make for make, _ in OURS.values()))
    error = seeded.json(*SEED, "--seed", "6", code=3)["error"]
    assert error["code"] == "TABLE_IN_USE"
    first, rest = list(OURS)[:5], list(OURS)[5:]
    assert f"depends on them: {', '.join(first)}, and 4 more." in error["message"]
    assert error["detail"].splitlines() == rest
    assert rows(seeded, IS_LOADING) == [(False,)]
    run(seeded, *(drop for _, drop in reversed(OURS.values())))
    assert digest(seeded) == before


def test_rows_of_the_users_are_asked_for(seeded: Dev) -> None:
    mine = "INSERT INTO category_stats VALUES ('mine', '2025-01-01', 0), ('mine', '2025-01-02', 0)"
    run(seeded, mine, "COMMENT ON TABLE merchant_stats IS NULL")
    before = digest(seeded)
    counts = {table: row[1] for table, row in before.items()}
    error = seeded.json(*SEED, code=2)["error"]
    assert error["code"] == "CONFIRMATION_REQUIRED"
    told = f"{counts['merchant_stats']:,} rows of merchant_stats, {counts['category_stats']:,} rows of category_stats"
    assert told in error["message"]
    assert any(action["command"].endswith("--yes") for action in error["actions"])
    assert digest(seeded) == before
    seeded(*SEED, "--yes")
    assert {row[0] for row in digest(seeded).values()} == {"card-fraud 1: 500 rows, seed 42"}


def test_on_a_terminal_it_asks(seeded: Dev) -> None:
    run(seeded, "DELETE FROM category_stats WHERE category = 'home'")
    before = digest(seeded)
    code, shown = on_terminal([*MMP_DEV, *SEED], seeded.root, answer="n\n", **seeded.environment)
    assert "Go on? [y/N]" in shown
    assert code == 130
    assert digest(seeded) == before


def test_rows_that_come_in_meanwhile_are_not_lost(seeded: Dev) -> None:
    with locked(seeded, "transactions"):
        process = seeded.begin(*SEED, "--seed", "7")
        answers(seeded, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock')")
        run(seeded, "INSERT INTO category_stats VALUES ('mine', '2025-01-01', 0)")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "rows of category_stats. Nothing has changed." in output
    assert rows(seeded, "SELECT count(*) FROM category_stats WHERE category = 'mine'") == [(1,)]


def test_a_schema_of_that_name_is_left_alone(seeded: Dev) -> None:
    run(seeded, "CREATE SCHEMA features_loading", "CREATE TABLE features_loading.mine (id int)")
    try:
        error = seeded.json(*SEED, code=3)["error"]
        assert error["code"] == "SCHEMA_TAKEN"
        assert rows(seeded, "SELECT to_regclass('features_loading.mine') IS NOT NULL") == [(True,)]
    finally:
        run(seeded, "DROP SCHEMA features_loading CASCADE")


def test_without_a_table_it_says_which(seeded: Dev) -> None:
    sql = seeded.root / "scripts/feature_tables.sql"
    text = sql.read_text()
    sql.write_text(text.replace("category_stats", "kinds"))
    run(seeded, "ALTER TABLE category_stats RENAME TO elsewhere")
    try:
        error = seeded.json(*SEED, code=3)["error"]
        assert error["code"] == "TABLE_MISSING"
        assert "features.category_stats" in error["message"]
    finally:
        sql.write_text(text)
        run(seeded, "DROP TABLE kinds", "ALTER TABLE elsewhere RENAME TO category_stats")


@pytest.mark.needs("root")
def test_a_full_disk_is_told_and_the_old_data_is_there(seeded: Dev, small_disk: Path) -> None:
    before = digest(seeded)
    user = seeded.env()["POSTGRES_USER"]
    as_admin(seeded, f"CREATE TABLESPACE small LOCATION '{small_disk}'", f"GRANT ALL ON TABLESPACE small TO {user}")
    as_admin(seeded, f"ALTER ROLE {user} SET default_tablespace TO small")
    try:
        error = seeded.json(*MANY, code=3)["error"]
        assert error["code"] == "DISK_FULL"
        assert "No space left on device" in error["message"]
        assert error["actions"][0]["command"]
    finally:
        as_admin(seeded, f"ALTER ROLE {user} RESET default_tablespace")
    assert digest(seeded) == before
    assert rows(seeded, IS_LOADING) == [(False,)]
    as_admin(seeded, "DROP TABLESPACE small")
    seeded(*SEED)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 4 MB that PostgreSQL may write to."""
    folder = Path(tempfile.mkdtemp(prefix="mmp-small-", dir="/var/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("no disk can be mounted here")
    place = folder / "place"
    place.mkdir()
    server = next(each for each in psutil.process_iter(["name", "uids"]) if each.info["name"] == "postgres")
    os.chown(place, server.info["uids"].real, -1)
    yield place
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def as_admin(dev: Dev, *statements: str) -> None:
    """As PostgreSQL's superuser."""
    import psycopg

    password = (dev.root / ".mmp-dev/stacks/default/secrets/postgresql-admin").read_text().strip()
    port = dev.env()["POSTGRES_PORT"]
    with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password, autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement.encode())
