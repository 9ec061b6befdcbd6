"""The clauses of tables, features, fixtures and service levels: which there are, what they hang on, and verdicts that
need no server."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.contract.clauses import asking, base, fixtures, tables
from mmp_local_dev.contract.clauses.given import where_given
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract, KnownAnswers, KnownKeys
from mmp_local_dev.contract.report import Outcome
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import Environment
from mmp_local_dev.services.postgresql_tables import TableFacts
from sample import SAMPLE

CONTRACTS = Path(__file__).parents[2] / "contracts" / "valid"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(SAMPLE / "dev-contract.yml")


def roots(contract: Contract, clause: str) -> set[str]:
    """Everything that a clause hangs on, in the end."""
    return {each.id for each in base.select(clauses_of(contract), only=[clause])} - {clause}


def test_every_cause_is_a_clause(contract: Contract) -> None:
    clauses = clauses_of(contract)
    ids = [clause.id for clause in clauses]
    assert len(ids) == len(set(ids))
    assert {cause for clause in clauses for cause in clause.causes} <= set(ids)


def test_each_stands_where_its_promise_does(contract: Contract) -> None:
    lines = contract.path.read_text().splitlines()
    for clause in clauses_of(contract):
        kind, _, subject = clause.id.removesuffix("]").partition("[")
        if clause.section in ("fixtures", "slaProperties") or kind in ("table.column", "feature.dtype"):
            assert subject.rpartition(":")[2] in lines[clause.line - 1]


def test_a_feature_hangs_on_its_column_and_that_on_the_server_and_its_variables(contract: Contract) -> None:
    found = roots(contract, "feature.dtype[user_demographics:age]")
    assert {
        "env.present[POSTGRES_HOST]",
        "env.type[FEAST_REGISTRY_PATH]",
        "service.ready[postgresql]",
        "service.schema[FEAST_DB_SCHEMA]",
        "table.column[features.user_demographics:age]",
        "feast.registry[mmp_local_dev]",
        "feast.entity[user_id]",
        "feature.view[user_demographics]",
    } <= found
    assert "table.column[features.user_demographics:gender]" not in found
    assert "service.ready[redis]" not in found


@pytest.mark.parametrize(
    ("clause", "service"),
    [
        ("fixture.online[known_users]", "redis"),
        ("fixture.online[months_now]", "redis"),
        ("sla.latency[online-read]", "redis"),
        ("fixture.offline[demographics_in_spring]", "postgresql"),
        ("sla.freshness[fresh-interests]", "postgresql"),
    ],
)
def test_what_is_read_hangs_on_the_store_that_holds_it(contract: Contract, clause: str, service: str) -> None:
    assert f"service.ready[{service}]" in roots(contract, clause)


def test_what_is_computed_may_be_so_from_anything(contract: Contract) -> None:
    assert "feature.dtype[user_demographics:gender]" in roots(contract, "fixture.online[months_now]")


def test_only_what_measures_runs_alone(contract: Contract) -> None:
    alone = {clause.id.partition("[")[0] for clause in clauses_of(contract) if clause.alone}
    assert alone == {"sla.latency"}


def test_what_reads_through_feast_is_slow(contract: Contract) -> None:
    slow = {clause.id for clause in clauses_of(contract) if clause.slow}
    assert {
        "fixture.online[known_users]",
        "fixture.offline[demographics_in_spring]",
        "sla.latency[online-read]",
    } <= slow
    assert not slow & {"fixture.offline[known_users]", "sla.freshness[fresh-interests]", "service.ready[redis]"}


def test_without_the_sections_there_are_no_clauses() -> None:
    sections = {clause.section for clause in clauses_of(load(CONTRACTS / "minimal.yml"))}
    assert sections == {"env", "services"}


def test_without_a_registry_in_the_environment_nothing_of_it_is_kept(contract: Contract) -> None:
    clauses = [clause for clause in clauses_of(contract) if clause.section == "feast"]
    report = verify(contract, Environment({}), clauses)
    assert {finding.outcome for finding in report.findings} == {Outcome.FAILED, Outcome.BLOCKED}
    assert {finding.cause for finding in report.findings} == {"", "feast.registry[mmp_local_dev]"}


def test_without_feast_the_answers_are_unknown_and_it_is_told_how_to_get_it(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "feast", None)
    clauses = [clause for clause in clauses_of(contract) if clause.id == "fixture.online[demographics_now]"]
    report = verify(contract, Environment({}), clauses)
    (found,) = report.findings
    assert (found.outcome, report.exit_code) == (Outcome.UNKNOWN, 3)
    assert found.repairs[0].command.endswith("-m pip install 'mmp-local-dev[features]'")


class TestGiven:
    """A fixture that is true of one data set, and what the comments of tables say of the stack."""

    GIVEN = "cards 1: 9 rows"

    def judged(self, contract: Contract, fixture: str, **held: str) -> tuple[Outcome, str]:
        """What becomes of the fixture, whose own check passes, where tables have these comments."""
        known = contract.fixtures[fixture]
        assert isinstance(known, KnownKeys | KnownAnswers)
        table = TableFacts("table", usable=True, columns={}, primary_key=(), unique=frozenset(), comment="")
        found = {("features", name): replace(table, comment=held[name]) for name in held}
        clause = base.Clause[Environment]("fixture.online[x]", lambda _env, _timeout: "kept", line=1)
        facts: tables.Facts = asking.Once(lambda _env, _timeout: found)
        given = where_given(clause, contract, replace(known, given=self.GIVEN), facts)
        (finding,) = verify(contract, Environment({}), [given]).findings
        return finding.outcome, finding.actual or finding.message

    def test_it_is_checked_on_that_data_set(self, contract: Contract) -> None:
        held = {"user_demographics": self.GIVEN, "user_interests": ""}
        assert self.judged(contract, "demographics_now", **held) == (Outcome.PASSED, "kept")

    def test_it_is_skipped_on_none(self, contract: Contract) -> None:
        told = 'the stack holds no data set; "cards 1: 9 rows" is promised after mmp-dev up --seed'
        assert self.judged(contract, "demographics_now", user_demographics="") == (Outcome.SKIPPED, told)
        assert self.judged(contract, "demographics_now") == (Outcome.SKIPPED, told)  # which is told of the table

    def test_it_is_skipped_on_another(self, contract: Contract) -> None:
        told = 'the stack holds the data set "cards 2"; this is promised of "cards 1: 9 rows"'
        assert self.judged(contract, "demographics_now", user_demographics="cards 2") == (Outcome.SKIPPED, told)

    @pytest.mark.parametrize("fixture", ["known_users", "months_now"])
    def test_keys_and_what_is_computed_are_of_every_table(self, contract: Contract, fixture: str) -> None:
        """Of those that views of the entity read; of all, where the view has none."""
        held = {"user_demographics": self.GIVEN, "user_interests": "cards 2"}
        assert self.judged(contract, fixture, **held)[0] is Outcome.SKIPPED
        held["user_interests"] = self.GIVEN
        assert self.judged(contract, fixture, **held)[0] is Outcome.PASSED

    def test_it_hangs_on_its_tables(self, contract: Contract) -> None:
        given = {name: replace(each, given=self.GIVEN) for name, each in contract.fixtures.items()}
        found = {each.id: each for each in clauses_of(replace(contract, fixtures=given))}
        assert "table.present[features.user_interests]" in found["fixture.online[months_now]"].causes
        assert "table.present[features.user_demographics]" in found["fixture.online[known_users]"].causes


class TestSame:
    NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("expected", "found"),
        [
            (31, 31),
            (31, 31.0),
            (0.1, 0.10000000149011612),
            (52000.25, Decimal("52000.25")),
            (7.0, 7),
            (None, None),
            (True, True),
            ("F", "F"),
            ("2026-01-01T13:00:00+01:00", NOON),
            ("2026-01-01T12:00:00Z", NOON.replace(tzinfo=None)),
        ],
    )
    def test_it_is(self, expected: Any, found: Any) -> None:
        assert fixtures.same(expected, found)

    @pytest.mark.parametrize(
        ("expected", "found"),
        [
            (31, 31.4),
            (1000000, 1000001.0),
            (0.1, 0.1001),
            (0.0, 0.1),
            (1, True),
            (True, 1),
            (None, 0),
            (0, None),
            (1.0, None),
            ("1", 1),
            ("2026-01-01T12:00:00+01:00", NOON),
        ],
    )
    def test_it_is_not(self, expected: Any, found: Any) -> None:
        assert not fixtures.same(expected, found)
