"""How requirements of consumers are shown against contracts: what is needed, what is promised."""

from __future__ import annotations

from collections import Counter

import click

from mmp_local_dev.cli.render.words import MARKS, say, say_repairs
from mmp_local_dev.contract.lock import Answer
from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.operations.can_i_upgrade import Upgrade
from mmp_local_dev.operations.consumers import Verdict, Verification

_ANSWERS = {
    Answer.YES: click.style("✓ yes    ", fg="green"),
    Answer.NO: click.style("✗ no     ", fg="red"),
    Answer.UNKNOWN: click.style("? unknown", fg="yellow"),
}
_TOLD = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.WARNING)


def say_verification(result: Verification) -> None:
    """Each consumer with what is in its way, then the count and where the results are."""
    for verdict in result.verdicts:
        _say_verdict(verdict)
    counted = Counter(verdict.answer for verdict in result.verdicts)
    counts = ", ".join(f"{count} {answer}" for answer, count in counted.items()) or "no consumers"
    pending = sum(verdict.pending for verdict in result.verdicts)
    say(f"Contract {result.contract} {result.version}: {counts}{f', {pending} of them pending' if pending else ''}.")
    if result.written:
        say(f"Results: {result.lock}", err=True)


def _say_verdict(verdict: Verdict) -> None:
    note = "  pending: these requirements have never passed" if verdict.pending else ""
    name = f"{verdict.consumer} {verdict.version}".strip()
    say(f"{_ANSWERS[verdict.answer]} {name}{click.style(note, fg='red')}")
    _say_report(verdict.report)


def say_upgrade(result: Upgrade) -> None:
    """What is in the way, then the answer and what to do next."""
    for report in result.reports:
        _say_report(report)
    if not result.reports:
        for clause in result.because:
            say(f"  {MARKS[Outcome.FAILED]} {clause}")
    say(f"{_ANSWERS[result.answer]} {result.consumer} to contract {result.version}: {result.message}")
    say_repairs(result.repairs, err=True)


def _say_report(report: Report) -> None:
    for finding in report.findings:
        if finding.outcome in _TOLD:
            _say_finding(finding)
    if blocked := report.count(Outcome.BLOCKED):
        say(click.style(f"  and {blocked} more that wait for these", dim=True))


def _say_finding(finding: Finding) -> None:
    say(f"  {MARKS[finding.outcome]} {finding.clause}")
    say(f"      {finding.message}")
    if finding.expected:
        say(f"      needed: {finding.expected}; promised: {finding.actual}")
    say(click.style(f"      needed at {finding.declared}", dim=True))
    say_repairs(finding.repairs, indent="      ")
