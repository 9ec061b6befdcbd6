"""Whether a contract is kept: every clause once, in parallel, causes before what hangs on them.

`up`, `check` and the tests of consumers call this one function.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime

from mmp_local_dev.contract.clauses.base import Clause, ClauseBroken, ClauseSkipped, ClauseUndecided, S
from mmp_local_dev.contract.model import Contract, Severity
from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.contract.waivers import NONE, Waivers
from mmp_local_dev.errors import MmpError, Repair

_PARALLEL = 8


def verify(
    contract: Contract,
    subject: S,
    clauses: Sequence[Clause[S]],
    *,
    mode: str = "live",
    timeout: float = 10,
    waivers: Waivers = NONE,
) -> Report:
    """Check each of `clauses` against `subject`; each gets about `timeout` seconds. A cause that is not among them is
    taken to be kept."""
    began, clock = datetime.now(UTC), time.monotonic()
    findings: dict[str, Finding] = {}

    def check(clause: Clause[S]) -> Finding:
        return waivers.applied_to(check_clause(clause, contract, subject, timeout))

    _run([clause for clause in clauses if not clause.alone], check, contract, findings, parallel=_PARALLEL)
    _run([clause for clause in clauses if clause.alone], check, contract, findings, parallel=1)
    return Report(
        contract.name,
        contract.version,
        tuple(findings[clause.id] for clause in clauses),
        mode,
        began.isoformat(timespec="seconds"),
        round(time.monotonic() - clock, 4),
    )


def _run(
    clauses: Sequence[Clause[S]],
    check: Callable[[Clause[S]], Finding],
    contract: Contract,
    findings: dict[str, Finding],
    *,
    parallel: int,
) -> None:
    """Add the findings of these clauses to `findings`, so many at a time."""
    waiting = list(clauses)
    asked = {clause.id for clause in clauses}
    running: dict[Future[Finding], Clause[S]] = {}
    with ThreadPoolExecutor(parallel, thread_name_prefix="clause") as pool:
        while waiting or running:
            for clause in list(waiting):
                if all(cause in findings or cause not in asked for cause in clause.causes):
                    waiting.remove(clause)
                    if held_back := check_causes(clause, contract, findings):
                        findings[clause.id] = held_back
                    else:
                        running[pool.submit(check, clause)] = clause
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                findings[running.pop(future).id] = future.result()


def check_causes(clause: Clause[S], contract: Contract, findings: Mapping[str, Finding]) -> Finding | None:
    """The finding of a clause that cannot be judged, since `findings` has a cause of it that is not kept; None if none
    is."""
    for cause in clause.causes:
        found = findings.get(cause)  # None: not asked for
        if found is None or found.outcome is Outcome.PASSED:
            continue
        root = found.cause or cause
        if found.outcome in (Outcome.FAILED, Outcome.BLOCKED, Outcome.UNKNOWN):
            return replace(_finding(clause, contract, Outcome.BLOCKED, f"waits for {root}"), cause=root)
        if found.outcome is Outcome.WARNING or found.cause:
            return replace(_finding(clause, contract, Outcome.SKIPPED, f"hangs on {root}, which is broken"), cause=root)
    return None


def check_clause(clause: Clause[S], contract: Contract, subject: S, timeout: float) -> Finding:
    """Check one clause, whatever it hangs on."""
    began = time.monotonic()
    found = _checked(clause, contract, subject, timeout)
    return replace(
        found,
        message=subject.redact(found.message),
        expected=subject.redact(found.expected),
        actual=subject.redact(found.actual),
        repairs=tuple(Repair(subject.redact(each.command), subject.redact(each.description)) for each in found.repairs),
        seconds=round(time.monotonic() - began, 4),
    )


def _checked(clause: Clause[S], contract: Contract, subject: S, timeout: float) -> Finding:
    try:
        seen = clause.check(subject, timeout)
    except ClauseSkipped as skipped:
        return _finding(clause, contract, Outcome.SKIPPED, str(skipped))
    except ClauseUndecided as undecided:
        return _finding(clause, contract, Outcome.UNKNOWN, str(undecided))
    except ClauseBroken as broken:
        outcome = Outcome.FAILED if clause.severity is Severity.ERROR else Outcome.WARNING
        found = _finding(clause, contract, outcome, broken.message)
        return replace(found, expected=broken.expected, actual=broken.actual, repairs=broken.repairs)
    except Exception as error:  # the boundary: whatever else happens, the clause was not found out
        text = f"could not be checked: {type(error).__name__}: {error}"
        repairs = error.repairs if isinstance(error, MmpError) else ()
        return replace(_finding(clause, contract, Outcome.UNKNOWN, text), repairs=repairs)
    return replace(_finding(clause, contract, Outcome.PASSED), actual=seen or "")


def _finding(clause: Clause[S], contract: Contract, outcome: Outcome, message: str = "") -> Finding:
    return Finding(
        clause.id,
        outcome,
        contract.declared(clause.line),
        message,
        section=clause.section,
        service=clause.service,
        severity=clause.severity,
    )
