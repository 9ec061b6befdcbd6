"""What a Feast registry holds, in the words of a contract, so that the rules of `contract diff` can judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from hashlib import sha256

from mmp_local_dev.contract.clauses.features import sources_of
from mmp_local_dev.contract.clauses.tables import located, schema_of_features
from mmp_local_dev.contract.compare.changes import Change, Weight
from mmp_local_dev.contract.compare.diff import diff
from mmp_local_dev.contract.model import Contract, Entity, Feast, Feature, FeatureService, FeatureView
from mmp_local_dev.contract.waivers import Waivers
from mmp_local_dev.environment import Environment
from mmp_local_dev.services.feast_registry import Project, RegisteredEntity, RegisteredView

_NOTHING = Feast("", 0, {}, {})


def feast_of(project: Project, key_version: int, contract: Contract, env: Environment) -> Feast:
    """A project as a contract would promise it; what `contract` promises too is on its terms, such as its stability.

    `key_version` is the version in which entity keys are written, which no registry tells.
    """
    promised = contract.feast or _NOTHING
    return Feast(
        promised.project or project.name,
        key_version,
        {name: _entity(name, each, promised) for name, each in project.entities.items()},
        {name: _view(name, each, promised, contract, env) for name, each in project.views.items()},
        {name: _service(name, each, promised) for name, each in project.services.items()},
        line=promised.line,
    )


def changes(old: Feast | None, new: Feast, contract: Contract, *, as_of: date, waivers: Waivers) -> tuple[Change, ...]:
    """What of a feature store has changed, as `contract diff` finds and weighs it. None: there was no store."""
    was, now = replace(contract, feast=old), replace(contract, feast=new)
    return tuple(each for each in diff(was, now, as_of=as_of, waivers=waivers).changes if each.section == "feast")


def breaking(found: tuple[Change, ...]) -> tuple[Change, ...]:
    """Those after which consumers can stop working, and that are not waived."""
    return tuple(change for change in found if change.severity is Weight.ERR and not change.waived)


def _entity(name: str, found: RegisteredEntity, promised: Feast) -> Entity:
    known = promised.entities.get(name) or Entity(name, "", "")
    return replace(known, join_key=found.join_key, dtype=found.dtype)


def _view(name: str, found: RegisteredView, promised: Feast, contract: Contract, env: Environment) -> FeatureView:
    known = promised.views.get(name) or FeatureView(name, (), {})
    return replace(
        known,
        # The registry says of no view on demand whose it is.
        entities=known.entities if found.kind == "on demand" else found.entities,
        features={feature: _feature(feature, dtype, known) for feature, dtype in found.features.items()},
        source=_source(found, contract, env),
        timestamp_field=found.timestamp_field or None,
        ttl=found.ttl,
        online=found.online,
        definition_digest=sha256(found.query.encode()).hexdigest() if found.query else "",
    )


def _feature(name: str, dtype: str, view: FeatureView) -> Feature:
    return replace(view.features.get(name) or Feature(name, ""), dtype=dtype)


def _service(name: str, references: frozenset[str], promised: Feast) -> FeatureService:
    known = promised.services.get(name) or FeatureService(name, ())
    return replace(known, features=tuple(sorted(references)))


def _source(view: RegisteredView, contract: Contract, env: Environment) -> str | None:
    """The tables that a view reads, by their names in the contract where they are promised."""
    names: Mapping[tuple[str, str], str] = {
        located(contract, each, env): each.name for each in contract.tables.values()
    }
    found = sources_of(view, schema_of_features(contract, env))
    return ", ".join(names.get(each, ".".join(each)) for each in found) or None
