"""Names that are reserved are gone. The rule yields those that are in use all the same."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.load.feast_rules import features


def reserved_names_are_gone(document: Node) -> Iterator[Problem]:
    """No name is both reserved and there."""
    there = {
        "env": tuple(document.at("env").members),
        "services": tuple(document.at("services").members),
        "tables": tuple(table.at("name").text for table in document.at("schema").items),
        "features": features(document),
    }
    for kind, names in document.at("reserved").members.items():
        for item in names.items:
            if item.text in there[kind]:
                text = f"{quoted(item.text)} is in use; a name that has had another meaning must not come back"
                yield Problem(item.line, ("reserved", kind), text)
