"""The contract file as a tree that still knows its lines and spellings, and what can be wrong with it.

It stands between the YAML text (`reading`) and the values (`model`): `form` and `crosschecks` read the tree
and answer with problems.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mmp_local_dev.contract.model import Scalar
from mmp_local_dev.errors import ContractInvalid, Repair

MOST_SHOWN = 20
LONGEST_SHOWN = 120
TRUE = ("true", "yes", "on")
FALSE = ("false", "no", "off")

_PLAIN_NAME = re.compile(r"[\w.-]+", re.ASCII)
_INDEX = re.compile(r"\[[0-9]+\]")  # how a path names the items of a list


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the document.

    `kind` is JSON Schema's word for it (object, array, string, integer, number, boolean, null) or `date`,
    which only YAML has. `line` is where its key stands, or where it stands itself in a list. A scalar has the
    `text` as written, an array `items`, an object `members`.
    """

    kind: str
    line: int
    text: str = ""
    quoted: bool = False
    items: tuple[Node, ...] = ()
    members: Mapping[str, Node] = field(default_factory=dict)

    def at(self, *names: str) -> Node:
        """The part below these names; `NOTHING`, which is empty in every respect, when it is absent."""
        node = self
        for name in names:
            node = node.members.get(name, NOTHING)
        return node

    def moved(self, line: int) -> Node:
        """The same in another line."""
        return replace(self, line=line)

    @property
    def is_true(self) -> bool:
        """Whether this is YAML's true, in any of its spellings."""
        return self.text.lower() in TRUE

    @property
    def is_false(self) -> bool:
        """Whether this is YAML's false, in any of its spellings. What is absent is neither true nor false."""
        return self.text.lower() in FALSE

    @property
    def scalar(self) -> Scalar:
        """The value of a scalar that has passed the schema: its numbers are in plain digits."""
        if self.kind == "boolean":
            return self.is_true
        if self.kind == "integer":
            return int(self.text)
        if self.kind == "number":
            return float(self.text)
        return None if self.kind == "null" else self.text


NOTHING = Node("null", 0)


class Problem(NamedTuple):
    """One thing that is wrong: the line, the path of keys that leads there, and the rest of the sentence.

    `wrong` is a word that could be a misspelling of one of `right`. The nearest is looked up only for the
    problems that are shown, since a hostile file may have thousands.
    """

    line: int
    path: tuple[str, ...]
    text: str
    wrong: str = ""
    right: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The top-level key that it is about; empty for the document as a whole."""
        return self.path[0] if self.path else ""

    def sentence(self) -> str:
        """The problem without file and line, with the nearest right word where there is one."""
        said = f"{_dotted(self.path)}: {self.text}" if self.path else self.text
        nearest = _nearest(self.wrong, self.right)
        return f"{said}; did you mean {quoted(nearest)}?" if nearest else said


def invalid(name: str, problems: Iterable[Problem], *, repairs: Iterable[Repair] = ()) -> ContractInvalid:
    """The error that reports all `problems` of the file called `name`, one line each, in the file's order."""
    ordered = sorted(set(problems))
    lines = [f"{name}:{problem.line}: {problem.sentence()}" for problem in ordered[:MOST_SHOWN]]
    if len(ordered) > MOST_SHOWN:
        lines.append(f"and {len(ordered) - MOST_SHOWN} more")
    return ContractInvalid("\n".join(lines), repairs=tuple(repairs))


def unknown(named: Node, where: tuple[str, ...], known: Iterable[str], what: str) -> Iterator[Problem]:
    """That the name in `named` is not `what`, such as "an entity", unless it is one of `known`."""
    right = tuple(known)
    if named.text not in right:
        yield Problem(named.line, where, f"{quoted(named.text)} is not {what}", named.text, right)


def quoted(text: str) -> str:
    """`text` in double quotes, as YAML takes it and a terminal can safely show it; cut when very long."""
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
    return json.dumps(shown, ensure_ascii=not shown.isprintable())


def _dotted(path: tuple[str, ...]) -> str:
    return "".join(_step(name) for name in path).removeprefix(".")


def _step(name: str) -> str:
    if _INDEX.fullmatch(name):
        return name
    return f".{name if _PLAIN_NAME.fullmatch(name) else quoted(name)}"


def _nearest(wrong: str, right: tuple[str, ...]) -> str | None:
    if not 0 < len(wrong) <= 64:
        return None
    from difflib import get_close_matches  # here, since a valid contract never needs it

    spelled = {word.lower(): word for word in right}
    found = get_close_matches(wrong.lower(), spelled, n=1)
    return spelled[found[0]] if found else None
