"""Changes of YAML text that touch nothing but what they change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import yaml
from yaml.nodes import CollectionNode, MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from mmp_local_dev.contract.load.reading import in_quotes

_DASHES = re.compile(r" *- +")


@dataclass(frozen=True)
class Edit:
    """`text` in place of the characters from `start` to `end`; `said` tells a person what that does."""

    start: int
    end: int
    text: str
    said: str

    def applied(self, text: str) -> str:
        """`text` after this edit."""
        return text[: self.start] + self.text + text[self.end :]


@dataclass(frozen=True)
class Composed:
    """A document as YAML's nodes, which know where each begins and ends in `text`."""

    text: str
    root: MappingNode
    members: Mapping[str, YamlNode]

    @property
    def newline(self) -> str:
        """How its lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def span(self, node: YamlNode) -> str:
        """What is written for a node."""
        return self.text[node.start_mark.index : node.end_mark.index]

    def is_plainly(self, scalar: ScalarNode) -> bool:
        """Whether it is written without quotes, anchor or line break."""
        return scalar.style is None and self.span(scalar) == scalar.value != ""

    def line_start(self, index: int) -> int:
        """Where the line of the character at `index` begins."""
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Where the line after that of the character at `index` begins."""
        return (self.text.find("\n", index) + 1) or len(self.text)


def compose(text: str) -> Composed:
    """The nodes of a text that `reading.read` has accepted as a mapping, so that size and depth have limits."""
    # The loader in Python: its marks count characters, always.
    root = cast(MappingNode, yaml.compose(text, Loader=yaml.SafeLoader))
    return Composed(text, root, members_of(root))


def members_of(node: YamlNode) -> dict[str, YamlNode]:
    """The values of a mapping, by key; none of any other node."""
    return {key.value: value for key, value in node.value} if isinstance(node, MappingNode) else {}


def word(node: YamlNode | None) -> str:
    """The value of a scalar; "" for any other node, and for none."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def quote(composed: Composed, scalar: YamlNode, said: str) -> Edit | None:
    """Put a plain scalar in quotes; None for what is something else."""
    if isinstance(scalar, ScalarNode) and composed.is_plainly(scalar):
        return rewrite(composed, scalar, in_quotes(scalar.value), said)
    return None


def rewrite(composed: Composed, scalar: YamlNode, text: str, said: str) -> Edit | None:
    """`text` in place of a scalar; None for what is something else."""
    if not isinstance(scalar, ScalarNode):
        return None
    blank = "" if composed.span(scalar) else " "  # where nothing is, it would touch the colon
    return Edit(scalar.start_mark.index, scalar.end_mark.index, f"{blank}{text}", said)


def append(composed: Composed, items: CollectionNode, lines: Sequence[str], short: str, said: str) -> Edit | None:
    """A new last item of a list that has some: `lines` where it has a line for each, `short` between brackets."""
    last = items.value[-1]
    if items.flow_style:
        return Edit(last.end_mark.index, last.end_mark.index, f", {short}", said)
    prefix = _prefix(composed, last)
    if prefix is None:
        return None
    if isinstance(last, CollectionNode) and last.flow_style:
        lines = [short]
    indented = [prefix + lines[0], *(" " * len(prefix) + line for line in lines[1:])]
    return _lines_after(composed, last, indented, said)


def add_pair(composed: Composed, mapping: MappingNode, pair: str, said: str) -> Edit:
    """A new last pair of a mapping that has some."""
    key, last = mapping.value[-1]
    if mapping.flow_style:
        return Edit(last.end_mark.index, last.end_mark.index, f", {pair}", said)
    return _lines_after(composed, last, [" " * key.start_mark.column + pair], said)


def remove_item(composed: Composed, items: SequenceNode, index: int, said: str) -> Edit | None:
    """A list without one of its items; None when it is written in a way that is not foreseen."""
    starts = [item.start_mark.index for item in items.value]
    ends = [item.end_mark.index for item in items.value]
    if items.flow_style:
        return _between_brackets(composed, starts, ends, index, said)
    if _prefix(composed, items.value[index]) is None:
        return None
    return _whole_lines(composed, starts[index], _last_leaf(items.value[index]), said)


def remove_pair(composed: Composed, mapping: MappingNode, name: str, said: str) -> Edit:
    """A mapping without one of its pairs."""
    index = next(index for index, (key, _) in enumerate(mapping.value) if key.value == name)
    starts = [key.start_mark.index for key, _ in mapping.value]
    if mapping.flow_style:
        return _between_brackets(composed, starts, [value.end_mark.index for _, value in mapping.value], index, said)
    if index == 0:  # it shares its line with the dash of the list
        return Edit(starts[0], starts[1], "", said)
    return _whole_lines(composed, starts[index], _last_leaf(mapping.value[index][1]), said)


def _prefix(composed: Composed, item: YamlNode) -> str | None:
    """What stands before an item in its line, where that is blanks and a dash only."""
    start = item.start_mark.index
    before = composed.text[composed.line_start(start) : start]
    return before if _DASHES.fullmatch(before) else None


def _lines_after(composed: Composed, node: YamlNode, lines: Sequence[str], said: str) -> Edit:
    at, newline = composed.line_end(_last_leaf(node)), composed.newline
    text = newline.join(lines)
    ends = composed.text[:at].endswith("\n")
    return Edit(at, at, f"{text}{newline}" if ends else f"{newline}{text}", said)


def _whole_lines(composed: Composed, start: int, end: int, said: str) -> Edit:
    return Edit(composed.line_start(start), composed.line_end(end), "", said)


def _between_brackets(composed: Composed, starts: Sequence[int], ends: Sequence[int], index: int, said: str) -> Edit:
    """Of what stands around the item goes what would be too much, but no comment; a last comma may stay behind."""
    start, end = starts[index], ends[index]
    if index + 1 < len(starts):
        after = composed.text[end : starts[index + 1]]
        return Edit(start, end + (after.find(",") + 1 if "#" in after else len(after)), "", said)
    before = ends[index - 1] if index else start
    return Edit(start if "#" in composed.text[before:start] else before, end, "", said)


def _last_leaf(node: YamlNode) -> int:
    """The last character of a node; to YAML a block ends only where the next one begins."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_leaf(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index) - 1
