"""Feast: the repository's configuration and definitions are what the contract promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Contract, Entity, Feast, Feature, FeatureService, FeatureView, Promise
from mmp_local_dev.contract.static import definitions as read
from mmp_local_dev.contract.static import feature_store
from mmp_local_dev.contract.static.base import StaticCheck, StaticClause, drift, readable, readable_id
from mmp_local_dev.contract.static.files import Place
from mmp_local_dev.contract.static.sources import FEAST, FEATURE_STORE, Sources
from mmp_local_dev.contract.static.syntax import UNKNOWN, Call
from mmp_local_dev.errors import Repair

DEFINITIONS = f"{FEAST}/*.py"
REGISTRY_PATH = "FEAST_REGISTRY_PATH"  # the variable by which consumers find the registry
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True)
class _Difference:
    """One way in which a definition is not as promised, and where."""

    place: Place
    what: str
    expected: str
    actual: str


def clauses(contract: Contract) -> Iterator[StaticClause]:
    """One of the configuration, one of each entity, view, feature and feature service."""
    feast = contract.feast
    if feast is None:
        return
    yield readable(FEATURE_STORE, Sources.feature_store, "feast", feast.line)
    registry = f"feast.registry[{feast.project}]"
    causes = (readable_id(FEATURE_STORE),)
    yield StaticClause(registry, _registry(contract, feast), feast.line, causes, section="feast")
    files = readable(DEFINITIONS, Sources.definitions, "feast", feast.line)
    yield StaticClause(files.id, files.check, files.line, (registry,), section="feast")
    for entity in feast.entities.values():
        yield _clause(f"feast.entity[{entity.name}]", entity, _entity(entity), files.id)
    for view in feast.views.values():
        yield from _of_view(contract, view, files.id)
    for service in feast.services.values():
        views = dict.fromkeys(f"feature.view[{each.partition(':')[0]}]" for each in service.features)
        yield _clause(f"feature.service[{service.name}]", service, _service(service), files.id, *views)


def _of_view(contract: Contract, view: FeatureView, files: str) -> Iterator[StaticClause]:
    entities = [f"feast.entity[{name}]" for name in view.entities]
    made = _clause(f"feature.view[{view.name}]", view, _view(contract, view), files, *entities)
    yield made
    for feature in view.features.values():
        yield _clause(f"feature.dtype[{view.name}:{feature.name}]", feature, _dtype(view, feature), made.id)


def _clause(clause_id: str, promise: Promise, check: StaticCheck, *causes: str) -> StaticClause:
    return StaticClause(clause_id, check, promise.line, causes, section="feast", severity=promise.severity)


def _raise_first(differences: list[_Difference], repair: str) -> None:
    """Raise all differences as one drift, at the place of the first; nothing when there are none."""
    if not differences:
        return
    raise drift(
        differences[0].place,
        "; ".join(each.what for each in differences),
        expected=", ".join(each.expected for each in differences),
        actual=", ".join(each.actual for each in differences),
        repair=repair,
    )


def _registry(contract: Contract, feast: Feast) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> None:
        store = sources.feature_store()
        if store is None:
            raise ClauseBroken(
                f"{FEATURE_STORE}: there is none, though the contract promises features",
                expected=f"project: {feast.project}",
                actual="none",
                repairs=[Repair("", f"put the Feast repository into {FEAST}")],
            )
        _raise_first(list(_of_store(contract, feast, store)), f"correct {FEATURE_STORE}")

    return check


def _of_store(contract: Contract, feast: Feast, store: feature_store.FeatureStore) -> Iterator[_Difference]:
    values = {name: each.default for name, each in contract.variables.items() if each.default}
    version = "entity_key_serialization_version"
    serialization = str(feast.entity_key_serialization_version)
    project = feature_store.expanded(store.text("project"), values)
    for keys, promised, actual in (
        (("project",), feast.project, project),
        (("online_store", "type"), "redis", store.type_of("online_store")),
        (("offline_store", "type"), "postgres", store.type_of("offline_store")),
        ((version,), serialization, store.text(version) or serialization),
    ):
        if actual != promised and not feature_store.references(actual):
            key = ".".join(keys)
            place = store.place(*keys) if store.text(*keys) else store.place(keys[0])
            yield _Difference(place, f"{key} is another", f"{key}: {promised}", f"{key}: {actual or 'none'}")
    if REGISTRY_PATH in contract.variables and REGISTRY_PATH not in feature_store.references(store.registry):
        wanted = f"registry: ${{{REGISTRY_PATH}}}"
        what = f"the registry is not where {REGISTRY_PATH} says"
        yield _Difference(store.place("registry"), what, wanted, store.registry or "none")


def _entity(entity: Entity) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> str:
        made = _definition(sources, "Entity", entity.name)
        found = {"join_keys": read.join_key(made), "value_type": read.value_type(made)}
        promised = {"join_keys": entity.join_key, "value_type": entity.dtype}
        wrong = [
            _Difference(made.place_of(name), f"{name} of {entity.name} is another", promised[name], str(actual))
            for name, actual in found.items()
            if actual is not UNKNOWN and actual != promised[name]
        ]
        _raise_first(wrong, f"make the entity {entity.name} of {entity.join_key}, {entity.dtype}")
        return str(made.place)

    return check


def _definition(sources: Sources, kind: str, name: str) -> Call:
    """The definition of that kind and name; raises where there is none, or where that cannot be known."""
    found = sources.definitions()
    of_kind = {"Entity": found.entities, "FeatureView": found.views, "FeatureService": found.services}[kind]
    if name in of_kind:
        return of_kind[name]
    if kind in found.nameless:
        raise ClauseSkipped(f"{found.nameless[kind]}: its name is known only when it runs")
    raise drift(
        FEAST,
        f"no file defines the {kind} {name}",
        expected=f'{kind}(name="{name}")',
        actual=", ".join(of_kind) or "none",
        repair=f"define {name} in {FEAST}, or take it out of the contract with a new version",
    )


def _view(contract: Contract, view: FeatureView) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> str:
        made = _definition(sources, "FeatureView", view.name)
        wrong = [*_of_definition(view, made), *_of_source(contract, view, made)]
        _raise_first(wrong, f"correct {view.name}, or change the contract and its version")
        return str(made.place)

    return check


def _of_definition(view: FeatureView, made: Call) -> Iterator[_Difference]:
    entities = read.entity_names(made)
    if entities is not UNKNOWN and entities != list(view.entities):
        what = f"{view.name} is of other entities"
        yield _Difference(made.place_of("entities"), what, _listed(view.entities), _listed(entities))
    ttl = read.ttl(made)
    if ttl is not UNKNOWN and ttl != view.ttl:
        what = f"the ttl of {view.name} is another"
        yield _Difference(made.place_of("ttl"), what, f"ttl {_duration(view.ttl)}", f"ttl {_duration(ttl)}")
    online = made.argument("online", default=True)
    if isinstance(online, bool) and online != view.online:
        what = f"{view.name} is {'' if online else 'not '}online"
        yield _Difference(made.place_of("online"), what, f"online {view.online}", f"online {online}")


def _of_source(contract: Contract, view: FeatureView, made: Call) -> Iterator[_Difference]:
    source = read.source(made)
    if source is None:
        return
    table = contract.tables.get(view.source or "")
    reads = read.tables(source)
    if table and reads is not UNKNOWN and not {table.physical_name, table.physical_name.partition(".")[2]} & reads:
        place = source.place_of("table" if "table" in source.arguments else "query")
        yield _Difference(place, f"{view.name} reads another table", table.physical_name, _listed(sorted(reads)))
    column = source.argument("timestamp_field", "")
    if view.timestamp_field and isinstance(column, str) and column != view.timestamp_field:
        what = f"{view.name} takes another column for the time"
        yield _Difference(source.place_of("timestamp_field"), what, view.timestamp_field, column or "none")


def _dtype(view: FeatureView, feature: Feature) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> str:
        made = _definition(sources, "FeatureView", view.name)
        fields, complete = read.fields(made)
        if feature.name not in fields:
            raise _no_field(view, feature, made, [*fields] if complete else None)
        dtype, place = fields[feature.name]
        if dtype is UNKNOWN:
            raise ClauseSkipped(f"{place}: its type is known only when it runs")
        if dtype != feature.dtype:
            raise drift(
                place,
                f"{view.name}:{feature.name} is of another type",
                expected=feature.dtype,
                actual=str(dtype),
                repair=f'write Field(name="{feature.name}", dtype={feature.dtype})',
            )
        return str(dtype)

    return check


def _no_field(view: FeatureView, feature: Feature, made: Call, fields: list[str] | None) -> Exception:
    """`fields` are all that there are, None when that cannot be known."""
    if fields is None:
        return ClauseSkipped(f"{made.place}: the schema of {view.name} is known only when it runs")
    return drift(
        made.place_of("schema"),
        f"{view.name} has no feature {feature.name}",
        expected=f"{feature.name}: {feature.dtype}",
        actual=", ".join(fields),
        repair=f'add Field(name="{feature.name}", dtype={feature.dtype}) to the schema of {view.name}',
    )


def _service(service: FeatureService) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> str:
        made = _definition(sources, "FeatureService", service.name)
        found, complete = read.references(made)
        missing = [each for each in service.features if each not in found]
        if missing and not complete:
            raise ClauseSkipped(f"{made.place}: its features are known only when it runs")
        if missing:
            raise drift(
                made.place_of("features"),
                f"{service.name} lacks {', '.join(missing)}",
                expected=", ".join(service.features),
                actual=", ".join(sorted(found)) or "none",
                repair=f"add {', '.join(missing)} to {service.name}",
            )
        return str(made.place)

    return check


def _listed(names: object) -> str:
    return ", ".join(str(name) for name in names) or "none" if isinstance(names, list | tuple) else str(names)


def _duration(seconds: float) -> str:
    """As the contract writes durations: 365d, 15m, 0."""
    for unit, length in _UNITS:
        if seconds and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{seconds:g}"
