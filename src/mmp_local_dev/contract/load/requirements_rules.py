"""What requirements have to be beyond their form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.needs.groups import named, words_of
from mmp_local_dev.contract.needs.subjects import uses
from mmp_local_dev.contract.requirements import Requirements

_NEEDS = ("contract", "env", "services", "tables", "features", "mlflow", "latency")


def asks_for_something(document: Node) -> Iterator[Problem]:
    """There is at least one need: requirements that ask for nothing would hold for every contract."""
    if not any(section in document.members for section in _NEEDS):
        yield Problem(document.line, (), f"nothing is required; say so in one of {', '.join(_NEEDS)}")


def variables_are_unique(document: Node) -> Iterator[Problem]:
    """No variable is listed twice, be it once with its name only."""
    yield from _twice(document.at("env").items, "name", ("env",))


def columns_are_unique(document: Node) -> Iterator[Problem]:
    """No column of a table is listed twice."""
    for name, table in document.at("tables").members.items():
        yield from _twice(table.items, "name", ("tables", name))


def features_are_unique(document: Node) -> Iterator[Problem]:
    """No feature is listed twice."""
    yield from _twice(document.at("features").items, "ref", ("features",))


def _twice(items: Iterable[Node], key: str, where: tuple[str, ...]) -> Iterator[Problem]:
    seen = set()
    for item in items:
        name = item.text or item.at(key).text
        if name in seen:
            yield Problem(item.line, where, f"{quoted(name)} is listed twice")
        seen.add(name)


def groups_are_known(document: Node, requirements: Requirements) -> Iterator[Problem]:
    """Each word of a group names something that these requirements ask for."""
    subjects, words = uses(requirements), tuple(words_of(requirements))
    for name, group in document.at("groups").members.items():
        for item in group.items:
            if not named(item.text, subjects):
                text = f"{quoted(item.text)} is none of these requirements: no section, service or id of a clause"
                yield Problem(item.line, ("groups", name), text, item.text, words)


Rule = Callable[[Node], Iterator[Problem]]

# Each reads the section before it, and runs when that has the right form.
RULES: tuple[tuple[str, Rule], ...] = (
    ("", asks_for_something),
    ("env", variables_are_unique),
    ("tables", columns_are_unique),
    ("features", features_are_unique),
)
