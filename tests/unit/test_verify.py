"""The verdict on clauses that are made up here: what blocks what, what is shown, and the exit code."""

from __future__ import annotations

import threading
from collections.abc import Collection
from concurrent.futures import Future
from concurrent.futures import wait as really_wait
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.contract import verify as module
from mmp_local_dev.contract.clauses.base import Check, Clause, ClauseBroken, ClauseSkipped, concerning
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import MASK, Environment
from mmp_local_dev.errors import NotReady, Repair

CONTRACT = Contract(Path("somewhere/dev-contract.yml"), "sample", "1.2.3", "mmp.dev/v2", {}, {})
EnvCheck = Check[Environment]
ENV = Environment({"HOST": "db", "PASSWORD": "s3cret/word"}, {"PASSWORD"})


def passes(_env: Environment, _timeout: float) -> None:
    return


def raises(error: Exception) -> EnvCheck:
    def check(_env: Environment, _timeout: float) -> None:
        raise error

    return check


def breaks(message: str = "no") -> EnvCheck:
    return raises(ClauseBroken(message))


def forbidden(_env: Environment, _timeout: float) -> None:
    pytest.fail("a clause was checked although its cause had failed")


def verified(*clauses: Clause[Environment], services: Collection[str] | None = None, **options: Any) -> Report:
    """The report of a contract with these clauses."""
    return verify(CONTRACT, ENV, clauses if services is None else concerning(clauses, services), **options)


def outcomes(report: Report) -> dict[str, str]:
    return {finding.clause: str(finding.outcome) for finding in report.findings}


def of(report: Report, clause: str) -> Finding:
    return next(finding for finding in report.findings if finding.clause == clause)


class TestOutcomes:
    def test_each_clause_has_one(self) -> None:
        report = verified(
            Clause("a", passes, 1),
            Clause("b", breaks(), 2),
            Clause("c", raises(ClauseSkipped("not set")), 3),
            Clause("d", raises(ZeroDivisionError("x")), 4),
            Clause("e", passes, 5, ("b",)),
        )
        assert outcomes(report) == {"a": "passed", "b": "failed", "c": "skipped", "d": "unknown", "e": "blocked"}
        assert (report.contract, report.version) == ("sample", "1.2.3")
        assert [finding.declared for finding in report.findings] == [f"dev-contract.yml:{n}" for n in range(1, 6)]

    def test_a_broken_one_says_all_that_was_found(self) -> None:
        repair = Repair("mmp-dev up", "writes it")
        report = verified(Clause("a", raises(ClauseBroken("no", expected="1", actual="2", repairs=[repair])), 7))
        (found,) = report.findings
        assert (found.message, found.expected, found.actual, found.repairs) == ("no", "1", "2", (repair,))

    @pytest.mark.parametrize("error", [RuntimeError("boom"), NotReady("boom"), KeyError("boom")])
    def test_what_nobody_foresaw_is_unknown_and_not_broken(self, error: Exception) -> None:
        (found,) = verified(Clause("a", raises(error), 1)).findings
        assert found.outcome is Outcome.UNKNOWN
        assert type(error).__name__ in found.message
        assert "boom" in found.message

    def test_what_would_help_to_find_it_out_is_told(self) -> None:
        repair = Repair("pip install feast")
        (found,) = verified(Clause("a", raises(NotReady("no Feast", repairs=[repair])), 1)).findings
        assert found.repairs == (repair,)

    def test_each_is_given_the_environment_and_its_time(self) -> None:
        given: list[tuple[Environment, float]] = []
        verified(Clause("a", lambda env, timeout: given.append((env, timeout)), 1), timeout=3)
        assert given == [(ENV, 3)]


class TestCauses:
    def test_what_hangs_on_a_failure_is_blocked_by_its_root(self) -> None:
        report = verified(
            Clause("root", breaks(), 1),
            Clause("child", forbidden, 2, ("root",)),
            Clause("grandchild", forbidden, 3, ("child",)),
            Clause("other", passes, 4),
        )
        assert outcomes(report) == {"root": "failed", "child": "blocked", "grandchild": "blocked", "other": "passed"}
        assert [of(report, name).cause for name in ("child", "grandchild")] == ["root", "root"]
        assert of(report, "grandchild").message == "waits for root"

    def test_one_failed_cause_of_several_is_enough(self) -> None:
        report = verified(Clause("a", passes, 1), Clause("b", breaks(), 2), Clause("c", forbidden, 3, ("a", "b")))
        assert of(report, "c").cause == "b"

    def test_what_could_not_be_found_out_blocks_too(self) -> None:
        report = verified(Clause("a", raises(OSError("?")), 1), Clause("b", forbidden, 2, ("a",)))
        assert outcomes(report) == {"a": "unknown", "b": "blocked"}

    def test_what_is_optional_and_absent_blocks_nothing(self) -> None:
        report = verified(Clause("a", raises(ClauseSkipped("not set")), 1), Clause("b", passes, 2, ("a",)))
        assert outcomes(report) == {"a": "skipped", "b": "passed"}

    def test_causes_may_stand_behind_what_hangs_on_them(self) -> None:
        report = verified(Clause("b", passes, 1, ("a",)), Clause("a", passes, 2))
        assert [finding.clause for finding in report.findings] == ["b", "a"]
        assert report.kept

    def test_those_without_a_common_cause_are_checked_side_by_side(self) -> None:
        """One that waits for the other would wait for ever, one after the other."""
        meeting = threading.Barrier(3, timeout=30)

        def meet(_env: Environment, _timeout: float) -> None:
            meeting.wait()

        report = verified(*(Clause(name, meet, 1) for name in "abc"))
        assert report.kept

    def test_what_measures_is_checked_by_itself_when_all_others_are_done(self) -> None:
        running: set[str] = set()
        order: list[str] = []

        def named(name: str, **options: Any) -> Clause[Environment]:
            def check(_env: Environment, _timeout: float) -> None:
                running.add(name)
                assert name in ("a", "b") or running == {name}
                order.append(name)
                running.remove(name)

            return Clause(name, check, 1, **options)

        report = verified(named("first", alone=True), named("a"), named("second", alone=True), named("b"))
        assert report.kept
        assert order[2:] == ["first", "second"]

    def test_what_measures_hangs_on_its_causes_too(self) -> None:
        report = verified(Clause("slow", forbidden, 1, ("down",), alone=True), Clause("down", breaks(), 1))
        assert outcomes(report) == {"slow": "blocked", "down": "failed"}

    def test_many_more_than_run_at_once(self) -> None:
        chain = [Clause("0", passes, 1), *(Clause(str(n), passes, n, (str(n - 1),)) for n in range(1, 40))]
        assert verified(*chain, *(Clause(f"x{n}", passes, n) for n in range(40))).count(Outcome.PASSED) == 80


class TestSomeServices:
    clauses = (
        Clause("variable", passes, 1),
        Clause("ready[a]", breaks(), 2, ("variable",), "a"),
        Clause("ready[b]", passes, 3, ("variable",), "b"),
    )

    def test_variables_and_those_services_are_checked(self) -> None:
        assert outcomes(verified(*self.clauses, services=["b"])) == {"variable": "passed", "ready[b]": "passed"}
        assert outcomes(verified(*self.clauses, services=[])) == {"variable": "passed"}
        assert len(verified(*self.clauses, services=None).findings) == 3

    def test_what_hangs_on_the_data_of_another_is_not_checked(self) -> None:
        """As when `mmp-dev up redis` starts nothing that has features, and a view is to be the same in both stores."""
        view = Clause("view", passes, 4, ("ready[a]",), "a", section="feast")
        online = Clause("online", forbidden, 5, ("ready[b]", "view"), "b", section="feast")
        hanging = Clause("deep", forbidden, 6, ("online",), "b", section="feast")
        report = verified(*self.clauses, view, online, hanging, services=["b"])
        assert outcomes(report) == {"variable": "passed", "ready[b]": "passed"}

    def test_what_needs_another_service_is_checked(self) -> None:
        needing = Clause("ready[c]", passes, 4, ("ready[a]",), "c", section="services")
        ready = Clause("ready[a]", forbidden, 2, (), "a", section="services")
        assert outcomes(verified(ready, needing, services=["c"])) == {"ready[c]": "passed"}

    def test_a_cause_that_is_left_out_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As when the contract says that MLflow needs Redis, and `mmp-dev up mlflow` starts PostgreSQL and MLflow."""
        rounds = 0

        def wait(running: Collection[Future[Finding]], **options: Any) -> object:
            nonlocal rounds
            rounds += 1
            assert running or rounds < 10, "nothing runs, and something is waited for"
            return really_wait(running, **options)

        monkeypatch.setattr(module, "wait", wait)
        report = verified(Clause("ready[c]", passes, 1, ("ready[d]",), "c"), services=["c"])
        assert outcomes(report) == {"ready[c]": "passed"}


class TestSecrets:
    @pytest.mark.parametrize(
        "error",
        [
            ClauseBroken("at s3cret/word", expected="not s3cret/word", actual="s3cret/word"),
            ClauseSkipped("s3cret/word is not set"),
            RuntimeError("postgresql://u:s3cret%2Fword@db"),
        ],
    )
    def test_none_is_in_a_finding(self, error: Exception) -> None:
        (found,) = verified(Clause("a", raises(error), 1)).findings
        shown = f"{found.message} {found.expected} {found.actual}"
        assert MASK in shown
        assert "s3cret" not in shown


def report_of(*told: str) -> Report:
    return Report("c", "1.0.0", tuple(Finding(str(n), Outcome(each), "f:1") for n, each in enumerate(told)))


class TestVerdict:
    @pytest.mark.parametrize(
        ("told", "kept", "code"),
        [
            (["passed"], True, 0),
            (["passed", "skipped"], True, 0),
            (["passed", "failed"], False, 1),
            (["failed", "blocked"], False, 1),
            (["failed", "unknown"], False, 1),
            (["passed", "unknown"], False, 3),
            (["unknown", "blocked"], False, 3),
            (["skipped"], False, 3),
            ([], False, 3),
        ],
    )
    def test_kept_broken_or_not_found_out(self, told: list[str], kept: bool, code: int) -> None:  # noqa: FBT001
        report = report_of(*told)
        assert (report.kept, report.exit_code) == (kept, code)

    def test_a_contract_without_a_single_clause_is_not_kept(self) -> None:
        assert (verified().kept, verified().exit_code) == (False, 3)

    def test_counting(self) -> None:
        report = report_of("passed", "failed", "passed")
        assert [report.count(outcome) for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.BLOCKED)] == [2, 1, 0]
