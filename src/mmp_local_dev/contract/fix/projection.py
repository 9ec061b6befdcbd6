"""The keys of the 1.0 form follow the others: what env and services promise, in the order in which it was added."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from yaml.nodes import MappingNode, SequenceNode
from yaml.nodes import Node as YamlNode

from mmp_local_dev.contract.fix.edits import (
    Composed,
    Edit,
    add_pair,
    append,
    members_of,
    remove_item,
    remove_pair,
    rewrite,
    word,
)
from mmp_local_dev.contract.load.document import Node, quoted
from mmp_local_dev.contract.load.form import CONTRACT, check_form, schema
from mmp_local_dev.contract.load.reading import as_word
from mmp_local_dev.contract.load.variable_rules import is_provided

_REUSED = re.compile(r"[&*]")  # an anchor or an alias, perhaps: what is written once may stand in several places


def variables(composed: Composed, document: Node) -> Iterator[Edit | None]:
    """provides_env_variables has the variables that are required and set by the provider, each once."""
    listed = _plain_list(composed, "provides_env_variables")
    if listed is None or not _is_sound(document, "env"):
        return
    provided = [name for name, variable in document.at("env").members.items() if is_provided(variable)]
    names = [word(item) for item in listed.value]
    for name in provided:
        if name not in names:
            said = f"provides_env_variables: {name} added, as env promises it"
            yield append(composed, listed, [as_word(name)], as_word(name), said)
    for index, name in enumerate(names):
        if name and len(names) > 1 and (name not in provided or name in names[:index]):
            said = f"provides_env_variables: {quoted(name)} removed, {_reason(name, 'env', provided)}"
            yield remove_item(composed, listed, index, said)


def services(composed: Composed, document: Node) -> Iterator[Edit | None]:
    """provides_services has every service once, with its port and its health check."""
    listed = _plain_list(composed, "provides_services")
    if listed is None or not _is_sound(document, "services"):
        return
    promised = {name: _projected(name, node) for name, node in document.at("services").members.items()}
    names = [word(members_of(item).get("name")) for item in listed.value]
    for item, name in zip(listed.value, names, strict=True):
        if name in promised:
            yield from _corrected(composed, item, promised[name])
    for name, pairs in promised.items():
        if name not in names:
            said = f"provides_services: {name} added, as services promises it"
            lines = [f"{key}: {value if key == 'port' else as_word(value)}" for key, value in pairs.items()]
            yield append(composed, listed, lines, f"{{{', '.join(lines)}}}", said)
    for index, name in enumerate(names):
        if name and len(names) > 1 and (name not in promised or name in names[:index]):
            said = f"provides_services: {quoted(name)} removed, {_reason(name, 'services', promised)}"
            yield remove_item(composed, listed, index, said)


def _projected(name: str, service: Node) -> dict[str, str]:
    pairs = {"name": name, "port": service.at("endpoints", "host").text.rpartition(":")[2]}
    path = service.at("health", "httpGet", "path").text
    return {**pairs, "health_check": path} if path else pairs


def _corrected(composed: Composed, item: MappingNode, wanted: Mapping[str, str]) -> Iterator[Edit | None]:
    """One item as its service has it."""
    there = members_of(item)
    for key in ("port", "health_check"):
        where = f"provides_services: {key} of {wanted['name']}"
        if key in wanted and key not in there:
            yield add_pair(composed, item, f"{key}: {wanted[key]}", f"{where} added: {wanted[key]}")
        elif key in wanted and not _says(composed, there[key], wanted[key]):
            yield rewrite(composed, there[key], wanted[key], f"{where} is {wanted[key]} now, as in services")
        elif key in there and key not in wanted:
            yield remove_pair(composed, item, key, f"{where} removed, as services has none")


def _says(composed: Composed, node: YamlNode, wanted: str) -> bool:
    """Whether a node says this already; a number only without quotes."""
    return (composed.span(node) if wanted.isdigit() else word(node)) == wanted


def _plain_list(composed: Composed, name: str) -> SequenceNode | None:
    """The list of this name, where it has items and is written out in place."""
    node = composed.members.get(name)
    if not isinstance(node, SequenceNode) or not node.value:
        return None
    keys = [key for key, _ in composed.root.value if key.value == name]
    is_alias = node.start_mark.index < keys[0].end_mark.index
    return None if is_alias or _REUSED.search(composed.span(node)) else node


def _is_sound(document: Node, section: str) -> bool:
    return not any(problem.section == section for problem in check_form(document, schema(CONTRACT)))


def _reason(name: str, section: str, promised: Collection[str]) -> str:
    return "which was there twice" if name in promised else f"since {section} does not promise it"
