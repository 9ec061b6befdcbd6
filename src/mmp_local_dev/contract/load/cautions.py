"""What is allowed in a contract, and yet not as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.load.form import CONTRACT, Schema, schema
from mmp_local_dev.contract.load.other_forms import is_1_0

Where = tuple[str, ...]


def cautions_of(document: Node, today: date) -> list[Problem]:
    """Every caution about a contract that has no problems, in the file's order."""
    found = [*_version(document), *_form(document), *_lifetimes(document, schema(CONTRACT), (), today)]
    return sorted(set(found))


def _version(document: Node) -> Iterator[Problem]:
    version = document.at("version")
    if version.text.count(".") == 1:
        text = f"has two parts; write {quoted(f'{version.text}.0')}, so that corrections have a place, too"
        yield Problem(version.line, ("version",), text)


def _form(document: Node) -> Iterator[Problem]:
    if is_1_0(document):
        text = "is of the 1.0 form, which promises names and ports only; `mmp-dev init` writes a full contract"
        yield Problem(document.line, (), text)


def _lifetimes(node: Node, part: Schema, where: Where, today: date) -> Iterator[Problem]:
    """What the terms of every promise in `node` say about its end; the schema tells where terms are."""
    known: Mapping[str, Schema] = part.get("properties", {})
    if "sunset" in known:
        yield from _lifetime(node, where, today)
    for name, member in node.members.items():
        inner = known.get(name, part.get("additionalProperties"))
        yield from _lifetimes(member, inner or {}, (*where, name), today)
    for index, item in enumerate(node.items):
        yield from _lifetimes(item, part.get("items", {}), (*where, f"[{index}]"), today)


def _lifetime(promise: Node, where: Where, today: date) -> Iterator[Problem]:
    sunset, deprecated = promise.at("sunset"), promise.at("deprecated")
    if deprecated.is_true and not sunset.text:
        yield Problem(deprecated.line, (*where, "deprecated"), "has no sunset, so nobody knows until when it stays")
    if sunset.text and not deprecated.is_true:
        yield Problem(sunset.line, (*where, "sunset"), "has no effect without deprecated: true")
    elif sunset.text and date.fromisoformat(sunset.text) < today:
        text = f"{sunset.text} has passed; remove the promise and reserve its name, or move the day"
        yield Problem(sunset.line, (*where, "sunset"), text)
