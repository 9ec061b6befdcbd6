"""Waivers: what is known to be broken, why that is borne with, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from mmp_local_dev.contract.report import Finding, Outcome


@dataclass(frozen=True)
class Waiver:
    """One broken clause or change that is borne with up to and including the day `expires`.

    `id` is the id of a clause (`service.version[redis]`), or the id or fingerprint of a change.
    """

    id: str
    reason: str
    expires: date
    line: int = 0

    @property
    def is_of_clause(self) -> bool:
        """Whether its id is a clause's, which has a dot before its subject, and not a change's."""
        return "." in self.id.partition("[")[0]


@dataclass(frozen=True)
class Waivers:
    """The waivers of one file, judged as of the day `today`; `severities` overrides those of changes, by rule id."""

    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    today: date = date.min
    severities: Mapping[str, str] = field(default_factory=dict)

    def in_force(self, *ids: str) -> Waiver | None:
        """The waiver of the first of these ids that has one, if it has not expired."""
        found = self._of(*ids)
        return found if found and self.today <= found.expires else None

    def expired(self, *ids: str) -> Waiver | None:
        """The waiver of the first of these ids that has one, if it has expired."""
        found = self._of(*ids)
        return found if found and self.today > found.expires else None

    def unmatched_changes(self, known: Iterable[str]) -> Iterator[str]:
        """A word on each waiver of a change that is not among these ids and fingerprints."""
        met = set(known)
        unmet = (each for each in self.waivers.values() if not each.is_of_clause and each.id not in met)
        return (f"the waiver of {each.id} (line {each.line}) matches nothing; remove it" for each in unmet)

    def unmatched_clauses(self, known: Iterable[str]) -> Iterator[str]:
        """A word on each waiver of a clause that is not among these ids."""
        met = set(known)
        unmet = (each for each in self.waivers.values() if each.is_of_clause and each.id not in met)
        return (
            f"the waiver of {each.id} (line {each.line}) names no clause of the contract; remove it" for each in unmet
        )

    def applied_to(self, finding: Finding) -> Finding:
        """`finding` as a warning where it failed and is waived; with a word on a waiver that has expired."""
        if finding.outcome is not Outcome.FAILED:
            return finding
        if waiver := self.in_force(finding.clause):
            message = f"{finding.message} (waived until {waiver.expires}: {waiver.reason})"
            return replace(finding, outcome=Outcome.WARNING, message=message, waived=waiver.reason)
        if waiver := self.expired(finding.clause):
            return replace(finding, message=f"{finding.message} (its waiver expired on {waiver.expires})")
        return finding

    def _of(self, *ids: str) -> Waiver | None:
        return next((self.waivers[each] for each in ids if each in self.waivers), None)


NONE = Waivers()
