"""Quotes that are missing: YAML would read something else than text."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.fix.edits import Composed, Edit, members_of, quote
from mmp_local_dev.contract.load.document import Node, Problem, quoted


def version(composed: Composed, document: Node) -> Iterator[Edit | None]:
    """The version is in quotes, since YAML reads 1.10 as 1.1."""
    node = document.at("version")
    if "version" in document.members and not node.quoted:
        yield quote(composed, composed.members["version"], _said(node, "version"))


def defaults(composed: Composed, document: Node) -> Iterator[Edit | None]:
    """A default is text: 5432 without quotes is a number."""
    written = members_of(composed.members["env"]) if "env" in composed.members else {}
    for name, variable in document.at("env").members.items():
        default = variable.at("default")
        if default.kind == "string" or not default.text or variable.at("sensitive").is_true:
            continue
        said = _said(default, "env", name, "default")
        yield quote(composed, members_of(written[name])["default"], said)


def _said(scalar: Node, *where: str) -> str:
    return Problem(scalar.line, where, f"{quoted(scalar.text)} is in quotes now").sentence()
