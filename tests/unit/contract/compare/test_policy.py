"""Which version is due, and what is said of one that will not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from mmp_local_dev.contract.compare.changes import Bump, Weight
from mmp_local_dev.contract.compare.diff import Diff, diff
from mmp_local_dev.contract.model import Contract, Variable, VariableType
from mmp_local_dev.contract.waivers import Waiver, Waivers
from mmp_local_dev.errors import InputError

TODAY = date(2026, 6, 30)
BARE = Contract(Path("dev-contract.yml"), "one", "1.2.3", "mmp.dev/v2", {}, {})
ONE = replace(BARE, variables={"A": Variable("A", VariableType.STRING, default="1")})
OTHER_DEFAULT = replace(BARE, variables={"A": Variable("A", VariableType.STRING, default="2")})
REMOVED = "env-removed[A]"


def between(
    old: Contract, new: Contract, was: str = "1.2.3", now: str = "9.0.0", waivers: Waivers | None = None
) -> Diff:
    versions = replace(old, version=was), replace(new, version=now)
    return diff(*versions, as_of=TODAY, waivers=waivers or Waivers(today=TODAY))


def waived(id_: str, expires: date = TODAY) -> Waivers:
    return Waivers({id_: Waiver(id_, "agreed with all", expires, line=3)}, TODAY)


@pytest.mark.parametrize(
    ("was", "major", "minor", "patch"),
    [
        ("1.2.3", "2.0.0", "1.3.0", "1.2.4"),
        ("1.9.9", "2.0.0", "1.10.0", "1.9.10"),
        ("1.0", "2.0.0", "1.1.0", "1.0.1"),
        ("0.3.1", "0.4.0", "0.3.2", "0.3.2"),
    ],
)
def test_the_version_that_is_due(was: str, major: str, minor: str, patch: str) -> None:
    assert between(ONE, BARE, was).due.version == major
    assert between(BARE, ONE, was).due.version == minor
    assert between(ONE, OTHER_DEFAULT, was).due.version == patch
    assert between(ONE, ONE, was).due.version == was


@pytest.mark.parametrize(
    ("old", "new", "now", "rules"),
    [
        (ONE, BARE, "1.2.3", {"version-not-bumped"}),
        (ONE, BARE, "1.2.4", {"version-insufficient"}),
        (ONE, BARE, "1.10.0", {"version-insufficient"}),
        (ONE, BARE, "1.2.2", {"version-decreased"}),
        (ONE, BARE, "2.0.0", set()),
        (ONE, BARE, "2.0", set()),
        (ONE, BARE, "3.1.4", set()),
        (ONE, OTHER_DEFAULT, "1.2.3", {"version-not-bumped"}),
        (ONE, ONE, "1.2.3", set()),
        (ONE, ONE, "1.3.0", set()),
        (ONE, ONE, "1.2.2", {"version-decreased"}),
    ],
)
def test_a_version_that_will_not_do_is_an_error(old: Contract, new: Contract, now: str, rules: set[str]) -> None:
    found = [change for change in between(old, new, now=now).changes if change.rule.startswith("version-")]
    assert {change.rule for change in found} == rules
    assert all(change.severity is Weight.ERR for change in found)


def test_the_verdict_names_the_version_that_is_due() -> None:
    assert between(ONE, BARE, now="1.2.4").verdict == "1.2.3 -> 1.2.4, but 2.0.0 is due"
    assert between(ONE, BARE, now="2.0.0").verdict == "1.2.3 -> 2.0.0, as is due"
    assert between(ONE, ONE, now="1.2.3").verdict == "1.2.3 -> 1.2.3, nothing has changed"


def test_versions_compare_as_versions() -> None:
    assert not between(ONE, ONE, "1.9.0", "1.10.0").failing()


class TestSeverities:
    def test_another_severity_is_another_verdict(self) -> None:
        waivers = Waivers(today=TODAY, severities={"env-removed": "INFO"})
        found = between(ONE, BARE, now="1.3.0", waivers=waivers)
        assert (found.due.bump, found.failing()) == (Bump.MINOR, ())

    def test_none_asks_for_a_patch_only(self) -> None:
        found = between(ONE, BARE, waivers=Waivers(today=TODAY, severities={"env-removed": "NONE"}))
        assert found.due.version == "1.2.4"

    def test_the_version_s_own_rules_can_be_turned_down(self) -> None:
        waivers = Waivers(today=TODAY, severities={"version-not-bumped": "WARN"})
        assert not between(BARE, ONE, now="1.2.3", waivers=waivers).failing()


class TestWaivers:
    @pytest.mark.parametrize("by_fingerprint", [False, True])
    def test_a_waived_change_fails_nothing_and_is_told(self, *, by_fingerprint: bool) -> None:
        (change,) = between(ONE, BARE).changes
        waivers = waived(change.fingerprint if by_fingerprint else REMOVED)
        found = between(ONE, BARE, waivers=waivers)
        assert found.failing(Weight.ERR) == ()
        assert found.changes[0].waived == "agreed with all"

    def test_the_version_still_has_to_tell_it(self) -> None:
        found = between(ONE, BARE, now="1.2.4", waivers=waived(REMOVED))
        assert found.due.version == "2.0.0"
        assert [change.rule for change in found.failing()] == ["version-insufficient"]

    def test_an_expired_waiver_is_told_and_has_no_effect(self) -> None:
        found = between(ONE, BARE, waivers=waived(REMOVED, date(2026, 6, 29)))
        (change,) = found.failing(Weight.ERR)
        assert change.note == "its waiver expired on 2026-06-29"

    def test_a_waiver_of_nothing_is_told(self) -> None:
        found = between(ONE, BARE, waivers=waived("env-removed[B]"))
        assert found.notes == ("the waiver of env-removed[B] (line 3) matches nothing; remove it",)

    def test_a_waiver_of_a_clause_is_for_check(self) -> None:
        assert between(ONE, BARE, waivers=waived("service.ready[redis]")).notes == ()


class TestGate:
    def test_what_breaks_fails_unless_the_version_tells_it(self) -> None:
        assert between(ONE, BARE, now="2.0.0").failing() == ()
        failing = between(ONE, BARE, now="1.3.0").failing()
        assert [change.rule for change in failing] == ["version-insufficient", "env-removed"]
        assert [change.rule for change in between(ONE, BARE, now="2.0.0").failing(Weight.ERR)] == ["env-removed"]

    def test_only_what_is_used_fails_where_the_gate_is_consumers(self) -> None:
        used = between(ONE, BARE).used_by({"pipeline": {("env", "A")}, "other": {("env", "B")}})
        unused = between(ONE, BARE).used_by({"other": {("env", "B")}})
        assert used.changes[0].users == ("pipeline",)
        assert len(used.failing(Weight.ERR, used_only=True)) == len(unused.failing(Weight.ERR)) == 1
        assert unused.failing(Weight.ERR, used_only=True) == ()

    def test_the_version_is_due_whoever_listens(self) -> None:
        found = between(ONE, BARE, now="1.2.4").used_by({})
        assert [change.rule for change in found.failing(Weight.ERR, used_only=True)] == ["version-insufficient"]

    def test_warnings_fail_where_asked(self) -> None:
        optional = replace(BARE, variables={"A": Variable("A", VariableType.STRING, required=False)})
        assert between(optional, BARE).failing() == ()
        assert len(between(optional, BARE).failing(Weight.WARN)) == 1


def test_an_unknown_ruleset_is_refused() -> None:
    with pytest.raises(InputError, match="knows ruleset 1, not 7"):
        between(BARE, replace(BARE, ruleset=7))
