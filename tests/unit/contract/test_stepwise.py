"""One clause at a time: each is checked once, and its causes before it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from mmp_local_dev.contract.clauses.base import Check, Clause, ClauseBroken
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Outcome
from mmp_local_dev.contract.stepwise import Stepwise
from mmp_local_dev.contract.waivers import NONE, Waiver, Waivers
from mmp_local_dev.environment import Environment

CONTRACT = Contract(Path("dev-contract.yml"), "sample", "1.0.0", "mmp.dev/v2", {}, {})


class Clauses:
    """A clause, one that hangs on it, and one on that; and which were checked."""

    def __init__(self, *broken: str) -> None:
        self.checked: list[str] = []
        self._broken = broken

    def stepwise(self, waivers: Waivers = NONE) -> Stepwise[Environment]:
        clauses = [self._clause("last", "middle"), self._clause("first", "unknown"), self._clause("middle", "first")]
        return Stepwise(CONTRACT, Environment({}), clauses, waivers=waivers)

    def _clause(self, clause_id: str, *causes: str) -> Clause[Environment]:
        return Clause(clause_id, self._check(clause_id), 1, causes)

    def _check(self, clause_id: str) -> Check[Environment]:
        def check(_env: Environment, _timeout: float) -> None:
            self.checked.append(clause_id)
            if clause_id in self._broken:
                raise ClauseBroken("no")

        return check


def test_causes_come_first_and_each_is_checked_once() -> None:
    clauses = Clauses()
    stepwise = clauses.stepwise()
    found = [stepwise.finding(name).outcome for name in ("last", "first", "last")]
    assert (found, clauses.checked) == ([Outcome.PASSED] * 3, ["first", "middle", "last"])


def test_what_hangs_on_a_failure_is_blocked_by_the_first_cause_and_not_checked() -> None:
    clauses = Clauses("first")
    finding = clauses.stepwise().finding("last")
    assert (finding.outcome, finding.cause, clauses.checked) == (Outcome.BLOCKED, "first", ["first"])


def test_a_waiver_counts() -> None:
    waivers = Waivers({"first": Waiver("first", "known", date(2030, 1, 1))}, date(2029, 1, 1))
    stepwise = Clauses("first").stepwise(waivers)
    assert (stepwise.finding("first").waived, stepwise.finding("last").outcome) == ("known", Outcome.SKIPPED)
