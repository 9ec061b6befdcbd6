"""The difference between two versions of a contract: every change, weighed, and the version that is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from mmp_local_dev.contract.compare import (
    rules_document,
    rules_feast,
    rules_fixtures,
    rules_levels,
    rules_mlflow,
    rules_reserved,
    rules_services,
    rules_tables,
    rules_variables,
)
from mmp_local_dev.contract.compare.changes import Bump, Change, Uses, Weight, users
from mmp_local_dev.contract.compare.policy import Due, due, version_changes
from mmp_local_dev.contract.compare.ruleset import BUMPS, Rule, rules
from mmp_local_dev.contract.model import Contract, Severity, Stability
from mmp_local_dev.contract.waivers import Waivers

Rules = Callable[[Contract, Contract, date], Iterator[Change]]

# In the order of the contract's sections.
_AREAS: Mapping[str, Rules] = {
    "contract": rules_document.changes,
    "env": rules_variables.changes,
    "services": rules_services.changes,
    "schema": rules_tables.changes,
    "feast": rules_feast.changes,
    "mlflow": rules_mlflow.changes,
    "fixtures": rules_fixtures.changes,
    "slaProperties": rules_levels.changes,
    "reserved": rules_reserved.changes,
}
SECTIONS = tuple(_AREAS)


@dataclass(frozen=True)
class Diff:
    """The changes from `old` to `new`, which are versions, in the order of sections and then of names.

    `due` is what the changes ask of the version; `notes` are words on waivers; `as_of` is the day of judgement.
    """

    contract: str
    old: str
    new: str
    changes: tuple[Change, ...]
    due: Due
    as_of: date
    notes: tuple[str, ...] = ()

    def failing(self, threshold: Weight | None = None, *, used_only: bool = False) -> tuple[Change, ...]:
        """The changes that fail, none of them waived: those that weigh `threshold` or more, whatever the version says.

        Without a threshold, what breaks fails unless the version tells it. With `used_only` changes without users pass;
        what is wrong with the version counts whoever uses what.
        """
        grave = [each for each in self.changes if each.severity >= (threshold or Weight.ERR) and not each.waived]
        if threshold is None and not any(change.is_of_version for change in grave):
            return ()
        return tuple(change for change in grave if change.users or not used_only or change.is_of_version)

    def used_by(self, uses: Uses) -> Diff:
        """The same with the users of each change; `uses` has what each consumer requires."""
        return replace(self, changes=tuple(replace(each, users=users(each, uses)) for each in self.changes))

    @property
    def verdict(self) -> str:
        """The last word: `1.2.0 -> 1.2.1, but 2.0.0 is due`."""
        wrong = any(change.is_of_version for change in self.changes)
        if self.due.bump is Bump.NOTHING and not wrong:
            return f"{self.old} -> {self.new}, nothing has changed"
        return f"{self.old} -> {self.new}, {f'but {self.due.version} is due' if wrong else 'as is due'}"

    def to_data(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "contract": self.contract,
            "old_version": self.old,
            "new_version": self.new,
            "required_bump": self.due.bump.name.lower(),
            "required_version": self.due.version,
            "verdict": self.verdict,
            "as_of": self.as_of.isoformat(),
            "changes": [change.to_data() for change in self.changes],
            "notes": list(self.notes),
        }


def diff(old: Contract, new: Contract, *, as_of: date, waivers: Waivers) -> Diff:
    """Every change from `old` to `new`, judged by the ruleset of `new` on the day `as_of`.

    A change that is waived is told and fails nothing, but the version has to tell it as any other. Raises InputError
    for a ruleset that this tool does not know.
    """
    table = rules(new.ruleset)
    changes = [_weighed(change, table[change.rule], waivers) for change in _found(old, new, as_of)]
    needed = due(old.version, changes)
    policy = version_changes(old.version, new.version, needed)
    changes = [*(_weighed(change, table[change.rule], waivers) for change in policy), *changes]
    return Diff(
        new.name or old.name,
        old.version,
        new.version,
        tuple(sorted(changes, key=_order)),
        needed,
        as_of,
        tuple(waivers.unmatched_changes(known for change in changes for known in (change.id, change.fingerprint))),
    )


def _found(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    was, now = rules_document.in_common_form(old, new)
    for changes in _AREAS.values():
        yield from changes(was, now, as_of)


def _weighed(change: Change, rule: Rule, waivers: Waivers) -> Change:
    severity = _severity(change, rule, waivers)
    bump = rule.bump if rule.bump and severity is rule.severity else BUMPS[severity]
    waiver, expired = (found(change.id, change.fingerprint) for found in (waivers.in_force, waivers.expired))
    return replace(
        change,
        severity=severity,
        bump=bump,
        direction=rule.direction,
        waived=waiver.reason if waiver else "",
        note=f"its waiver expired on {expired.expires}" if expired else "",
    )


def _severity(change: Change, rule: Rule, waivers: Waivers) -> Weight:
    """The rule's, unless the waivers file says another; of what is not stable, nothing is more than told."""
    strict = rule.strict if change.promised is Severity.ERROR else None
    severity = waivers.severities.get(change.rule)
    weight = Weight[severity] if severity else strict or rule.severity
    return weight if change.stability is Stability.STABLE else min(weight, Weight.INFO)


def _order(change: Change) -> tuple[int, str, str, str]:
    return SECTIONS.index(change.section), change.at, change.rule, change.text
