"""From a `*.req.yml` to Requirements, or to one error that names everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from mmp_local_dev.contract.load.document import Node, Problem, invalid
from mmp_local_dev.contract.load.form import REQUIREMENTS, check_form, schema
from mmp_local_dev.contract.load.other_forms import UPGRADE, newer
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.requirements_rules import RULES, groups_are_known
from mmp_local_dev.contract.load.source import text_of
from mmp_local_dev.contract.model import VariableType
from mmp_local_dev.contract.requirements import (
    ColumnNeed,
    FeatureNeed,
    Group,
    LatencyNeed,
    Need,
    Requirements,
    ServiceNeed,
    TableNeed,
    VariableNeed,
)

KIND = "ContractRequirements"

N = TypeVar("N", bound=Need)

_OTHER_KINDS = {"DevContract": "a contract", "ContractWaivers": "a file of waivers"}
_LEVEL = re.compile(r"p95 *<= *([0-9.]+) *(ms|s)")


def load_requirements(path: Path) -> Requirements:
    """Read the requirements file at `path`.

    Raises ContractInvalid when there is no such file, when it cannot be read or is no YAML within our limits, when it
    is another kind of document or of a newer form than this tool knows, and when it is wrong in itself; the message
    then has one line `file:line: problem` for each problem.
    """
    document, met = read(path.name, text_of(path))
    if problems := problems_of(document, met):
        raise invalid(path.name, problems, repairs=[UPGRADE] if newer(document) else [])
    return _build(path, document)


def problems_of(document: Node, met: list[Problem]) -> list[Problem]:
    """All problems of a requirements file; `met` are those that were met in reading it."""
    if problem := newer(document) or _other_kind(document):
        return [problem]
    form = [*met, *check_form(document, schema(REQUIREMENTS))]
    unsound = {problem.section for problem in form}
    problems = [*form, *(p for section, rule in RULES if section not in unsound for p in rule(document))]
    if not form:
        problems += groups_are_known(document, _build(Path(), document))
    return problems


def _other_kind(document: Node) -> Problem | None:
    """The one answer for a file of another kind, such as a contract: what else there is to say is beside the point."""
    kind = document.at("kind")
    if kind.text not in _OTHER_KINDS:
        return None
    text = f"this is {_OTHER_KINDS[kind.text]}, not what a consumer requires (kind: {KIND})"
    return Problem(kind.line, ("kind",), text)


def _build(path: Path, document: Node) -> Requirements:
    about = document.at("metadata")
    return Requirements(
        path,
        about.at("name").text,
        version=about.at("version").text,
        revision=about.at("revision").text,
        description=about.at("description").text,
        contract=document.at("contract").text,
        contract_line=document.at("contract").line,
        variables=_by_name(_variable(item) for item in document.at("env").items),
        services=_by_name(_service(name, node) for name, node in document.at("services").members.items()),
        tables=_by_name(_table(name, node) for name, node in document.at("tables").members.items()),
        features=_by_name(_feature(item) for item in document.at("features").items),
        capabilities=_by_name(Need(item.text, line=item.line) for item in document.at("mlflow", "capabilities").items),
        latency=_by_name(_level(name, node) for name, node in document.at("latency").members.items()),
        groups=_by_name(_group(name, node) for name, node in document.at("groups").members.items()),
    )


def _by_name(needs: Iterator[N]) -> Mapping[str, N]:
    return {need.name: need for need in needs}


def _variable(node: Node) -> VariableNeed:
    said = node.at("type").text
    type_ = VariableType(said) if said else None
    return VariableNeed(node.text or node.at("name").text, type_, not node.at("required").is_false, line=node.line)


def _service(name: str, node: Node) -> ServiceNeed:
    clients = {package: said.text for package, said in node.at("clients").members.items()}
    return ServiceNeed(name, node.text or node.at("version").text, clients, line=node.line)


def _table(name: str, node: Node) -> TableNeed:
    columns = _by_name(
        ColumnNeed(item.text or item.at("name").text, item.at("type").text, line=item.line) for item in node.items
    )
    return TableNeed(name, columns, line=node.line)


def _feature(node: Node) -> FeatureNeed:
    return FeatureNeed(node.text or node.at("ref").text, node.at("dtype").text, line=node.line)


def _level(name: str, node: Node) -> LatencyNeed:
    found = _LEVEL.fullmatch(node.text)
    value, unit = found.groups() if found else ("", "")
    return LatencyNeed(name, float(value), unit, line=node.line)


def _group(name: str, node: Node) -> Group:
    return Group(name, tuple(item.text for item in node.items), line=node.line)
