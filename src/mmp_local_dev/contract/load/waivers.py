"""From `contract-waivers.yml` to Waivers, or to one error that names everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from mmp_local_dev.contract.compare.ruleset import NEWEST, rules
from mmp_local_dev.contract.load.document import Node, Problem, invalid, quoted
from mmp_local_dev.contract.load.form import WAIVERS, check_form, schema
from mmp_local_dev.contract.load.other_forms import UPGRADE, newer
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.source import text_of
from mmp_local_dev.contract.waivers import Waiver, Waivers

FILE = "contract-waivers.yml"


def load_waivers(path: Path, today: date) -> Waivers:
    """Read the waivers file at `path`, to be judged as of `today`; none where there is no such file.

    Raises ContractInvalid when it cannot be read or is no YAML within our limits, and when it is wrong in itself; the
    message then has one line `file:line: problem` for each problem.
    """
    if not path.exists():
        return Waivers(today=today)
    document, met = read(path.name, text_of(path))
    if problem := newer(document):
        raise invalid(path.name, [problem], repairs=[UPGRADE])
    if problems := problems_of(document, met):
        raise invalid(path.name, problems)
    return _build(document, today)


def problems_of(document: Node, met: list[Problem]) -> list[Problem]:
    """All problems of a waivers file; `met` are those that were met in reading it."""
    if problem := newer(document):
        return [problem]
    return [*met, *check_form(document, schema(WAIVERS))] or [*_agreement(document)]


def waivers_beside(contract: Path) -> Waivers:
    """The waivers in the folder of the contract file, as of today. Raises as `load_waivers`."""
    return load_waivers(contract.with_name(FILE), datetime.now(UTC).date())


def _agreement(document: Node) -> Iterator[Problem]:
    """What is wrong in a file that is of the form."""
    for rule, node in document.at("severities").members.items():
        yield from _rule_problem(rule, node.line, ("severities", rule))
    first: dict[str, int] = {}
    for index, item in enumerate(document.at("waivers").items):
        where, waived = ("waivers", f"[{index}]", "id"), item.at("id")
        if waived.text in first:
            yield Problem(waived.line, where, f"{quoted(waived.text)} is waived in line {first[waived.text]} already")
        first.setdefault(waived.text, waived.line)
        rule, bracket, _ = waived.text.partition("[")
        if bracket and "." not in rule:
            yield from _rule_problem(rule, waived.line, where)


def _rule_problem(rule: str, line: int, where: tuple[str, ...]) -> Iterator[Problem]:
    known = rules(NEWEST)
    if rule not in known:
        yield Problem(line, where, f"there is no rule {quoted(rule)}", rule, tuple(known))


def _build(document: Node, today: date) -> Waivers:
    waivers = [_waiver(item) for item in document.at("waivers").items]
    severities = document.at("severities").members
    return Waivers(
        {waiver.id: waiver for waiver in waivers}, today, {rule: node.text.upper() for rule, node in severities.items()}
    )


def _waiver(item: Node) -> Waiver:
    expires = date.fromisoformat(item.at("expires").text)
    return Waiver(item.at("id").text, item.at("reason").text, expires, item.line)
