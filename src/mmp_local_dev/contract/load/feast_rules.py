"""What the feature store of a contract has to be beyond its form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mmp_local_dev.contract import types
from mmp_local_dev.contract.load.document import Node, Problem, quoted, unknown

Where = tuple[str, ...]
_PROTOCOLS = ("postgresql", "redis")  # of the offline store and the online store


def servers_are_there(document: Node) -> Iterator[Problem]:
    """The services that the stores are in are promised, too."""
    spoken = {service.at("protocol").text for service in document.at("services").members.values()}
    for protocol in _PROTOCOLS:
        if protocol not in spoken:
            text = f"needs a service of protocol {protocol}, which is not in services"
            yield Problem(document.at("feast").line, ("feast",), text)


def entities_are_known(document: Node) -> Iterator[Problem]:
    """A view names entities of this contract."""
    entities = document.at("feast", "entities").members
    for where, view in _views(document):
        for item in view.at("entities").items:
            yield from unknown(item, (*where, "entities"), entities, "an entity")


def sources_are_known(document: Node) -> Iterator[Problem]:
    """A view reads a table of this contract."""
    tables = _tables(document)
    for where, view in _views(document):
        if "source" in view.members:
            yield from unknown(view.at("source"), (*where, "source"), tables, "a table of schema")


def timestamps_are_columns(document: Node) -> Iterator[Problem]:
    """`timestamp_field` is a column of the source that holds moments."""
    for where, view, columns in _views_with_columns(document):
        field = view.at("timestamp_field")
        if field.text:
            yield from _fits(field, field.text, "UnixTimestamp", columns, (*where, "timestamp_field"))


def join_keys_are_columns(document: Node) -> Iterator[Problem]:
    """The join keys of a view's entities are columns of its source."""
    entities = document.at("feast", "entities").members
    for where, view, columns in _views_with_columns(document):
        for item in view.at("entities").items:
            entity = entities.get(item.text)
            if entity is not None:
                key, dtype = entity.at("join_key").text, entity.at("dtype").text
                yield from _fits(item, key, dtype, columns, (*where, "entities"))


def features_are_columns(document: Node) -> Iterator[Problem]:
    """Each feature is a column of the source, of a type that Feast can hold as the feature's."""
    for where, view, columns in _views_with_columns(document):
        for name, feature in view.at("features").members.items():
            dtype = feature.text or feature.at("dtype").text
            yield from _fits(feature, name, dtype, columns, (*where, "features", name))


def _fits(said: Node, name: str, dtype: str, columns: Mapping[str, Node], where: Where) -> Iterator[Problem]:
    """What is wrong with `name`, that `said` names, as a column that is to be a `dtype`."""
    column = columns.get(name)
    if column is None:
        text = f"{quoted(name)} is not a column of the view's source"
        yield Problem(said.line, where, text, name, tuple(columns))
        return
    written = column.at("physicalType")
    possible = types.dtypes(written.text)
    if possible and dtype not in possible:
        text = f"{name} is {written.text} in PostgreSQL (line {written.line}), which fits {' or '.join(possible)}"
        yield Problem(said.line, where, f"{text}, not {dtype}")


def services_name_features(document: Node) -> Iterator[Problem]:
    """A feature service names features of this contract."""
    known = features(document)
    for name, service in document.at("feast", "feature_services").members.items():
        for item in service.at("features").items:
            yield from unknown(item, ("feast", "feature_services", name, "features"), known, "a feature")


def features(document: Node) -> tuple[str, ...]:
    """Every feature, as `view:feature`."""
    views = document.at("feast", "feature_views").members
    return tuple(f"{view}:{feature}" for view, node in views.items() for feature in node.at("features").members)


def join_keys(document: Node, view: str) -> dict[str, str]:
    """The join keys of a view, each with its type of Feast; none when an entity of it is not known."""
    entities = document.at("feast", "entities").members
    names = [item.text for item in document.at("feast", "feature_views", view, "entities").items]
    if not entities.keys() >= {*names}:
        return {}
    return {entities[name].at("join_key").text: entities[name].at("dtype").text for name in names}


def _views(document: Node) -> Iterator[tuple[Where, Node]]:
    for name, view in document.at("feast", "feature_views").members.items():
        yield ("feast", "feature_views", name), view


def _views_with_columns(document: Node) -> Iterator[tuple[Where, Node, dict[str, Node]]]:
    """The views whose source is known, with the columns of that."""
    tables = _tables(document)
    for where, view in _views(document):
        table = tables.get(view.at("source").text)
        if table is not None:
            yield where, view, _by_name(table.at("properties").items)


def _tables(document: Node) -> dict[str, Node]:
    return _by_name(document.at("schema").items)


def _by_name(items: Sequence[Node]) -> dict[str, Node]:
    """The first one of each name; that there is a second one is told by another rule."""
    return {item.at("name").text: item for item in reversed(items)}
