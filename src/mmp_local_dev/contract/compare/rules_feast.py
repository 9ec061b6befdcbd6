"""What has changed about the feature store. A contract without one has an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

from mmp_local_dev.contract.compare.changes import FEAST, Change, Subject
from mmp_local_dev.contract.compare.pairs import Pair, Place, Rule, compared
from mmp_local_dev.contract.model import Contract, Entity, Feast, Feature, FeatureService, FeatureView, Promise

_NOTHING = Feast("", 0, {}, {})


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of the store, of entities, views, the features of views that stay, and feature services."""
    was, now = old.feast or _NOTHING, new.feast or _NOTHING
    yield from _store(was, now)
    yield from compared(was.entities, now.entities, partial(_entity_place, (was, now)), _ENTITY_RULES, as_of)
    yield from compared(was.views, now.views, _view_place, _VIEW_RULES, as_of)
    for name in sorted(was.views.keys() & now.views.keys()):
        yield from _features(was.views[name], now.views[name], as_of)
    yield from compared(was.services, now.services, _service_place, _SERVICE_RULES, as_of)


def _store(old: Feast, new: Feast) -> Iterator[Change]:
    pair = Pair(
        Promise("feast", line=old.line), Promise("feast", line=new.line), Place("feast", "feast", FEAST, "feast")
    )
    yield from pair.appears("feast-project", "project", old.project, new.project)
    if old is not _NOTHING and new is not _NOTHING:
        yield from pair.differs(
            "entity-key-serialization-changed",
            "entity_key_serialization_version",
            old.entity_key_serialization_version,
            new.entity_key_serialization_version,
        )


def _entity_place(stores: tuple[Feast, Feast], entity: Entity) -> Place:
    """Requirements name no entities, but the features of the views that are keyed by them."""
    views = {view.name for store in stores for view in store.views.values() if entity.name in view.entities}
    touches = tuple(Subject("view", name) for name in sorted(views))
    return Place("entity", "feast", Subject("entity", entity.name), entity.name, touches=touches)


def _view_place(view: FeatureView) -> Place:
    return Place("view", "feast", Subject("view", view.name), view.name)


def _service_place(service: FeatureService) -> Place:
    touches = tuple(Subject("feature", feature) for feature in sorted(service.features))
    return Place("feature-service", "feast", Subject("feature_service", service.name), service.name, touches=touches)


def _features(old: FeatureView, new: FeatureView, as_of: date) -> Iterator[Change]:
    def place(feature: Feature) -> Place:
        name = f"{old.name}:{feature.name}"
        return Place("feature", "feast", Subject("feature", name), name, old.stability)

    yield from compared(old.features, new.features, place, _FEATURE_RULES, as_of)


def _join_key(pair: Pair[Entity]) -> Iterator[Change]:
    yield from pair.differs("entity-join-key-changed", "join_key", pair.old.join_key, pair.new.join_key)


def _entity_dtype(pair: Pair[Entity]) -> Iterator[Change]:
    yield from pair.differs("entity-dtype-changed", "dtype", pair.old.dtype, pair.new.dtype)


def _dtype(pair: Pair[Feature]) -> Iterator[Change]:
    yield from pair.differs("feature-dtype-changed", "dtype", pair.old.dtype, pair.new.dtype)


def _entities(pair: Pair[FeatureView]) -> Iterator[Change]:
    old, new = (", ".join(sorted(view.entities)) for view in (pair.old, pair.new))
    yield from pair.differs("view-entities-changed", "entities", old, new)


def _definition(pair: Pair[FeatureView]) -> Iterator[Change]:
    """What the values are made of; whether they mean something else, the contract cannot tell."""
    old, new = pair.old, pair.new
    yield from pair.appears("view-definition", "definition_digest", old.definition_digest, new.definition_digest)
    yield from pair.differs("view-source-changed", "source", old.source, new.source)
    yield from pair.differs("view-timestamp-field-changed", "timestamp_field", old.timestamp_field, new.timestamp_field)


def _ttl(pair: Pair[FeatureView]) -> Iterator[Change]:
    """0 is no end."""
    old, new = pair.old.ttl, pair.new.ttl
    word = "shortened" if (new or float("inf")) < (old or float("inf")) else "lengthened"
    yield from pair.differs(f"view-ttl-{word}", "ttl", _seconds(old), _seconds(new))


def _seconds(ttl: int) -> str | None:
    return f"{ttl}s" if ttl else None


def _online(pair: Pair[FeatureView]) -> Iterator[Change]:
    if pair.old.online != pair.new.online:
        word, told = ("added", "can be read online now") if pair.new.online else ("removed", "is no longer online")
        yield pair.change(f"view-online-{word}", told)


def _service_features(pair: Pair[FeatureService]) -> Iterator[Change]:
    yield from pair.gained("feature-service-feature", "with", pair.old.features, pair.new.features)


_ENTITY_RULES: tuple[Rule[Entity], ...] = (_join_key, _entity_dtype)
_VIEW_RULES: tuple[Rule[FeatureView], ...] = (_entities, _definition, _ttl, _online)
_FEATURE_RULES: tuple[Rule[Feature], ...] = (_dtype,)
_SERVICE_RULES: tuple[Rule[FeatureService], ...] = (_service_features,)
