"""What a contract's fixtures have to be beyond their form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmp_local_dev.contract import types
from mmp_local_dev.contract.load.document import Node, Problem, quoted, unknown
from mmp_local_dev.contract.load.feast_rules import join_keys

Where = tuple[str, ...]


def fixtures_are_of_one_kind(document: Node) -> Iterator[Problem]:
    """A fixture is about an entity or about a view."""
    for name, fixture in document.at("fixtures").members.items():
        if ("entity" in fixture.members) == ("view" in fixture.members):
            text = "has to have an entity (with values and in) or a view (with answers), and not both"
            yield Problem(fixture.line, ("fixtures", name), text)


def feast_is_there(document: Node) -> Iterator[Problem]:
    """Fixtures are about the feature store, so there is one."""
    if "feast" not in document.members:
        yield Problem(document.at("fixtures").line, ("fixtures",), "needs feast, which this contract has not")


def entities_are_known(document: Node) -> Iterator[Problem]:
    """Known keys are of an entity of this contract, and of its type."""
    entities = document.at("feast", "entities").members
    for where, fixture in _about(document, "entity"):
        named = fixture.at("entity")
        yield from unknown(named, (*where, "entity"), entities, "an entity")
        dtype = document.at("feast", "entities", named.text, "dtype").text
        for value in fixture.at("values").items:
            yield from _mistyped(value, dtype, (*where, "values"))


def views_are_known(document: Node) -> Iterator[Problem]:
    """Known answers are of a view of this contract; those without a moment, of one that is online."""
    views = document.at("feast", "feature_views").members
    for where, fixture in _about(document, "view"):
        named = fixture.at("view")
        yield from unknown(named, (*where, "view"), views, "a feature view")
        is_offline = document.at("feast", "feature_views", named.text, "online").is_false
        if "at" not in fixture.members and is_offline:
            text = f"{named.text} is not online (online: false), so its answers need a moment; add at"
            yield Problem(named.line, (*where, "view"), text)


def answers_fit(document: Node) -> Iterator[Problem]:
    """An answer has every join key of its view, and values of its features."""
    views = document.at("feast", "feature_views").members
    for where, fixture in _about(document, "view"):
        view = fixture.at("view").text
        if view not in views or not (keys := join_keys(document, view)):
            continue  # which is told of the view
        features = _features(views[view])
        for index, answer in enumerate(fixture.at("answers").items):
            place = (*where, "answers", f"[{index}]")
            yield from _missing_keys(answer, keys, place)
            yield from _misnamed(answer.at("keys"), keys, "join key", (*place, "keys"))
            yield from _misnamed(answer.at("values"), features, "feature", (*place, "values"))


def data_sets_can_be_told(document: Node) -> Iterator[Problem]:
    """Which data set a stack holds is said by the comments of tables, so a view has to name one."""
    views = document.at("feast", "feature_views").members.values()
    if any("source" in view.members for view in views):
        return
    for name, fixture in document.at("fixtures").members.items():
        if "given" in fixture.members:
            text = "no feature view has a source, whose comment would say which data set it holds"
            yield Problem(fixture.at("given").line, ("fixtures", name, "given"), text)


def _missing_keys(answer: Node, keys: Mapping[str, str], where: Where) -> Iterator[Problem]:
    given = answer.at("keys")
    # A key too many is a misspelling of the one that is missing, and is told as that.
    if given.members.keys() < keys.keys():
        missing = [name for name in keys if name not in given.members]
        yield Problem(given.line, (*where, "keys"), f"{quoted(missing[0])} is missing, a join key of the view")


def _misnamed(given: Node, known: Mapping[str, str], what: str, where: Where) -> Iterator[Problem]:
    for name, value in given.members.items():
        if name in known:
            yield from _mistyped(value, known[name], (*where, name))
        else:
            yield Problem(value.line, where, f"{quoted(name)} is not a {what} of the view", name, tuple(known))


def _mistyped(value: Node, dtype: str, where: Where) -> Iterator[Problem]:
    kinds = types.kinds(dtype)
    if kinds and value.kind not in (*kinds, "null"):
        yield Problem(value.line, where, f"{quoted(value.text)} is no {dtype}")


def _features(view: Node) -> dict[str, str]:
    return {name: node.text or node.at("dtype").text for name, node in view.at("features").members.items()}


def _about(document: Node, what: str) -> Iterator[tuple[Where, Node]]:
    """The fixtures that are about an entity, or about a view, and not about both."""
    for name, fixture in document.at("fixtures").members.items():
        if {"entity", "view"} & fixture.members.keys() == {what}:
            yield ("fixtures", name), fixture
