"""The words, marks and figures that all of what people read has in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mmp_local_dev.errors import Repair

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Report

# Of each outcome, the weightiest first. The signs differ without colours, too.
SIGNS = {"failed": "✗", "unknown": "?", "blocked": "·", "warning": "!", "passed": "✓", "skipped": "-"}
VERDICTS = {"kept": "passed", "broken": "failed", "unknown": "unknown"}  # the outcome that each verdict is like
_STYLES = {"failed": "red", "unknown": "red", "blocked": "yellow", "warning": "yellow", "passed": "green"}
MARKS = {outcome: click.style(sign, fg=_STYLES.get(outcome)) for outcome, sign in SIGNS.items()}


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """One line on stdout, or with `err` on stderr; without colours where they are not wanted (no-color.org)."""
    click.echo(text, err=err, nl=nl, color=False if os.environ.get("NO_COLOR") else None)


def say_repairs(repairs: Sequence[Repair], *, err: bool = False, indent: str = "") -> None:
    """The ways out, one a line."""
    for repair in repairs:
        text = f"{repair.command}  ({repair.description})" if repair.command and repair.description else ""
        say(f"{indent}-> {text or repair.command or repair.description}", err=err)


def duration(seconds: float) -> str:
    """A time as people say it: `<1 ms`, `12 ms`, `1.2 s`, `90 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:,.0f} s"


def number(count: int, word: str) -> str:
    """`1 clause`, `2,000 clauses`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def tally(report: Report) -> dict[str, int]:
    """How many clauses ended in each way that occurs, the weightiest first."""
    from mmp_local_dev.contract.report import Outcome

    counts = {outcome: report.count(Outcome(outcome)) for outcome in SIGNS}
    return {outcome: count for outcome, count in counts.items() if count}


def counted(report: Report) -> str:
    """`2 failed, 12 blocked, 30 passed`."""
    words = (
        number(count, outcome) if outcome == "warning" else f"{count:,} {outcome}"
        for outcome, count in tally(report).items()
    )
    return ", ".join(words) or "no clause was checked"
