"""What `diff` promises whatever the contracts: nothing for one and the same, and the mirror image for the way back."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_strategies import SECTIONS, contracts
from mmp_local_dev.contract.compare.changes import Bump, Change, Weight
from mmp_local_dev.contract.compare.diff import Diff, diff
from mmp_local_dev.contract.compare.ruleset import rules
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.waivers import NONE

TODAY = date(2026, 6, 30)
RULES = rules(1)
days = st.sampled_from([date(2025, 1, 1), TODAY, date(2030, 1, 1)])
quick = settings(max_examples=40, deadline=None)


def between(old: Contract, new: Contract, as_of: date = TODAY) -> Diff:
    return diff(old, new, as_of=as_of, waivers=NONE)


def content(found: Diff) -> list[Change]:
    """Without what is said of the version, which has no mirror."""
    return [change for change in found.changes if RULES[change.rule].mirror]


def test_every_rule_has_its_mirror() -> None:
    mirrored = {id_: rule for id_, rule in RULES.items() if rule.mirror}
    assert {id_: RULES[rule.mirror].mirror for id_, rule in mirrored.items()} == {id_: id_ for id_ in mirrored}
    assert RULES.keys() - mirrored.keys() == {"version-not-bumped", "version-decreased", "version-insufficient"}


def test_a_rule_and_its_mirror_go_the_same_direction() -> None:
    assert [r.id for r in RULES.values() if r.mirror and RULES[r.mirror].direction != r.direction] == []


def test_what_is_taken_back_does_not_break_both_ways() -> None:
    """A change that breaks whichever way is neither narrower nor wider, so it is its own mirror."""
    both = {r.id for r in RULES.values() if r.mirror not in ("", r.id) and r.severity is RULES[r.mirror].severity}
    assert {each for each in both if RULES[each].severity is Weight.ERR} == set()


@pytest.mark.parametrize("section", SECTIONS)
@given(data=st.data(), as_of=days)
@quick
def test_nothing_has_changed_between_a_contract_and_itself(section: str, data: st.DataObject, as_of: date) -> None:
    contract = data.draw(contracts(section))
    found = between(contract, contract, as_of)
    assert found.changes == ()
    assert (found.due.bump, found.due.version) == (Bump.NOTHING, contract.version)


@pytest.mark.parametrize("section", SECTIONS)
@given(data=st.data(), as_of=days)
@quick
def test_the_way_back_is_the_mirror_image(section: str, data: st.DataObject, as_of: date) -> None:
    drawn = contracts(section) if section != "reserved" else contracts("reserved", "variables", "services")
    old, new = data.draw(drawn), data.draw(drawn)
    there, back = content(between(old, new, as_of)), content(between(new, old, as_of))
    assert sorted((RULES[c.rule].mirror, c.at, c.new, c.old, c.new_line, c.old_line) for c in there) == sorted(
        (c.rule, c.at, c.old, c.new, c.old_line, c.new_line) for c in back
    )
    for changes in (there, back):
        assert len({change.id for change in changes}) == len({change.fingerprint for change in changes}) == len(changes)
