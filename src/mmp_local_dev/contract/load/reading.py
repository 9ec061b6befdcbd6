"""From YAML text to a tree of nodes. The home of YAML.

The text may come from anybody: it is read as events, so that no Python object is ever constructed, and within
limits. (`yaml.compose` would build a tree too, but the C library behind it recurses without a limit: 100 kB
of brackets end the whole process.) What is accepted here means the same to `yaml.safe_load`, since that is what
consumers of the 1.0 form use.
"""

from __future__ import annotations

import re
import sys
from typing import cast

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.nodes import ScalarNode
from yaml.reader import Reader
from yaml.resolver import Resolver

from mmp_local_dev.contract.load.document import Node, Problem, invalid, quoted
from mmp_local_dev.errors import ContractInvalid

MOST_NODES = 20_000
DEEPEST = 32

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # much faster, but not in every build of PyYAML
_RESOLVER = Resolver()

# YAML's tags in JSON Schema's words; `date` is a kind that only YAML has. All others are text for us.
_KINDS = {
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:timestamp": "date",
}
_PLAIN_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")  # no 0x1F, no 010, no 1_000, no 22:22
_BARE_RANGE = re.compile(r"[:,{\[-]\s*[<>=!~]=?\s*[0-9]")

Where = tuple[str, ...]


def read(name: str, text: str, *, merges: bool = False) -> tuple[Node, list[Problem]]:
    """The tree of the only document in `text`, and the problems that leave it readable: a duplicate key, say.

    Keys that begin with `x-` are free and are left out. With `merges`, `<<` merges mappings as YAML 1.1 does.
    Raises ContractInvalid, naming the file `name` and the line, when `text` is no YAML, empty, or beyond the limits.
    """
    reader = _Reader(name, text, merges=merges)
    return reader.document(), reader.problems


def in_quotes(text: str) -> str:
    """`text` as YAML in one line that everyone reads as text, whatever is in it."""
    written: str = yaml.dump(text, Dumper=yaml.SafeDumper, default_style='"', allow_unicode=True, width=sys.maxsize)
    return written.removesuffix("\n")


def as_word(name: str) -> str:
    """A name as YAML: in quotes where it would be read as something else than text, as `NO` would."""
    return name if yaml.safe_load(name) == name else in_quotes(name)


class _Reader:
    def __init__(self, name: str, text: str, *, merges: bool) -> None:
        self.problems: list[Problem] = []
        self._merges = merges
        self._name = name
        self._text = text
        self._events = yaml.parse(text, Loader=_LOADER)
        self._line = 1
        self._nodes = 0
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # None as long as what it names is being read

    def document(self) -> Node:
        self._refuse_control_characters()
        self._next()  # the stream begins
        if isinstance(self._next(), StreamEndEvent):
            self._line = 1
            raise self._refused("is empty")
        node = self._node(self._next(), ())
        self._next()  # the document ends
        if not isinstance(self._next(), StreamEndEvent):
            raise self._refused("a second document begins here; a contract is a single one")
        return node

    def _refuse_control_characters(self) -> None:
        # YAML forbids them as well, but its two implementations disagree about where they stand.
        found = Reader.NON_PRINTABLE.search(self._text)
        if found:
            self._line = self._text.count("\n", 0, found.start()) + 1
            raise self._refused(f"holds the control character {quoted(found[0])}")

    def _next(self) -> Event:
        try:
            event = next(self._events)
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The pure loader passes what "\UFFFFFFFF" says to chr().
            raise self._refused(f"is not valid YAML: {error}") from None
        self._line = event.start_mark.line + 1 if event.start_mark else self._line
        return event

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> ContractInvalid:
        mark, begin = error.problem_mark, error.context_mark
        self._line = mark.line + 1 if mark else self._line
        said = f"is not valid YAML: {error.problem}"
        if begin and begin.line + 1 != self._line:
            said += f", {error.context} that begins in line {begin.line + 1}"
        if _BARE_RANGE.search("".join(self._text.split("\n")[self._line - 1 : self._line])):
            said += "; a range has to be in quotes"
        return self._refused(said)

    def _refused(self, text: str) -> ContractInvalid:
        return invalid(self._name, [Problem(self._line, (), text)])

    def _node(self, event: Event, where: Where, key_line: int = 0) -> Node:
        """The node that begins with `event`. It is said to stand where its key stands, if it has one."""
        line = key_line or self._line
        if isinstance(event, AliasEvent):
            return self._repeated(event, line)
        start, before = cast(ScalarEvent | CollectionStartEvent, event), self._nodes
        self._begin(start, where)
        node = self._content(start, where, line)
        if start.anchor:
            self._anchors[start.anchor] = node, self._nodes - before
        return node

    def _repeated(self, alias: AliasEvent, line: int) -> Node:
        anchor = str(alias.anchor)
        if anchor not in self._anchors:
            raise self._refused(f"nothing before the alias *{anchor} has the anchor &{anchor}")
        named = self._anchors[anchor]
        if named is None:
            raise self._refused(f"the alias *{anchor} stands inside of what it repeats")
        node, size = named
        self._count(size)
        return node.moved(line)

    def _begin(self, start: ScalarEvent | CollectionStartEvent, where: Where) -> None:
        self._count(1)
        if len(where) > DEEPEST:
            raise self._refused(f"is nested deeper than {DEEPEST} levels, which no contract needs")
        if start.tag is not None:
            raise self._refused(f"holds the tag {quoted(start.tag)}; a contract has no need of tags")
        if start.anchor in self._anchors:
            raise self._refused(f"the anchor &{start.anchor} is there a second time")
        if start.anchor:
            self._anchors[start.anchor] = None

    def _count(self, size: int) -> None:
        """Count nodes as often as they are visited: few aliases can stand for billions of nodes."""
        self._nodes += size
        if self._nodes > MOST_NODES:
            raise self._refused(f"has more than {MOST_NODES} parts, those that aliases repeat included")

    def _content(self, start: ScalarEvent | CollectionStartEvent, where: Where, line: int) -> Node:
        if isinstance(start, ScalarEvent):
            return Node(_kind(start), line, start.value, quoted=bool(start.style))
        if isinstance(start, MappingStartEvent):
            return Node("object", line, members=self._members(where))
        return Node("array", line, items=self._items(where))

    def _items(self, where: Where) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, (*where, f"[{len(items)}]")))
        return tuple(items)

    def _members(self, where: Where) -> dict[str, Node]:
        members: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._node(event, (*where, "?"))
            value = self._node(self._next(), (*where, key.text), key.line)
            if self._merges and _is_merge(key):
                merged |= _merged(value)
                continue
            wrong = _key_problem(key, where, lines)
            if wrong:
                self.problems.append(Problem(key.line, where, wrong))
            elif not key.text.startswith("x-"):
                members[key.text] = value
            lines.setdefault(key.text, key.line)
        return merged | members


def _kind(scalar: ScalarEvent) -> str:
    tag = _RESOLVER.resolve(ScalarNode, scalar.value, scalar.implicit)  # type: ignore[no-untyped-call]
    kind = _KINDS.get(tag, "string")
    if kind == "integer" and not _PLAIN_INTEGER.fullmatch(scalar.value):
        return "number"
    return kind


def _is_merge(key: Node) -> bool:
    return key.text == "<<" and not key.quoted


def _merged(value: Node) -> dict[str, Node]:
    """The members of what a merge key names: a mapping, or a list of mappings of which the first wins."""
    members: dict[str, Node] = {}
    for each in (value, *reversed(value.items)):
        members |= each.members
    return members


def _key_problem(key: Node, where: Where, lines: dict[str, int]) -> str | None:
    """What is wrong with a key of the mapping at `where`, whose keys so far stand in `lines`."""
    if key.kind in ("object", "array"):
        return "a key has to be a word"
    if key.text in lines:
        return f"duplicate key {quoted(key.text)}; the first is in line {lines[key.text]}"
    if any(step.startswith("x-") for step in where):
        return None
    if _is_merge(key):
        return "merge keys (<<) are not read by everyone; write the keys out"
    if key.kind != "string":
        return f"YAML reads the key {key.text} as something else than text; write {quoted(key.text)}"
    return None
