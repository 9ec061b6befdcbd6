"""The profile of tables of every shape in a real PostgreSQL, and the command that makes a page of it."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conftest import Dev
from mmp_local_dev.contract.load import load
from mmp_local_dev.environment import Environment
from mmp_local_dev.features import profile_table
from mmp_local_dev.features.profile_bins import Scale
from mmp_local_dev.features.profile_facts import Column, Precision, Table
from mmp_local_dev.features.profile_table import Target, profile
from mmp_local_dev.operations.opened import published
from mmp_local_dev.services import postgresql, postgresql_relations
from mmp_local_dev.services.postgresql_measures import Kind
from mmp_local_dev.services.postgresql_relations import Relation, RelationUnreadable
from mmp_local_dev.workspace import Workspace

pytestmark = pytest.mark.needs("native")

TABLES = """
    CREATE SCHEMA odd; SET search_path = odd;
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE DOMAIN score AS numeric CHECK (value >= 0);
    CREATE TABLE nothing (id int PRIMARY KEY, at timestamptz, name text);
    CREATE TABLE one AS SELECT 7 AS id, timestamptz '2025-03-01 12:00Z' AS at, 'seven' AS name, true AS yes;
    CREATE TABLE "Odd <b>" ("it's" int, "%s" text, dropped int, at timestamptz);
    ALTER TABLE "Odd <b>" DROP COLUMN dropped;
    INSERT INTO "Odd <b>" SELECT n, '<script>alert(1)</script>', timestamptz '2025-01-01 00:00Z' + n * interval '1 day'
        FROM generate_series(1, 40) n;
    CREATE TABLE kinds (
        at timestamptz, none float8, real real, double float8, exact numeric, big bigint, price money, mood mood,
        score score, id uuid, doc json, docs jsonb, days int[], grid float8[], raw bytea, span interval, clock time,
        naive timestamp, day date, net inet, flag boolean, long text, many text, range int4range, empty text
    );
    INSERT INTO kinds SELECT
        timestamptz '2025-01-01 00:00Z' + n * interval '1 hour', NULL,
        (ARRAY['NaN', '1', 'Infinity', '2'])[1 + n % 4]::real,
        (ARRAY['NaN', '-Infinity', '1e300', '5'])[1 + n % 4]::float8,
        (ARRAY['NaN', '1e400', '1e-400', '0.5'])[1 + n % 4]::numeric,
        (ARRAY[9223372036854775807, -9223372036854775808, 9223372036854775806])[1 + n % 3], n::numeric::money,
        (ARRAY['sad', 'glad'])[1 + n % 2]::mood, n % 10, gen_random_uuid(), '{"a": 1}', '{"b": [1, 2]}',
        CASE WHEN n % 2 = 0 THEN ARRAY[1, n] ELSE '{}' END, ARRAY[[1.5, 2], ['NaN'::float8, n]], decode('00ff', 'hex'),
        n * interval '1 day', time '12:00',
        (ARRAY['infinity', '0044-03-15 00:00 BC', '294276-12-31', '2025-01-01'])[1 + n % 4]::timestamp,
        (ARRAY['-infinity', '9999-12-31', '2025-01-01'])[1 + n % 3]::date, '127.0.0.1', n % 3 = 0,
        repeat('x', 1000000) || n % 2, 'value ' || n, int4range(n, n + 2), ''
        FROM generate_series(1, 1200) n;
    UPDATE kinds SET long = NULL WHERE at > timestamptz '2025-01-01 06:00Z';
    CREATE TABLE numbers AS
        SELECT n AS id, 'user ' || n % 70 AS user_id, timestamptz '2025-01-06 00:00Z' + n * interval '7 minutes' AS at,
               CASE WHEN n % 9 > 0 THEN exp(2.5 * sin(n) * sin(n * n)) * 10 END AS amount, n % 13 - 6 AS small,
               (n % 11 = 0)::int AS label, 'c' || n % 3 AS category
        FROM generate_series(1, 3000) n;
    CREATE VIEW seen AS SELECT * FROM numbers WHERE id <= 2000;
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM numbers;
    CREATE TABLE parts (id int, at timestamptz) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
    INSERT INTO parts SELECT n, now() + interval '1 day' FROM generate_series(1, 50) n;
"""


@pytest.fixture(scope="module")
def env(running: Dev) -> Environment:
    """The environment of a stack whose database has these tables."""
    stack = Workspace(running.root).stack("default")
    found = published(stack, load(stack.workspace.contract))
    sql(found, TABLES)
    return found


def sql(env: Environment, *statements: str) -> None:
    with postgresql.connect(env, timeout=10) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def profiled(env: Environment, table: str = "", *, query: str = "", timeout: float = 20, **told: Any) -> Table:
    with postgresql_relations.reading(env, "odd", timeout=timeout) as connection:
        relation = Relation(query=query) if query else postgresql_relations.find(connection, table)
        assert relation is not None
        found = profile(connection, Target(table or "query", relation, timestamp="at", **told))
    json.dumps(asdict(found), allow_nan=False)
    return found


def by_name(table: Table) -> dict[str, Column]:
    return {column.name: column for column in table.columns}


def test_an_empty_table(env: Environment) -> None:
    found = profiled(env, "nothing", keys=(("id",),))
    assert (found.rows, found.first, found.age, found.entities, found.shares) == (0, "", None, (), ())
    assert [(column.count, column.histogram) for column in found.columns] == [(0, None)] * 3


def test_one_row(env: Environment) -> None:
    found = profiled(env, "one", keys=(("id",),))
    columns = by_name(found)
    assert (found.first, found.last, found.rows) == ("2025-03-01 12:00:00+00", "2025-03-01 12:00:00+00", 1)
    assert (columns["id"].low, columns["id"].high, columns["id"].deviation) == (7, 7, None)
    assert [(value.text, value.count) for value in columns["name"].values] == [("seven", 1)]
    assert [value.text for value in columns["yes"].values] == ["true"]
    assert found.over_time is not None
    assert (found.over_time.unit, found.over_time.counts) == ("day", (1,))


def test_names_that_have_to_be_quoted_and_columns_that_are_gone(env: Environment) -> None:
    found = profiled(env, '"Odd <b>"', keys=(("it's", "%s"),))
    assert [column.name for column in found.columns] == ["it's", "%s", "at"]
    assert by_name(found)["%s"].values[0].text == "<script>alert(1)</script>"
    assert [(each.count, each.least, each.most) for each in found.entities] == [(40, 1, 1)]


def test_values_of_every_kind(env: Environment) -> None:
    found = profiled(env, "kinds")
    columns = by_name(found)
    assert found.rows == 1200
    assert (columns["none"].count, columns["none"].histogram) == (0, None)
    assert [(columns[name].nan, columns[name].extreme) for name in ("real", "double", "exact")] == [
        *((300, 600), (300, 900), (300, 600))
    ]
    assert (columns["exact"].lowest, columns["exact"].high) == ("0." + "0" * 399 + "1", 0.5)
    assert (columns["big"].lowest, columns["big"].highest) == ("-9223372036854775808", "9223372036854775807")
    assert columns["big"].distinct == 3  # which doubles could not tell
    assert (columns["price"].kind, columns["price"].high) == (Kind.NUMBER, 1200)
    assert (columns["score"].kind, columns["score"].distinct) == (Kind.NUMBER, 10)
    assert {value.text for value in columns["mood"].values} == {"sad", "glad"}
    assert [columns[name].kind for name in ("id", "doc", "days", "clock")] == [
        *(Kind.TEXT, Kind.OTHER, Kind.ARRAY, Kind.OTHER)
    ]
    assert (columns["days"].low, columns["days"].high, columns["grid"].low) == (0, 2, 4)
    assert columns["id"].distinct == columns["many"].distinct == 1200
    assert [value.text for value in columns["flag"].values] == ["false", "true"]
    assert columns["empty"].values[0].text == ""


def test_dates_that_python_does_not_have(env: Environment) -> None:
    columns = by_name(profiled(env, "kinds"))
    assert (columns["naive"].lowest, columns["naive"].highest) == ("0044-03-15 00:00:00 BC", "294276-12-31 00:00:00")
    assert (columns["naive"].extreme, columns["day"].extreme) == (300, 400)
    for name in ("naive", "day"):
        drawn = columns[name].histogram
        assert drawn is not None
        assert sum(drawn.counts) + drawn.below + drawn.above == columns[name].measured


def test_a_text_of_a_megabyte_is_known_by_its_beginning(env: Environment) -> None:
    long = by_name(profiled(env, "kinds"))["long"]
    assert (long.count, long.low, long.distinct) == (6, 1_000_001, 2)
    assert [(value.text, value.count, value.shortened) for value in long.values] == [("x" * 80, 3, True)] * 2


def test_the_figures_are_those_of_the_rows(env: Environment) -> None:
    with postgresql.connect(env, timeout=10) as connection:
        rows = connection.execute("SELECT amount, small, at FROM odd.numbers").fetchall()
    amounts = sorted(float(amount) for amount, _, _ in rows if amount is not None)
    found = by_name(profiled(env, "numbers"))
    of = found["amount"]
    assert (of.rows, of.count, of.low, of.high) == (3000, len(amounts), amounts[0], amounts[-1])
    assert of.mean == pytest.approx(statistics.fmean(amounts))
    assert of.deviation == pytest.approx(statistics.stdev(amounts))
    assert of.quantiles is not None
    assert of.quantiles["0.5"] == pytest.approx(statistics.median(amounts))
    assert of.quantiles["0.25"] == pytest.approx(statistics.quantiles(amounts, n=4, method="inclusive")[0])
    drawn = of.histogram
    assert drawn is not None
    between = zip(drawn.edges, drawn.edges[1:], strict=False)
    assert drawn.counts == tuple(sum(low <= each < high for each in amounts) for low, high in between)
    assert drawn.above == sum(each >= drawn.edges[-1] for each in amounts)
    smalls = found["small"].histogram
    assert smalls is not None
    assert smalls.counts[:13] == tuple(sum(small == n for _, small, _ in rows) for n in range(-6, 7))


def test_rows_over_time_and_what_a_label_does(env: Environment) -> None:
    found = profiled(env, "numbers", keys=(("user_id",), ("category",)))
    assert found.over_time is not None
    assert (found.over_time.scale, found.over_time.unit) == (Scale.CALENDAR, "day")
    assert found.over_time.counts[0] == (24 * 60 - 1) // 7
    assert [(each.keys, each.count, each.least, each.most) for each in found.entities] == [
        *((("user_id",), 70, 42, 43), (("category",), 3, 1000, 1000))
    ]
    shares = {(share.by, share.form): share for share in found.shares}
    assert set(shares) == {("at", "time"), ("category", "value"), ("at", "hour")}
    for share in shares.values():
        assert (share.label, sum(group.rows for group in share.groups)) == ("label", 3000)
        assert sum(group.labelled for group in share.groups) == 3000 // 11
    assert [group.text for group in shares["at", "hour"].groups] == [str(hour) for hour in range(24)]
    assert shares["at", "time"].groups[0].text == "2025-01-06T00:00:00+00:00"


def test_a_feature_of_0_and_1_is_no_label(env: Environment) -> None:
    assert profiled(env, "numbers", features=frozenset({"label"})).shares == ()


@pytest.mark.parametrize(("name", "kind", "rows"), [("seen", "view", 2000), ("kept", "materialized view", 3000)])
def test_views(name: str, kind: str, rows: int, env: Environment) -> None:
    found = profiled(env, name)
    assert (found.kind, found.rows, found.read) == (kind, rows, rows)


def test_the_future_is_told(env: Environment) -> None:
    found = profiled(env, "parts")
    assert (found.rows, found.future) == (50, 50)
    assert found.age is not None
    assert found.age < 0


def test_a_query_is_a_table(env: Environment) -> None:
    found = profiled(env, query="SELECT id, at, (small + 6)::score AS up, '100%' AS full FROM numbers -- all of it")
    assert [(column.name, column.type) for column in found.columns] == [
        *(("id", "integer"), ("at", "timestamp with time zone"), ("up", "numeric"), ("full", "text"))
    ]
    assert (found.rows, found.kind, by_name(found)["full"].values[0].text) == (3000, "query", "100%")


@pytest.mark.parametrize("table", ["numbers", "seen", "parts"])
def test_of_a_large_table_a_part_is_read(table: str, env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_table, "READ_WHOLE", 40)
    monkeypatch.setattr(profile_table, "PART", 1000)
    monkeypatch.setattr(profile_table, "SAMPLE", 400)
    found = profiled(env, table, keys=(("id",),))
    rows = {"numbers": 3000, "seen": 2000, "parts": 50}[table]
    assert found.rows == found.entities[0].count == rows
    assert found.read <= rows
    assert {column.precision for column in found.columns if column.count} <= {Precision.AT_LEAST}


def test_the_number_of_different_values_is_estimated_where_nearly_all_differ(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_table, "SAMPLE", 2500)
    monkeypatch.setattr(profile_table, "COUNTED", 2000)
    columns = by_name(profiled(env, "numbers"))
    assert columns["id"].precision is Precision.ESTIMATE
    assert math.isclose(columns["id"].distinct, 3000, rel_tol=0.35)
    assert (columns["category"].distinct, columns["category"].precision) == (3, Precision.EXACT)


def test_a_hundred_columns(env: Environment) -> None:
    listed = ", ".join(f"n * {place} AS c{place}" for place in range(100))
    found = profiled(env, query=f"SELECT {listed} FROM generate_series(1, 30) n")
    assert [column.high for column in found.columns] == [30 * place for place in range(100)]
    assert all(column.histogram and sum(column.histogram.counts) == 30 for column in found.columns)


class TestUnreadable:
    """What one table refuses says why, and nothing else fails."""

    def why(self, env: Environment, table: str = "", **told: Any) -> str:
        with pytest.raises(RelationUnreadable) as caught:
            profiled(env, table, **told)
        return caught.value.message

    def test_a_locked_table_is_not_waited_for(self, env: Environment) -> None:
        with locked(env, "odd.numbers"):
            assert self.why(env, "numbers", timeout=1) == "somebody holds a lock on it, for more than 0.5 s"

    def test_a_table_without_the_right(self, env: Environment) -> None:
        sql(env, "REVOKE SELECT ON odd.one FROM CURRENT_USER")
        try:
            assert self.why(env, "one") == "the user of .env may not read it"
            sql(env, "GRANT SELECT (id, at) ON odd.one TO CURRENT_USER")
            closed = {column.name: column.problem for column in profiled(env, "one").columns if column.problem}
            assert closed == dict.fromkeys(("name", "yes"), "the user of .env may not read it")
        finally:
            sql(env, "GRANT SELECT ON odd.one TO CURRENT_USER")

    def test_a_schema_that_may_not_be_used(self, env: Environment) -> None:
        sql(env, "REVOKE USAGE ON SCHEMA odd FROM CURRENT_USER")
        try:
            assert self.why(env, "odd.one") == "the user of .env may not read it"
        finally:
            sql(env, "GRANT USAGE ON SCHEMA odd TO CURRENT_USER")

    def test_a_query_that_takes_too_long(self, env: Environment) -> None:
        assert (
            self.why(env, query="SELECT pg_sleep(60)::text AS slept", timeout=1) == "reading it takes longer than 1 s"
        )

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("SELECT * FROM gone", 'relation "gone" does not exist'),
            ("SELECT 1 / 0 AS nothing", "division by zero"),
            ("SELECT 1) AS a; DROP TABLE odd.one; SELECT * FROM (SELECT 1", "cannot insert multiple commands"),
            ("SELECT nextval('odd.counter') AS n", "cannot execute nextval() in a read-only transaction"),
        ],
    )
    def test_a_query_that_is_wrong_or_would_change_something(self, query: str, why: str, env: Environment) -> None:
        sql(env, "CREATE SEQUENCE IF NOT EXISTS odd.counter")
        assert self.why(env, query=query).startswith(why)

    def test_no_name_at_all(self, env: Environment) -> None:
        with postgresql_relations.reading(env, "odd", timeout=5) as connection:
            for name in ("", 'a.b.c.d"', "gone", "numbers; SELECT 1"):
                assert postgresql_relations.find(connection, name) is None
            assert postgresql_relations.find(connection, "numbers") is not None


@contextmanager
def locked(env: Environment, table: str) -> Iterator[None]:
    """Somebody else holds the strongest lock on the table meanwhile."""
    with postgresql.connect(env, timeout=10) as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


@pytest.fixture(scope="module")
def seeded(running: Dev) -> None:
    """Two thousand transactions, materialized."""
    running("features", "seed", "--rows", "2000")
    running("features", "materialize")


@pytest.mark.usefixtures("seeded")
class TestCommand:
    """The command on a stack with data: the page, the figures, and what it says of bad days."""

    def test_the_page_is_written_where_one_stands_and_its_path_is_told(self, running: Dev) -> None:
        said = running("features", "profile")
        assert said.stdout.splitlines()[-1] == "feature-profile.html"
        assert said.stderr.count("read, ") == 5
        page = (running.root / "feature-profile.html").read_text()
        assert "card-fraud 1: 2000 rows, seed 42" in page
        assert "all equal" in page
        password = running.env()["POSTGRES_PASSWORD"]
        assert password not in page + said.stdout + said.stderr

    def test_the_figures_of_the_data_set(self, running: Dev) -> None:
        data = running.json("features", "profile")["data"]
        assert (data["page"], data["project"], data["data_sets"]) == (
            *(None, "mmp_local_dev"),
            ["card-fraud 1: 2000 rows, seed 42"],
        )
        tables = {table["name"]: table for table in data["tables"]}
        assert list(tables) == [
            *("transactions", "user_demographics", "user_transaction_stats", "merchant_stats", "category_stats")
        ]
        assert tables["transactions"]["rows"] == tables["user_transaction_stats"]["rows"] == 2000
        assert {share["by"] for share in tables["transactions"]["shares"]} == {"event_timestamp", "category"}
        assert tables["user_demographics"]["views"] == ["user_demographics"]
        roles = {column["name"]: column["role"] for column in tables["user_demographics"]["columns"]}
        assert (roles["user_id"], roles["event_timestamp"], roles["age"]) == ("key", "timestamp", "feature")
        assert all(view["stored"] == view["rows"] > 0 and not view["differences"] for view in data["online"])
        assert len(data["online"]) == 4

    def test_chosen_views_and_a_file_of_ones_own(self, running: Dev) -> None:
        data = running.json("features", "profile", "category_stats", "--html", "pages/one.html")["data"]
        assert ([table["name"] for table in data["tables"]], data["page"]) == (["category_stats"], "pages/one.html")
        assert (running.root / "pages/one.html").is_file()

    def test_a_view_that_there_is_not(self, running: Dev) -> None:
        said = running("features", "profile", "category_stat", code=2)
        assert "There is no view or table category_stat to profile; did you mean category_stats?" in said.stderr

    def test_what_cannot_be_read_is_told_and_the_others_are_read(self, running: Dev, env: Environment) -> None:
        with locked(env, "features.category_stats"):
            envelope = running.json("features", "profile", "--timeout", "2", code=3)
        problems = {table["name"]: table["problem"] for table in envelope["data"]["tables"] if table["problem"]}
        assert problems == {"category_stats": "somebody holds a lock on it, for more than 1 s"}
        assert any("category_stats cannot be read" in text for text in envelope["warnings"])
        assert len(envelope["data"]["online"]) == 3

    def test_a_table_that_is_not_there_is_told_once(self, running: Dev, env: Environment) -> None:
        sql(env, "ALTER TABLE features.category_stats RENAME TO elsewhere")
        try:
            tables = running.json("features", "profile", "category_stats", code=3)["data"]["tables"]
        finally:
            sql(env, "ALTER TABLE features.elsewhere RENAME TO category_stats")
        assert [(each["name"], each["problem"], each["relation"]) for each in tables] == [
            ("category_stats", "there is no such table", "features.category_stats")
        ]

    def test_rows_that_differ_online_are_told(self, running: Dev, env: Environment) -> None:
        sql(env, "UPDATE features.category_stats SET amount_max_30d = -1 WHERE category = 'travel'")
        said = running("features", "profile", "category_stats")
        assert re.search(
            r"! category_stats differs online in 1 of 14 rows: 1 wrong\. The first: category=travel, "
            r"amount_max_30d: offline -1\.0, online \d",
            said.stdout,
        )

    def test_without_a_registry_the_promised_tables_are_profiled(self, running: Dev) -> None:
        registry = Path(running.env()["FEAST_REGISTRY_PATH"])
        content = registry.read_bytes()
        registry.unlink()
        try:
            envelope = running.json("features", "profile")
        finally:
            registry.write_bytes(content)
        assert len(envelope["data"]["tables"]) == 5
        assert "Only the tables that the contract promises are profiled." in envelope["warnings"][0]

    def test_a_page_that_cannot_be_written_is_told_before_the_work(self, running: Dev) -> None:
        (running.root / "folder").mkdir()
        said = running("features", "profile", "--html", "folder", code=2)
        assert "folder" in said.stderr

    def test_nothing_answers(self, running: Dev) -> None:
        file = running.root / ".env"
        content = file.read_text()
        file.write_text(content.replace(f"POSTGRES_PORT={running.env()['POSTGRES_PORT']}", "POSTGRES_PORT=1"))
        try:
            assert running.json("features", "profile", code=3)["error"]["code"] == "SERVICE_NOT_READY"
        finally:
            file.write_text(content)
