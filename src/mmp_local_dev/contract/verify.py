"""Whether a contract is kept: every clause once, in parallel, causes before what hangs on them.

`up`, `check` and the tests of consumers call this one function.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from mmp_local_dev.contract.clauses import Clause, ClauseBroken, ClauseSkipped, clauses_of
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair

_PARALLEL = 8


class Outcome(StrEnum):
    """What became of a clause. `unknown`: it could not be found out. `blocked`: a cause of it failed."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One clause's result. `cause` is the id of the clause that blocked it; `declared` is where it is promised."""

    clause: str
    outcome: Outcome
    declared: str
    message: str = ""
    expected: str = ""
    actual: str = ""
    repairs: tuple[Repair, ...] = ()
    cause: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """The results of one verification, in the contract's order."""

    contract: str
    version: str
    findings: tuple[Finding, ...]

    def count(self, outcome: Outcome) -> int:
        """How many clauses ended so."""
        return sum(finding.outcome is outcome for finding in self.findings)

    @property
    def kept(self) -> bool:
        """Whether every clause passed or was optional. False when no clause was checked at all."""
        checked = self.count(Outcome.PASSED)
        return checked > 0 and checked + self.count(Outcome.SKIPPED) == len(self.findings)

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
                    "repairs": tuple(Repair(**repair) for repair in finding["repairs"]),
                }
            )
            for finding in data["findings"]
        ]
        return cls(data["contract"], data["version"], tuple(findings))

    @property
    def exit_code(self) -> int:
        """0 kept, 1 broken, 3 could not be found out."""
        if self.count(Outcome.FAILED):
            return 1
        return 0 if self.kept else 3


def verify(
    contract: Contract, env: Environment, *, services: Sequence[str] | None = None, timeout: float = 10
) -> Report:
    """Check every clause, or those that concern `services` and variables; each gets about `timeout` seconds."""
    clauses = [c for c in clauses_of(contract) if services is None or not c.service or c.service in services]
    findings = _run(clauses, contract, env, timeout)
    return Report(contract.name, contract.version, tuple(findings[clause.id] for clause in clauses))


def _run(clauses: Sequence[Clause], contract: Contract, env: Environment, timeout: float) -> dict[str, Finding]:
    findings: dict[str, Finding] = {}
    waiting = list(clauses)
    asked = {clause.id for clause in clauses}
    running: dict[Future[Finding], str] = {}
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="clause") as pool:
        while waiting or running:
            for clause in list(waiting):
                if all(cause in findings or cause not in asked for cause in clause.causes):
                    waiting.remove(clause)
                    blocked = _blocked(clause, contract, findings)
                    if blocked:
                        findings[clause.id] = blocked
                    else:
                        running[pool.submit(_check, clause, contract, env, timeout)] = clause.id
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                findings[running.pop(future)] = future.result()
    return findings


def _blocked(clause: Clause, contract: Contract, findings: Mapping[str, Finding]) -> Finding | None:
    for cause in clause.causes:
        found = findings.get(cause)  # None: not asked for
        if found and found.outcome in (Outcome.FAILED, Outcome.BLOCKED, Outcome.UNKNOWN):
            root = found.cause or cause
            return Finding(
                clause.id,
                Outcome.BLOCKED,
                contract.declared(clause.line),
                message=f"waits for {root}",
                cause=root,
            )
    return None


def _check(clause: Clause, contract: Contract, env: Environment, timeout: float) -> Finding:
    began = time.monotonic()
    declared = contract.declared(clause.line)

    def finding(outcome: Outcome, message: str = "", **more: object) -> Finding:
        seconds = round(time.monotonic() - began, 4)
        return Finding(clause.id, outcome, declared, env.redact(message), seconds=seconds, **more)  # type: ignore[arg-type]

    try:
        clause.check(env, timeout)
    except ClauseSkipped as skipped:
        return finding(Outcome.SKIPPED, str(skipped))
    except ClauseBroken as broken:
        return finding(
            Outcome.FAILED,
            broken.message,
            expected=env.redact(broken.expected),
            actual=env.redact(broken.actual),
            repairs=broken.repairs,
        )
    except Exception as error:  # the boundary: whatever else happens, the clause was not found out
        return finding(Outcome.UNKNOWN, f"could not be checked: {type(error).__name__}: {error}")
    return finding(Outcome.PASSED)
