"""The clauses of tables on shapes of tables that a feature store seldom has, in a real PostgreSQL."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Dev
from mmp_local_dev.contract.clauses import tables
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Column, Contract, Table
from mmp_local_dev.contract.report import Finding, Outcome
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import Environment
from mmp_local_dev.operations.opened import published
from mmp_local_dev.services import postgresql, postgresql_tables
from mmp_local_dev.workspace import Workspace

pytestmark = pytest.mark.needs("native")

TABLES = """
    CREATE SCHEMA odd;
    CREATE TABLE odd."Order Lines" ("Line No" int PRIMARY KEY, "it's" numeric(10,2)[], mood text);
    CREATE TABLE odd.parts (id int NOT NULL, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE odd.keys (
        id int, code text, part text, name text, dropped int,
        CONSTRAINT included UNIQUE (id) INCLUDE (code), PRIMARY KEY (code)
    );
    CREATE UNIQUE INDEX ON odd.keys (part) WHERE part <> '';
    CREATE UNIQUE INDEX ON odd.keys (lower(name));
    ALTER TABLE odd.keys DROP COLUMN dropped;
    CREATE MATERIALIZED VIEW odd.seen AS SELECT id FROM odd.keys;
    CREATE TABLE odd.times (naive timestamp, nothing timestamptz);
    INSERT INTO odd.times VALUES (now() AT TIME ZONE 'UTC' - interval '1 hour', NULL);
"""


@pytest.fixture(scope="module")
def env(running: Dev) -> Environment:
    """The environment of a stack whose database has these tables."""
    stack = Workspace(running.root).stack("default")
    found = published(stack, load(stack.workspace.contract))
    with postgresql.connect(found, timeout=10) as connection:
        connection.execute(TABLES.encode())
    return found


def table(name: str, *columns: Column, primary_key: tuple[str, ...] = ()) -> Table:
    return Table(name, physical_name=name, columns={each.name: each for each in columns}, primary_key=primary_key)


def judged(env: Environment, *promised: Table) -> dict[str, Finding]:
    contract = Contract(
        Path("dev-contract.yml"), "c", "1.0.0", "mmp.dev/v2", {}, {}, tables={each.name: each for each in promised}
    )
    return {
        found.clause: found
        for found in verify(contract, env, list(tables.clauses(contract, tables.facts_of(contract)))).findings
    }


def outcomes(findings: dict[str, Finding]) -> set[Outcome]:
    return {finding.outcome for finding in findings.values()}


def test_names_that_have_to_be_quoted(env: Environment) -> None:
    columns = Column("Line No", "integer", nullable=False), Column("it's", "numeric(10,2)[]"), Column("mood", "text")
    assert outcomes(judged(env, table("odd.Order Lines", *columns, primary_key=("Line No",)))) == {Outcome.PASSED}


def test_the_repair_of_such_a_name_works(env: Environment, running: Dev) -> None:
    promised = table("odd.Order Lines", Column("it's", "numeric(12,3)[]"))
    found = judged(env, promised)["table.column[odd.Order Lines:it's]"]
    assert (found.expected, found.actual) == ("numeric(12,3)[]", "numeric(10,2)[]")
    running(*shlex.split(found.repairs[0].command)[1:])
    assert outcomes(judged(env, promised)) == {Outcome.PASSED}


def test_partitioned_tables_and_materialized_views(env: Environment) -> None:
    parts = table("odd.parts", Column("id", "int", nullable=False), primary_key=("id", "day"))
    seen = table("odd.seen", Column("id", "integer", nullable=False), primary_key=("id",))
    found = judged(env, parts, seen)
    assert found.pop("table.key[odd.seen]").outcome is Outcome.SKIPPED
    assert outcomes(found) == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("column", "outcome"),
    [("id", "passed"), ("code", "passed"), ("part", "failed"), ("name", "failed"), ("dropped", "blocked")],
)
def test_unique_is_what_no_two_rows_share(env: Environment, column: str, outcome: str) -> None:
    type_ = "int" if column in ("id", "dropped") else "text"
    found = judged(env, table("odd.keys", Column(column, type_, unique=True)))["table.key[odd.keys]"]
    assert str(found.outcome) == outcome


def test_the_columns_of_a_key_come_in_order(env: Environment) -> None:
    found = judged(env, table("odd.parts", Column("id", "int"), primary_key=("day", "id")))["table.key[odd.parts]"]
    assert (found.expected, found.actual) == ("PRIMARY KEY (day, id)", "PRIMARY KEY (id, day)")


def test_a_right_to_the_promised_columns_is_enough(env: Environment) -> None:
    promised = table("odd.keys", Column("id", "int"))
    with postgresql.connect(env, timeout=10) as connection:
        connection.execute("REVOKE SELECT ON odd.keys FROM CURRENT_USER")
        connection.execute("GRANT SELECT (id) ON odd.keys TO CURRENT_USER")
    assert outcomes(judged(env, promised)) == {Outcome.PASSED}
    found = judged(env, table("odd.keys", Column("id", "int"), Column("code", "text")))["table.grant[odd.keys]"]
    assert found.actual == "no SELECT of code"


def test_a_schema_that_may_not_be_used(env: Environment) -> None:
    with postgresql.connect(env, timeout=10) as connection:
        connection.execute("REVOKE USAGE ON SCHEMA odd FROM CURRENT_USER")
        try:
            found = judged(env, table("odd.parts"))["table.grant[odd.parts]"]
        finally:
            connection.execute("GRANT USAGE ON SCHEMA odd TO CURRENT_USER")
    assert found.actual == "no USAGE of the schema odd"
    assert 'GRANT USAGE ON SCHEMA "odd"' in found.repairs[0].command


def test_what_is_optional_and_absent_is_skipped(env: Environment) -> None:
    gone = replace(table("odd.gone", Column("id", "int", nullable=False), primary_key=("id",)), required=False)
    column = table("odd.parts", replace(Column("gone", "int"), required=False))
    found = judged(env, gone, column)
    assert {name for name, each in found.items() if each.outcome is Outcome.SKIPPED} == {
        "table.present[odd.gone]",
        "table.column[odd.gone:id]",
        "table.key[odd.gone]",
        "table.grant[odd.gone]",
        "table.column[odd.parts:gone]",
    }
    assert outcomes(found) == {Outcome.SKIPPED, Outcome.PASSED}


def test_the_age_of_a_time_without_a_zone_counts_from_utc(env: Environment) -> None:
    age = postgresql_tables.age(env, ("odd", "times"), "naive", timeout=10)
    assert age is not None
    assert 3600 <= age < 7200
    assert postgresql_tables.age(env, ("odd", "times"), "nothing", timeout=10) is None


def test_values_that_are_there(env: Environment) -> None:
    where = ("odd", "keys")
    with postgresql.connect(env, timeout=10) as connection:
        connection.execute("GRANT SELECT ON odd.keys TO CURRENT_USER")
        connection.execute("INSERT INTO odd.keys VALUES (7, 'o''seven', 'x', 'y')")
    assert postgresql_tables.present_values(env, where, "id", ["7", "8"], timeout=10) == {"7"}
    assert postgresql_tables.present_values(env, where, "code", ["o'seven", "%s", "7"], timeout=10) == {"o'seven"}
    assert postgresql_tables.present_values(env, where, "id", ["seven"], timeout=10) == frozenset()
