"""The definitions of a Feast repository: entities, feature views and feature services, read off the source.

What only running the files would tell is UNKNOWN; whoever compares leaves that out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmp_local_dev.contract.static import syntax
from mmp_local_dev.contract.static.files import Place
from mmp_local_dev.contract.static.syntax import UNKNOWN, Call, Module, Picked, Word

_ENTITY = ("Entity",)
_VIEW = ("FeatureView", "BatchFeatureView", "StreamFeatureView")
_SERVICE = ("FeatureService",)
_IN_QUERY = re.compile(r"\b(?:FROM|JOIN)\s+(\"?\w+\"?(?:\.\"?\w+\"?)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Definitions:
    """What the files of `folder` define, by name; `nameless` are definitions whose name cannot be read."""

    folder: str
    entities: Mapping[str, Call]
    views: Mapping[str, Call]
    services: Mapping[str, Call]
    nameless: Mapping[str, Place]


def parse(folder: str, texts: Mapping[str, str]) -> Definitions:
    """What the Python files of `folder`, given by name, define. Raises FileBroken, as `file:line: why`."""
    modules = syntax.parse(texts)
    nameless: dict[str, Place] = {}
    entities, views, services = (_named(modules, kinds, nameless) for kinds in (_ENTITY, _VIEW, _SERVICE))
    return Definitions(folder, entities, views, services, nameless)


def _named(modules: Iterable[Module], kinds: tuple[str, ...], nameless: dict[str, Place]) -> dict[str, Call]:
    found: dict[str, Call] = {}
    for call in (call for module in modules for call in module.calls(*kinds)):
        name = call.argument("name")
        if isinstance(name, str):
            found[name] = call
        else:
            nameless.setdefault(kinds[0], call.place)
    return found


def join_key(entity: Call) -> Any:
    """The column that an entity is joined on: text or UNKNOWN."""
    keys = entity.argument("join_keys")
    if keys is None:
        return entity.argument("name")
    return keys[0] if isinstance(keys, list) and keys else UNKNOWN


def value_type(entity: Call) -> Any:
    """Feast's name of an entity's type in the words of features (`String`); UNKNOWN where it is not told."""
    word = entity.argument("value_type")
    return _WORDS.get(word.text, UNKNOWN) if isinstance(word, Word) else UNKNOWN


# feast.ValueType has other names than feast.types.
_WORDS = {
    "STRING": "String",
    "BYTES": "Bytes",
    "BOOL": "Bool",
    "INT32": "Int32",
    "INT64": "Int64",
    "FLOAT": "Float32",
    "DOUBLE": "Float64",
    "UNIX_TIMESTAMP": "UnixTimestamp",
}


def entity_names(view: Call) -> Any:
    """The names of a view's entities, in order; UNKNOWN when one of them is."""
    entities = view.argument("entities", [])
    if not isinstance(entities, list):
        return UNKNOWN
    names = [each.argument("name") if isinstance(each, Call) else each for each in entities]
    return names if all(isinstance(name, str) for name in names) else UNKNOWN


def ttl(view: Call) -> Any:
    """A view's time to live in seconds, 0 for none; or UNKNOWN."""
    value = view.argument("ttl", 0)
    return 0 if value is None else value if isinstance(value, int | float) else UNKNOWN


def fields(view: Call) -> tuple[dict[str, tuple[Any, Place]], bool]:
    """The fields that a view's schema names, each with its type (text or UNKNOWN) and place; and whether those are
    all."""
    schema = view.argument("schema", [])
    if not isinstance(schema, list):
        return {}, False
    found: dict[str, tuple[Any, Place]] = {}
    for each in schema:
        name = each.argument("name") if isinstance(each, Call) else UNKNOWN
        if isinstance(name, str):
            dtype = each.argument("dtype")
            found[name] = (dtype.text if isinstance(dtype, Word) else UNKNOWN, each.place)
    return found, bool(schema) and len(found) == len(schema)


def source(view: Call) -> Call | None:
    """The batch source of a view; None when it cannot be read."""
    found = view.argument("source")
    if isinstance(found, Call) and "batch_source" in found.arguments:
        found = found.argument("batch_source")
    return found if isinstance(found, Call) else None


def tables(source: Call) -> Any:
    """The tables that a source reads, as they are written, in lower case; UNKNOWN when that cannot be known."""
    table, query = source.argument("table"), source.argument("query")
    if isinstance(table, str):
        return {table.replace('"', "").lower()}
    found = {name.replace('"', "").lower() for name in _IN_QUERY.findall(query)} if isinstance(query, str) else set()
    return found or UNKNOWN


def references(service: Call) -> tuple[set[str], bool]:
    """The features of a service as `view:feature`, and whether those are all of them."""
    features = service.argument("features", [])
    if not isinstance(features, list):
        return set(), False
    found: set[str] = set()
    known = True
    for each in features:
        names, whole = _picked(each)
        found.update(names)
        known = known and whole
    return found, known


def _picked(part: Any) -> tuple[list[str], bool]:
    keys = part.keys if isinstance(part, Picked) else None
    view = part.whole if isinstance(part, Picked) else part
    name = view.argument("name") if isinstance(view, Call) else UNKNOWN
    if not isinstance(view, Call) or not isinstance(name, str):
        return [], False
    if isinstance(part, Picked):
        names = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
        return [f"{name}:{key}" for key in names], isinstance(keys, list) and len(names) == len(keys)
    known, whole = fields(view)
    return [f"{name}:{key}" for key in known], whole
