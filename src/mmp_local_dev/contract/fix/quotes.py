"""Quotes that are missing: YAML would read something else than text."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.fix.edits import Composed, Edit, members_of, quote
from mmp_local_dev.contract.load.document import Node


def version(composed: Composed, document: Node) -> Iterator[Edit]:
    """The version is in quotes, since YAML reads 1.10 as 1.1."""
    node = document.at("version")
    if "version" in document.members and not node.quoted:
        edit = quote(composed, composed.members["version"], f"version: {node.text} is in quotes now")
        yield from [edit] if edit else []


def defaults(composed: Composed, document: Node) -> Iterator[Edit]:
    """A default is text: 5432 without quotes is a number."""
    written = members_of(composed.members["env"]) if "env" in composed.members else {}
    for name, variable in document.at("env").members.items():
        default = variable.at("default")
        if default.kind == "string" or not default.text or variable.at("sensitive").is_true:
            continue
        said = f"env.{name}.default: {default.text} is in quotes now"
        edit = quote(composed, members_of(written[name])["default"], said)
        yield from [edit] if edit else []
