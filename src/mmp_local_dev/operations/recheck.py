"""A check that is repeated: until the contract is kept, or for as long as somebody watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.errors import MmpError, NotReady
from mmp_local_dev.events import Emit, Waiting
from mmp_local_dev.operations.check import Asked
from mmp_local_dev.wait import wait_until

Check = Callable[[Asked], Report]
Clock = Callable[[], float]
Sleep = Callable[[float], None]

_PAUSE = 1.0
_OPEN = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.BLOCKED)


@dataclass(frozen=True)
class Change:
    """A clause ended otherwise than before; `before` or `after` is None where there was or is no such clause."""

    at: datetime
    clause: str
    before: Outcome | None
    after: Outcome | None
    message: str = ""


@dataclass(frozen=True)
class Trouble:
    """The contract cannot be checked any more because of `error`, or, with None, can be checked again."""

    at: datetime
    error: MmpError | None


def check_until_kept(
    check: Check,
    asked: Asked,
    *,
    seconds: float,
    emit: Emit,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> Report:
    """`check`, and again what is not kept together with what that hangs on, until all is kept or `seconds` are over.

    Raises what `check` raises, at once: waiting mends no contract.
    """
    began = clock()
    reports: list[Report] = []

    def probe() -> None:
        reports.append(_again(check, reports[-1], asked) if reports else check(asked))
        if waits_for := reports[-1].broken:
            if (left := began + seconds - clock()) > 0:
                emit(Waiting(waits_for[0].clause, left))
            raise NotReady(waits_for[0].message)

    with suppress(NotReady):
        wait_until(probe, timeout=seconds, interval=_PAUSE, clock=clock, sleep=sleep)
    return replace(reports[-1], seconds=round(clock() - began, 4)) if len(reports) > 1 else reports[0]


def watch(
    check: Check, asked: Asked, *, interval: float, sleep: Sleep = time.sleep
) -> Iterator[Report | Change | Trouble]:
    """The first report, then whatever becomes different, without end; `interval` is the pause between two checks.

    Contract and environment are read again each time. Raises what `check` raises, the first time only.
    """
    last = check(asked)
    yield last
    trouble = ""
    while True:
        sleep(interval)
        try:
            report = check(asked)
        except MmpError as error:
            if error.message != trouble:
                trouble = error.message
                yield Trouble(_now(), error)
            continue
        if trouble:
            trouble = ""
            yield Trouble(_now(), None)
        yield from _changes(last, report)
        last = report


def _again(check: Check, last: Report, asked: Asked) -> Report:
    """`last` with what is open in it checked again."""
    ids = tuple(finding.clause for finding in last.of(*_OPEN))
    fresh = {finding.clause: finding for finding in check(replace(asked, only=ids, sections=())).findings}
    return replace(last, findings=tuple(fresh.get(finding.clause, finding) for finding in last.findings))


def _changes(before: Report, after: Report) -> Iterator[Change]:
    old = {finding.clause: finding for finding in before.findings}
    new = {finding.clause: finding for finding in after.findings}
    for clause in [*new, *(clause for clause in old if clause not in new)]:
        was, now = old.get(clause), new.get(clause)
        if _outcome(was) is not _outcome(now):
            yield Change(_now(), clause, _outcome(was), _outcome(now), now.message if now else "")


def _outcome(finding: Finding | None) -> Outcome | None:
    return finding.outcome if finding else None


def _now() -> datetime:
    return datetime.now(UTC)
