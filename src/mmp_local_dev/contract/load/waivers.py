"""From `contract-waivers.yml` to Waivers, or to one error that names everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from mmp_local_dev.contract.load.document import Node, Problem, invalid
from mmp_local_dev.contract.load.form import WAIVERS, check_form, schema
from mmp_local_dev.contract.load.other_forms import UPGRADE, newer
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.source import text_of
from mmp_local_dev.contract.waivers import Waiver, Waivers


def load_waivers(path: Path, *, today: date) -> Waivers:
    """Read the waivers at `path`, to be judged as of `today`.

    Raises ContractInvalid when there is no such file, when it cannot be read or is no YAML within our limits, and when
    it is of another form; the message then has one line `file:line: problem` for each problem.
    """
    document, met = read(path.name, text_of(path))
    if problem := newer(document):
        raise invalid(path.name, [problem], repairs=[UPGRADE])
    problems = [*met, *check_form(document, schema(WAIVERS))]
    if problems := problems or list(_twice(document)):
        raise invalid(path.name, problems)
    severities = {rule: node.text for rule, node in document.at("severities").members.items()}
    return Waivers({waiver.id: waiver for waiver in _waivers(document)}, today, severities)


def _waivers(document: Node) -> Iterator[Waiver]:
    for item in document.at("waivers").items:
        expires = date.fromisoformat(item.at("expires").text)
        yield Waiver(item.at("id").text, item.at("reason").text, expires, item.line)


def _twice(document: Node) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for item in document.at("waivers").items:
        name = item.at("id").text
        if name in seen:
            yield Problem(item.line, ("waivers",), f"{name} is waived in line {seen[name]} already")
        seen.setdefault(name, item.line)
