"""A report and its findings as text."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mmp_local_dev.cli.render.words import MARKS, counted, duration, number, say, say_repairs

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Finding, Report

_VERDICT_COLOURS = {"kept": "green", "broken": "red", "unknown": "yellow"}
_INDENT = "    "
_NAMED = 3  # how many of those that one clause blocks are named
_WIDEST = 120


def by_section(report: Report) -> dict[str, list[Finding]]:
    """The findings by the section of the contract that promises them, in the contract's order."""
    sections: dict[str, list[Finding]] = {}
    for finding in report.findings:
        sections.setdefault(finding.section or "other", []).append(finding)
    return sections


def story(finding: Finding) -> str:
    """All that a finding says, in plain lines."""
    lines = [finding.message, _evidence(finding), f"promised at {finding.declared}"]
    lines += [f"repair: {repair.command or repair.description}" for repair in finding.repairs]
    return "\n".join(line for line in lines if line)


def summary(report: Report) -> str:
    """The verdict in a sentence."""
    return _sentence(report, report.verdict)


def say_report(report: Report, *, verbose: bool = False) -> None:
    """The causes first, each with its repair and what it blocks, then the warnings; with `verbose` all others; the
    verdict last."""
    for finding in report.broken:
        _say_broken(finding)
        if held_back := report.held_back_by(finding.clause):
            say(click.style(f"{_INDENT}blocks {_some(held_back)}", dim=True))
    for finding in report.findings:
        if finding.outcome == "warning":
            _say_broken(finding)
    if verbose:
        for finding in report.findings:
            if finding.outcome in ("passed", "blocked", "skipped"):
                _say_line(finding)
    say_summary(report)


def say_summary(report: Report) -> None:
    """The verdict in a sentence, in its colour."""
    say(_sentence(report, click.style(report.verdict, fg=_VERDICT_COLOURS[report.verdict])))


def _say_broken(finding: Finding) -> None:
    say(f"{MARKS[finding.outcome]} {finding.clause}")
    _say_wrapped(finding.message)
    _say_wrapped(_evidence(finding))
    say(click.style(f"{_INDENT}promised at {finding.declared}", dim=True))
    say_repairs(finding.repairs, indent=_INDENT)


def _say_line(finding: Finding) -> None:
    told = finding.message or ", ".join(each for each in (finding.actual, duration(finding.seconds)) if each)
    say(f"{MARKS[finding.outcome]} {finding.clause}{click.style(f'  {told}', dim=True)}")


def _say_wrapped(text: str) -> None:
    """Indented, also where a terminal would break the line; a pipe gets each line whole. Nothing for no text."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else sys.maxsize
    indented = textwrap.TextWrapper(
        width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
    for line in text.splitlines():
        say(indented.fill(line))


def _evidence(finding: Finding) -> str:
    return f"expected: {finding.expected}; found: {finding.actual}" if finding.expected else ""


def _some(findings: Sequence[Finding]) -> str:
    named = ", ".join(finding.clause for finding in findings[:_NAMED])
    more = f" and {len(findings) - _NAMED:,} more" if len(findings) > _NAMED else ""
    return f"{number(len(findings), 'clause')}: {named}{more}"


def _sentence(report: Report, verdict: str) -> str:
    part = f" in what was asked for ({', '.join(report.selected)})" if report.selected else ""
    told = f"{counted(report)} in {duration(report.seconds)}"
    return f"Contract {report.contract} {report.version} is {verdict}{part}: {told}."
