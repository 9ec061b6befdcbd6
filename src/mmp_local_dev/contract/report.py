"""What became of a contract's clauses, as data: what `verify` answers and everything that reports reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from mmp_local_dev.contract.model import Severity
from mmp_local_dev.errors import Repair


class Outcome(StrEnum):
    """What became of a clause.

    `warning`: broken, but waived or of that severity. `blocked`: a cause of it failed. `skipped`: optional and absent,
    or its cause is waived. `unknown`: it could not be found out.
    """

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One clause's result.

    `declared` is where it is promised (`dev-contract.yml:12`); `cause` is the id of the clause that blocked it;
    `actual` is what was found, or seen when it passed; `waived` is the reason of a waiver that is in force.
    """

    clause: str
    outcome: Outcome
    declared: str
    message: str = ""
    expected: str = ""
    actual: str = ""
    repairs: tuple[Repair, ...] = ()
    cause: str = ""
    seconds: float = 0.0
    section: str = ""
    service: str = ""
    severity: Severity = Severity.ERROR
    waived: str = ""


@dataclass(frozen=True)
class Report:
    """The results of one verification, in the contract's order.

    `mode` is `live`, `static` or `compare`; `began` is the moment it began (ISO 8601, UTC), `seconds` how long it took.
    `selected` are the words by which a part of the contract was chosen; none when all of it was verified. `notes` are
    words on waivers.
    """

    contract: str
    version: str
    findings: tuple[Finding, ...]
    mode: str = "live"
    began: str = ""
    seconds: float = 0.0
    selected: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """How many clauses ended so."""
        return len(self.of(outcome))

    def of(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        """The findings that ended in one of these ways."""
        return tuple(finding for finding in self.findings if finding.outcome in outcomes)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What has to be repaired: the clauses that failed or stayed open by themselves."""
        return self.of(Outcome.FAILED, Outcome.UNKNOWN)

    def held_back_by(self, clause: str) -> tuple[Finding, ...]:
        """The findings of the clauses that could not be judged because of this one."""
        return tuple(finding for finding in self.findings if finding.cause == clause)

    @property
    def kept(self) -> bool:
        """Whether no clause failed or stayed open. False when no clause was checked at all."""
        checked = self.count(Outcome.PASSED) + self.count(Outcome.WARNING)
        return checked > 0 and checked + self.count(Outcome.SKIPPED) == len(self.findings)

    @property
    def exit_code(self) -> int:
        """0 kept, 1 broken, 3 could not be found out."""
        if self.count(Outcome.FAILED):
            return 1
        return 0 if self.kept else 3

    @property
    def verdict(self) -> str:
        """The exit code in a word: kept, broken or unknown."""
        return {0: "kept", 1: "broken", 3: "unknown"}[self.exit_code]

    def to_data(self) -> dict[str, Any]:
        """As JSON knows it: text, numbers, lists and mappings."""
        return {**asdict(self), "kept": self.kept}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Report:
        """The report that `to_data` was called on."""
        findings = [
            Finding(
                **{
                    **finding,
                    "outcome": Outcome(finding["outcome"]),
                    "severity": Severity(finding["severity"]),
                    "repairs": tuple(Repair(**repair) for repair in finding["repairs"]),
                }
            )
            for finding in data["findings"]
        ]
        told = {name: data[name] for name in ("contract", "version", "mode", "began", "seconds")}
        return cls(**told, findings=tuple(findings), selected=tuple(data["selected"]), notes=tuple(data["notes"]))
