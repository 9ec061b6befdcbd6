"""How the changes of a contract are shown: as text, Markdown, JUnit's XML, and to GitHub Actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import click

from mmp_local_dev.cli.render import github, junit
from mmp_local_dev.cli.render.people import say
from mmp_local_dev.contract.compare.changes import Change, Weight
from mmp_local_dev.contract.compare.ruleset import Rule
from mmp_local_dev.operations.diff import Comparison

_COLOURS = {Weight.ERR: "red", Weight.WARN: "yellow", Weight.INFO: "cyan", Weight.NONE: "white"}

Write = Callable[[Comparison, Sequence[Change]], None]


def say_text(found: Comparison, failing: Sequence[Change]) -> None:
    """The changes by section, who uses what, then the verdict."""
    say(click.style(f"{found.file} against {found.baseline}", dim=True), err=True)
    for section, changes in groupby(found.diff.changes, key=lambda change: change.section):
        say(click.style(section, bold=True))
        for change in changes:
            aside = click.style(f"  {_aside(found, change)}", dim=True)
            say(f"  {_mark(change.severity)} {change.text}{aside}")
    if passed := [each for each in _breaking(found) if each not in failing]:
        say(f"{len(passed)} ERR pass the gate, since no known consumer uses what they change.")
    for note in found.diff.notes:
        say(f"{click.style('Note:', fg='yellow')} {note}", err=True)
    say(f"{_counts(found)}{found.diff.verdict}.")


def _breaking(found: Comparison) -> list[Change]:
    return [change for change in found.diff.changes if change.severity is Weight.ERR and not change.waived]


def _mark(severity: Weight) -> str:
    return click.style(f"{severity.name:<4}", fg=_COLOURS[severity])


def _aside(found: Comparison, change: Change) -> str:
    """What stands behind a change: its rule, who uses it, and what its waiver says."""
    said = [change.rule]
    if found.consumers is not None and change.severity >= Weight.WARN:
        said.append(f"used by {', '.join(change.users)}" if change.users else "no known user")
    if change.waived:
        said.append(f"waived: {change.waived}")
    return "; ".join([*said, *filter(None, [change.note])])


def _counts(found: Comparison) -> str:
    severities = [change.severity for change in found.diff.changes]
    counts = [f"{severities.count(weight)} {weight.name}" for weight in reversed(Weight) if weight in severities]
    return f"{', '.join(counts)}. " if counts else ""


def print_markdown(found: Comparison, _failing: Sequence[Change]) -> None:
    """A heading, a table and the verdict."""
    click.echo(markdown(found))


def markdown(found: Comparison) -> str:
    """The same as text."""
    head = [f"### Contract {found.diff.contract}: {found.diff.verdict}", "", f"Against {_cell(found.baseline)}."]
    table = ["", "| severity | change | rule | users |", "| --- | --- | --- | --- |", *map(_row, found.diff.changes)]
    notes = ["", *(f"- {_cell(note)}" for note in found.diff.notes)]
    return "\n".join([*head, *(table if found.diff.changes else []), *(notes if found.diff.notes else [])])


def _row(change: Change) -> str:
    aside = f" (waived: {change.waived})" if change.waived else f" ({change.note})" if change.note else ""
    cells = (change.severity.name, f"{change.text}{aside}", f"`{change.id}`", ", ".join(change.users))
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\r", " ").replace("\n", " ")


def print_junit(found: Comparison, failing: Sequence[Change]) -> None:
    """One case for each change, or one that passes where nothing has changed: for many readers no case is a failure."""
    cases = [_case(change, failed=change in failing) for change in found.diff.changes]
    unchanged = junit.Case("contract", "contract", output=found.diff.verdict)
    click.echo(junit.document(f"contract diff {found.diff.contract}", cases or [unchanged]))


def _case(change: Change, *, failed: bool) -> junit.Case:
    told = f"{change.severity.name}: {change.text}"
    said = "\n".join(filter(None, [told, change.waived and f"waived: {change.waived}", change.note]))
    if failed:
        return junit.Case(change.id, change.section, "failure", change.text, said)
    return junit.Case(change.id, change.section, output=said)


def print_github(found: Comparison, failing: Sequence[Change]) -> None:
    """An annotation for each change that is more than told, where it stands in the new file; and the step's summary."""
    for change in found.diff.changes:
        if change in failing or change.severity >= Weight.WARN:
            level: github.Level = "error" if change in failing else "warning"
            github.annotate(level, change.text, title=change.rule, file=found.file, line=change.new_line)
    github.summarize(markdown(found))
    say(found.diff.verdict, err=True)


FORMATS: Mapping[str, Write] = {
    "text": say_text,
    "markdown": print_markdown,
    "junit": print_junit,
    "github": print_github,
}


def say_rules(rules: Sequence[Rule]) -> None:
    """A line for each rule."""
    for rule in rules:
        say(f"{_mark(rule.severity)} {rule.id:<40} {rule.meaning}{click.style(_mirror(rule), dim=True)}")


def _mirror(rule: Rule) -> str:
    return f"  (taken back: {rule.mirror})" if rule.mirror not in ("", rule.id) else ""
