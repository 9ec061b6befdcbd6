"""Checks that are repeated, on reports that are made up: what is asked again, what is told, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from mmp_local_dev.contract.report import Outcome, Report
from mmp_local_dev.errors import ContractInvalid, InputError, MmpError
from mmp_local_dev.events import Event, Waiting, ignore
from mmp_local_dev.operations.check import Asked
from mmp_local_dev.operations.recheck import Change, Trouble, check_until_kept, watch
from reports import finding, report


class Checks:
    """Answers with one report after the other, the last one for ever; an error is raised instead."""

    def __init__(self, *answers: Report | MmpError) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Report:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, MmpError):
            raise answer
        return answer


class Clock:
    """Moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


GOOD = report(finding("a"), finding("b"), finding("c"))
BAD = report(finding("a"), finding("b", "failed", message="down"), finding("c", "blocked", cause="b"))
AGAIN = report(finding("b", actual="up"), finding("c", actual="too"))


class TestUntilKept:
    def until_kept(self, checks: Checks, asked: Asked | None = None, seconds: float = 10) -> tuple[Report, list[Event]]:
        clock = Clock()
        told: list[Event] = []
        asked = asked or Asked()
        done = check_until_kept(checks, asked, seconds=seconds, emit=told.append, clock=clock, sleep=clock.sleep)
        return done, told

    def test_what_is_kept_is_asked_once(self) -> None:
        checks = Checks(GOOD)
        assert self.until_kept(checks) == (GOOD, [])
        assert len(checks.asked) == 1

    def test_what_is_not_kept_is_asked_again_and_nothing_else(self) -> None:
        checks = Checks(BAD, AGAIN)
        asked = Asked(sections=("feast",), timeout=3)
        done, told = self.until_kept(checks, asked)
        assert checks.asked == [asked, Asked(only=("b", "c"), timeout=3)]
        assert [(each.clause, each.actual) for each in done.findings] == [("a", ""), ("b", "up"), ("c", "too")]
        assert done.kept
        assert done.seconds == 1.0
        assert told == [Waiting("b", 10.0)]

    def test_it_ends_when_the_time_is_up(self) -> None:
        checks = Checks(BAD)
        done, told = self.until_kept(checks, seconds=3)
        assert done.exit_code == 1
        assert len(checks.asked) == 4
        assert told == [Waiting("b", 3.0), Waiting("b", 2.0), Waiting("b", 1.0)]

    def test_without_time_nothing_is_waited_for(self) -> None:
        checks = Checks(BAD)
        assert self.until_kept(checks, seconds=0)[1] == []
        assert len(checks.asked) == 1

    def test_what_could_not_be_found_out_is_asked_again(self) -> None:
        checks = Checks(report(finding("b", "unknown")), report(finding("b")))
        assert self.until_kept(checks)[0].kept

    def test_what_was_kept_and_breaks_meanwhile_is_noticed_where_something_hangs_on_it(self) -> None:
        """`check` brings along what the clauses hang on."""
        checks = Checks(
            report(finding("a"), finding("b", "failed")),
            report(finding("a", "failed"), finding("b", "blocked", cause="a")),
        )
        done, _ = self.until_kept(checks, seconds=1)
        assert [each.outcome for each in done.findings] == [Outcome.FAILED, Outcome.BLOCKED]

    @pytest.mark.parametrize("answers", [(ContractInvalid("no"),), (BAD, InputError("no"))], ids=["at once", "later"])
    def test_waiting_mends_no_contract(self, answers: tuple[Report | MmpError, ...]) -> None:
        with pytest.raises(InputError, match="no"):
            self.until_kept(Checks(*answers))

    def test_a_check_of_nothing_is_not_waited_for(self) -> None:
        checks = Checks(report())
        assert self.until_kept(checks)[0].exit_code == 3
        assert len(checks.asked) == 1


class TestWatch:
    def watched(self, *answers: Report | MmpError, events: int) -> list[Report | Change | Trouble]:
        def sleep(seconds: float) -> None:
            assert seconds == 2
            if len(checks.asked) > 20:
                raise TimeoutError(f"only {told}")

        checks = Checks(*answers)
        told: list[Report | Change | Trouble] = []
        stream: Iterator[Report | Change | Trouble] = watch(checks, Asked(), interval=2, sleep=sleep)
        told.extend(islice(stream, events))
        return told

    def changes(self, *answers: Report | MmpError, events: int) -> list[tuple[str, object, object, str]]:
        first, *rest = self.watched(*answers, events=events + 1)
        assert isinstance(first, Report)
        return [(e.clause, e.before, e.after, e.message) for e in rest if isinstance(e, Change)]

    def test_the_report_comes_first(self) -> None:
        assert self.watched(GOOD, events=1) == [GOOD]

    def test_each_change_is_told_once_and_nothing_else(self) -> None:
        assert self.changes(GOOD, GOOD, BAD, BAD, GOOD, events=4) == [
            ("b", "passed", "failed", "down"),
            ("c", "passed", "blocked", ""),
            ("b", "failed", "passed", ""),
            ("c", "blocked", "passed", ""),
        ]

    def test_clauses_come_and_go_with_the_contract(self) -> None:
        edited = report(finding("a"), finding("d"))
        assert self.changes(report(finding("a"), finding("b")), edited, events=2) == [
            ("d", None, "passed", ""),
            ("b", "passed", None, ""),
        ]

    def test_a_contract_that_becomes_invalid_is_told_once_and_watched_on(self) -> None:
        first, second = ContractInvalid("line 3"), ContractInvalid("line 4")
        _, *told = self.watched(GOOD, first, first, second, BAD, events=6)
        assert [each.error for each in told if isinstance(each, Trouble)] == [first, second, None]
        assert [each.clause for each in told if isinstance(each, Change)] == ["b", "c"]

    def test_one_that_never_was_valid_is_not_watched(self) -> None:
        with pytest.raises(ContractInvalid):
            self.watched(ContractInvalid("line 3"), events=1)


def test_the_events_of_waiting_need_no_listener() -> None:
    clock = Clock()
    assert not check_until_kept(Checks(BAD), Asked(), seconds=2, emit=ignore, clock=clock, sleep=clock.sleep).kept
