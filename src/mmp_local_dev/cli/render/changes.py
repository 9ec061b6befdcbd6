"""How the changes of a contract are shown: as text, Markdown, JUnit's XML, and to GitHub Actions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click

from mmp_local_dev.cli.render.github import annotation, markdown
from mmp_local_dev.cli.render.junit import Case, document
from mmp_local_dev.cli.render.words import say
from mmp_local_dev.contract.compare.changes import Change, Weight
from mmp_local_dev.contract.compare.ruleset import Rule
from mmp_local_dev.operations.diff import Comparison

_COLOURS = {Weight.ERR: "red", Weight.WARN: "yellow", Weight.INFO: "cyan", Weight.NONE: "white"}

Write = Callable[[Comparison, Sequence[Change]], None]


def say_text(found: Comparison, failing: Sequence[Change]) -> None:
    """The changes by section, who uses what, then the verdict."""
    say(click.style(f"{os.path.relpath(found.file)} against {found.baseline}", dim=True), err=True)
    for section, changes in _by_section(found):
        say(click.style(section, bold=True))
        for change in changes:
            aside = click.style(f"  {_aside(found, change)}", dim=True)
            say(f"  {mark(change.severity)} {change.text}{aside}")
    passed = [each for each in _breaking(found) if each not in failing]
    if passed and found.consumers is not None and not any(each.users for each in passed):
        say(f"No known consumer uses what {len(passed)} ERR change.")
    for note in found.diff.notes:
        say(f"{click.style('Note:', fg='yellow')} {note}", err=True)
    say(f"{_counts(found)}{found.diff.verdict}.")


def _by_section(found: Comparison) -> Iterator[tuple[str, Iterator[Change]]]:
    return groupby(found.diff.changes, key=lambda change: change.section)


def _breaking(found: Comparison) -> list[Change]:
    return [change for change in found.diff.changes if change.severity is Weight.ERR and not change.waived]


def mark(severity: Weight) -> str:
    """A change's severity, in colour and four characters wide."""
    return click.style(f"{severity.name:<4}", fg=_COLOURS[severity])


def _aside(found: Comparison, change: Change) -> str:
    """What stands behind a change: its rule, who uses it, and what its waiver says."""
    said = [change.rule]
    if found.consumers is not None and change.severity >= Weight.WARN and not change.is_of_version:
        said.append(f"used by {', '.join(change.users)}" if change.users else "no known user")
    if change.waived:
        said.append(f"waived: {change.waived}")
    return "; ".join([*said, *filter(None, [change.note])])


def _counts(found: Comparison) -> str:
    severities = [change.severity for change in found.diff.changes]
    counts = [f"{severities.count(weight)} {weight.name}" for weight in reversed(Weight) if weight in severities]
    return f"{', '.join(counts)}. " if counts else ""


def print_markdown(found: Comparison, _failing: Sequence[Change]) -> None:
    """A heading with the verdict, and a table."""
    say(_table(found))


def _table(found: Comparison) -> str:
    head = [f"### {markdown(f'Contract {found.diff.contract}: {found.diff.verdict}')}", "", markdown(found.baseline)]
    table = ["", "| severity | change | id | users |", "| --- | --- | --- | --- |", *map(_row, found.diff.changes)]
    notes = ["", *(f"- {markdown(note)}" for note in found.diff.notes)]
    return "\n".join([*head, *(table if found.diff.changes else []), *(notes if found.diff.notes else [])])


def _row(change: Change) -> str:
    aside = f" (waived: {change.waived})" if change.waived else f" ({change.note})" if change.note else ""
    users = ", ".join(change.users)
    cells = (
        change.severity.name,
        markdown(change.text + aside),
        f"<code>{markdown(change.id)}</code>",
        markdown(users),
    )
    return f"| {' | '.join(cells)} |"


def print_junit(found: Comparison, failing: Sequence[Change]) -> None:
    """A suite for each section, or one with a case that passes: for many readers no case is a failure."""
    suites = {section: [_case(each, failing) for each in changes] for section, changes in _by_section(found)}
    whole = {"contract": [Case(found.diff.contract, "contract", text=found.diff.verdict)]}
    properties = {"contract": found.diff.contract, "old": found.diff.old, "new": found.diff.new}
    name = f"contract diff {found.diff.contract}"
    say(document(name, suites or whole, began=f"{found.diff.as_of}T00:00:00", properties=properties), nl=False)


def _case(change: Change, failing: Sequence[Change]) -> Case:
    aside = [f"waived: {change.waived}"] if change.waived else []
    text = "\n".join([f"{change.severity.name}: {change.text}", *aside, *filter(None, [change.note])])
    return Case(change.id, change.rule, 0.0, "failure" if change in failing else "", change.text, text)


def print_github(found: Comparison, failing: Sequence[Change]) -> None:
    """An annotation for each change that is more than told, where it stands in the new file; and the step's summary."""
    file = os.path.relpath(found.file, os.environ.get("GITHUB_WORKSPACE") or None)
    for change in found.diff.changes:
        if change in failing or change.severity >= Weight.WARN:
            level = "error" if change in failing else "warning"
            say(annotation(level, change.text, file=file, line=change.new_line, title=change.id))
    say(f"{_counts(found)}{found.diff.verdict}.")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(f"{_table(found)}\n\n")


FORMATS: Mapping[str, Write] = {
    "text": say_text,
    "markdown": print_markdown,
    "junit": print_junit,
    "github": print_github,
}


def say_rules(rules: Sequence[Rule]) -> None:
    """A line for each rule."""
    for rule in rules:
        say(f"{mark(rule.severity)} {rule.id:<40} {rule.meaning}{click.style(_mirror(rule), dim=True)}")


def _mirror(rule: Rule) -> str:
    return f"  (taken back: {rule.mirror})" if rule.mirror not in ("", rule.id) else ""
