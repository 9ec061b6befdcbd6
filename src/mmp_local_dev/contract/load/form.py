"""The form of a document: whether it is what one of the files in `contract/schema/` describes.

The schema is the one description, for editors and for this module, which reads the few keywords that it uses.
The jsonschema package would read them all, but importing it takes longer than all the rest of loading a
contract, and its errors know neither lines nor spellings. The tests hold both to the same verdicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.load.spelling import guesses

SCHEMAS = Path(__file__).parents[1] / "schema"
CONTRACT = "dev-contract.v2"
CONTRACT_1_0 = "dev-contract.v1"
WAIVERS = "contract-waivers.v2"
REQUIREMENTS = "contract-requirements.v2"
WAIVERS = "contract-waivers.v2"

Schema = Mapping[str, Any]
Where = tuple[str, ...]

_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,25})?([eE][-+][0-9]{1,2})?")  # no 0x1F, .inf, 22:22.5

_KINDS = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number in plain digits",
    "number": "a number in plain digits",
    "boolean": "true or false",
    "date": "a date",
    "null": "empty",
}

_FORMATS: Mapping[str, Callable[[str], object]] = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}


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
    wanted = part["type"] if isinstance(part["type"], list) else [part["type"]]
    wrong_kind = _kind_problem(node, wanted)
    if wrong_kind:
        yield Problem(node.line, where, wrong_kind)
        return
    kind = "number" if node.kind == "integer" else node.kind
    for keyword, (about, rule) in KEYWORDS.items():
        if keyword in part and about == kind:
            yield from rule(node, part, where)


def _kind_problem(node: Node, wanted: Sequence[str]) -> str | None:
    if node.kind in wanted and node.kind != "number":
        return None
    if "number" in wanted and node.kind in ("number", "integer") and _PLAIN_NUMBER.fullmatch(node.text):
        return None
    kinds = " or ".join(_KINDS[kind] for kind in wanted)
    if node.kind == "null" and not node.text:
        return f"has no value; it has to be {kinds}"
    if "string" in wanted and node.text:
        return f"YAML reads {node.text} as {_reading(node)}; write {quoted(node.text)}"
    if {"integer", "number"} & {*wanted} and node.kind == "string" and re.fullmatch("[0-9]{1,9}", node.text):
        return f"is text because of its quotes; write {node.text}"
    return f"has to be {kinds}, not {node.text if node.kind == 'number' else _KINDS[node.kind]}"


def _reading(scalar: Node) -> str:
    """What becomes of an unquoted word, where it is no text for YAML: of 1.10, the number 1.1."""
    if scalar.kind == "boolean":
        return "true" if scalar.is_true else "false"
    if re.fullmatch(r"[0-9]+\.[0-9]+", scalar.text):
        return f"the number {float(scalar.text)}"
    return {"date": "a date", "null": "no value"}.get(scalar.kind, "a number")


# Each keyword's rule. Like JSON Schema's it is about values of one kind, and says nothing of others.


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
        yield Problem(node.line, where, wrong, node.text, tuple(part.get("examples", ())))


def _spelling_problem(word: str, part: Schema) -> str | None:
    # Every pattern is anchored at both ends; fullmatch, because Python's $ would let a last line break pass.
    pattern = re.compile(part["pattern"])
    if pattern.fullmatch(word):
        return None
    better = next((guess for guess in guesses(word) if pattern.fullmatch(guess)), None)
    said = f"{quoted(word)} is not {part['title']}"
    return said if better is None else f"{said}; write {quoted(better)}"


def _format(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    read = _FORMATS[part["format"]]
    try:
        read(node.text)
    except ValueError:
        if re.fullmatch(part["pattern"], node.text):  # otherwise that is told already
            yield Problem(node.line, where, f"{quoted(node.text)} is not in the calendar")


def _min_length(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    if len(node.text) < part["minLength"]:
        yield Problem(node.line, where, "is empty")


def _positive(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    if not float(node.text) > part["exclusiveMinimum"]:
        yield Problem(node.line, where, f"has to be more than {part['exclusiveMinimum']}, not {node.text}")


def _bounds(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    if not part["minimum"] <= int(node.text) <= part["maximum"]:
        text = f"has to be from {part['minimum']} to {part['maximum']}, not {node.text}"
        yield Problem(node.line, where, text)


def _required(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    for name in part["required"]:
        if name not in node.members:
            yield Problem(node.line, where, f"{quoted(name)} is missing")


def _together(node: Node, part: Schema, where: Where) -> Iterator[Problem]:
    for name, others in part["dependentRequired"].items():
        missing = [other for other in others if name in node.members and other not in node.members]
        for other in missing:
            yield Problem(node.line, where, f"{quoted(other)} is missing, which belongs to {quoted(name)}")


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
    seen: set[tuple[str, str]] = set()
    for item in node.items:
        if item.text and (item.kind, item.text) in seen:
            yield Problem(item.line, where, f"{quoted(item.text)} is listed twice")
        seen.add((item.kind, item.text))


Rule = Callable[[Node, Schema, Where], Iterator[Problem]]

# What this module reads of JSON Schema besides `type` and `$ref`: the kind of value that a keyword is about, and its
# rule. Keys `x-*` never get here: `reading` leaves them out.
KEYWORDS: Mapping[str, tuple[str, Rule]] = {
    "const": ("string", _const),
    "enum": ("string", _enum),
    "pattern": ("string", _pattern),
    "format": ("string", _format),
    "minLength": ("string", _min_length),
    "minimum": ("number", _bounds),
    "exclusiveMinimum": ("number", _positive),
    "required": ("object", _required),
    "dependentRequired": ("object", _together),
    "minProperties": ("object", _not_empty),
    "additionalProperties": ("object", _members),
    "minItems": ("array", _not_empty),
    "items": ("array", _items),
    "uniqueItems": ("array", _unique),
}
