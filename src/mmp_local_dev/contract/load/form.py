"""The form of a document: whether it is what one of the files in `contract/schema/` describes.

The schema is the one description, for editors and for this module, which reads the few keywords that it uses.
The jsonschema package would read them all, but importing it takes longer than all the rest of loading a
contract, and its errors know neither lines nor spellings. The tests hold both to the same verdicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.load.spelling import guesses

SCHEMAS = Path(__file__).parents[1] / "schema"
CONTRACT = "dev-contract.v2"

Schema = Mapping[str, Any]
Where = tuple[str, ...]

_KINDS = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number in plain digits",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
    "null": "empty",
}


def shipped(name: str = CONTRACT) -> Schema:
    """The JSON Schema `name`.schema.json as it is shipped."""
    loaded: Schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded


@cache
def schema(name: str = CONTRACT) -> Schema:
    """The same with each `$ref` replaced by what it names: what `check_form` reads."""
    loaded = shipped(name)
    resolved: Schema = _resolved(loaded, loaded.get("$defs", {}))
    return resolved


def _resolved(part: Any, definitions: Schema) -> Any:
    """`part` with what its `$ref`s name; only the schema's own definitions can be named, and none contains itself."""
    if isinstance(part, list):
        return [_resolved(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        part = {**definitions[part["$ref"].removeprefix("#/$defs/")], **part}
    return {key: _resolved(value, definitions) for key, value in part.items() if key not in ("$ref", "$defs")}


def check_form(document: Node, schema: Schema) -> Iterator[Problem]:
    """Every way in which `document` differs from the schema; nothing when it is of the form."""
    return _check(document, schema, ())


def _check(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    wrong_kind = _kind_problem(node, part["type"])
    if wrong_kind:
        yield Problem(node.line, where, wrong_kind)
        return
    for keyword, rule in KEYWORDS.items():
        if keyword in part and node.kind in _JUDGES.get(keyword, (node.kind,)):
            yield from rule(node, part, where)


def _kind_problem(node: Node, wanted: str | list[str]) -> str | None:
    if isinstance(wanted, list):  # any of several
        return None if node.kind in wanted else _kind_problem(node, wanted[0])
    if node.kind == wanted or (wanted, node.kind) == ("number", "integer"):
        return None
    if node.kind == "null" and not node.text:
        return f"has no value; it has to be {_KINDS[wanted]}"
    if wanted == "string" and node.text:
        return f"YAML reads {node.text} as {_reading(node)}; write {quoted(node.text)}"
    if wanted == "integer" and re.fullmatch("[0-9]{1,9}", node.text):
        return f"is text because of its quotes; write {node.text}"
    return f"has to be {_KINDS[wanted]}, not {_KINDS[node.kind]}"


def _reading(scalar: Node) -> str:
    """What becomes of an unquoted word, where it is no text for YAML: of 1.10, the number 1.1."""
    if scalar.kind == "boolean":
        return "true" if scalar.is_true else "false"
    if re.fullmatch(r"[0-9]+\.[0-9]+", scalar.text):
        return f"the number {float(scalar.text)}"
    return {"date": "a date", "null": "no value"}.get(scalar.kind, "a number")


def _const(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    return _enum(node, {"enum": [part["const"]]}, where)


def _enum(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    words: tuple[str, ...] = tuple(part["enum"])
    if node.text not in words:
        text = f"{quoted(node.text)} is not {'one of ' if words[1:] else ''}{', '.join(words)}"
        yield Problem(node.line, where, text, node.text, words)


def _pattern(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    wrong = _spelling_problem(node.text, part)
    if wrong:
        yield Problem(node.line, where, wrong)


def _spelling_problem(word: str, part: Schema) -> str | None:
    # Every pattern is anchored at both ends; fullmatch, because Python's $ would let a last line break pass.
    pattern = re.compile(part["pattern"])
    if pattern.fullmatch(word):
        return None
    better = next((guess for guess in guesses(word) if pattern.fullmatch(guess)), None)
    said = f"{quoted(word)} is not {part['title']}"
    return said if better is None else f"{said}; write {quoted(better)}"


def _min_length(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    if len(node.text) < part["minLength"]:
        yield Problem(node.line, where, "is empty")


def _bounds(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    if not part["minimum"] <= int(node.text) <= part["maximum"]:
        text = f"has to be from {part['minimum']} to {part['maximum']}, not {node.text}"
        yield Problem(node.line, where, text)


def _required(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    for name in part["required"]:
        if name not in node.members:
            yield Problem(node.line, where, f"{quoted(name)} is missing")


def _not_empty(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    if not node.members and not node.items:
        yield Problem(node.line, where, "is empty, which says nothing; fill it or leave it out")


def _members(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    known: Schema = part.get("properties", {})
    others = part["additionalProperties"]
    for name, member in node.members.items():
        if name in known:
            yield from _check(member, known[name], (*where, name))
        elif others is False:
            yield Problem(member.line, where, f"unknown key {quoted(name)}", name, tuple(known))
        else:
            yield from _named(name, member, part, where)


def _named(name: str, member: Node, part: Schema, where: Where) -> Iterator[Problem]:
    """A member whose name the writer chose."""
    wrong_name = _spelling_problem(name, part["propertyNames"])
    if wrong_name:
        yield Problem(member.line, where, wrong_name)
    yield from _check(member, part["additionalProperties"], (*where, name))


def _items(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    for index, item in enumerate(node.items):
        yield from _check(item, part["items"], (*where, f"[{index}]"))


def _unique(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    seen: set[str] = set()
    for item in node.items:
        if item.text and item.text in seen:
            yield Problem(item.line, where, f"{quoted(item.text)} is listed twice")
        seen.add(item.text)


Rule = Callable[[Node, Schema, Where], Iterator[Problem]]

# What this module reads of JSON Schema besides `type` and `$ref`. Keys `x-*` never get here: `reading` leaves
# them out.
KEYWORDS: Mapping[str, Rule] = {
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minLength": _min_length,
    "minimum": _bounds,
    "required": _required,
    "minItems": _not_empty,
    "minProperties": _not_empty,
    "additionalProperties": _members,
    "items": _items,
    "uniqueItems": _unique,
}

# As in JSON Schema, these say nothing about values of other kinds: where `type` allows several, each has its own.
_JUDGES: Mapping[str, tuple[str, ...]] = {
    "pattern": ("string",),
    "minLength": ("string",),
    "required": ("object",),
    "minProperties": ("object",),
    "minItems": ("array",),
}
