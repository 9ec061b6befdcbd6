"""Recipes and configurations (YAML, JSON, templates of them): variables in `${NAME}`, features of feature stores."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmp_local_dev.contract.infer.sightings import Sighting, is_reference, variable
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.errors import ContractInvalid

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:[^}]*)?\}")


def sightings(text: str) -> Iterator[Sighting]:
    """`${NAME}`, which with a default (`${NAME:default}`) is optional, outside of comments; and features."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#"):
            for found in _PLACEHOLDER.finditer(line):
                yield from variable(found[1], number, optional=found[2] is not None)
    if "feature" in text:
        yield from _features(text)


def _features(text: str) -> Iterator[Sighting]:
    """Of documents that are YAML as we read it; a template need not be."""
    try:
        document, _ = read("", text)
    except ContractInvalid:
        return
    yield from _in(document)


def _in(node: Node) -> Iterator[Sighting]:
    for name, member in node.members.items():
        if name == "features":
            listed = [item for item in member.items if is_reference(item.text)]
            yield from (Sighting(("feature", item.text), item.line) for item in listed)
        if name == "feature_views":
            yield from _in_views(member)
        yield from _in(member)
    for item in node.items:
        yield from _in(item)


def _in_views(views: Node) -> Iterator[Sighting]:
    """A mapping of views to their features, as recipes have it."""
    for view, member in views.members.items():
        for item in member.at("features").items:
            if is_reference(reference := f"{view}:{item.text}"):
                yield Sighting(("feature", reference), item.line)
