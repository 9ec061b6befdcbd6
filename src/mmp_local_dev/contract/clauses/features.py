"""Features: what the Feast registry holds, read from its file as it is, without Feast."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, Once, clause_of, meant
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.clauses.tables import located, schema_of_features
from mmp_local_dev.contract.model import Contract, Entity, Feast, Feature, FeatureService, FeatureView, Promise
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.services import feast_registry
from mmp_local_dev.services.feast_registry import Project, RegisteredView
from mmp_local_dev.services.postgresql_tables import Location

_PROJECT = "FEAST_PROJECT"

_APPLY = Repair("mmp-dev features apply", "in the provider's workspace: registers the feature definitions")
_NAME = r'(?:"[^"]+"|\w+)'
_TABLE_IN_QUERY = re.compile(rf"\b(?:FROM|JOIN)\s+({_NAME}(?:\s*\.\s*{_NAME})?)", re.IGNORECASE)

Judge = Callable[[Project, Environment], str | None]


def registered_project(contract: Contract) -> Once[Project]:
    """What the registry holds of the promised project. The file is read once, for all clauses."""
    return Once(lambda env, _timeout: _read(contract, env))


def clauses(contract: Contract, project: Once[Project]) -> Iterator[LiveClause]:
    """One of the registry, and one of each entity, view, feature and feature service."""
    if contract.feast is None:
        return
    feast = contract.feast
    registry = LiveClause(
        registry_id(feast), _holds_project(project), feast.line, _causes(contract), "postgresql", "feast"
    )
    yield registry
    for entity in feast.entities.values():
        yield _clause(f"feast.entity[{entity.name}]", entity, project, _entity(entity), registry.id)
    for view in feast.views.values():
        yield from _of_view(contract, view, project, registry.id)
    for service in feast.services.values():
        causes = dict.fromkeys(id_ for reference in service.features for id_ in feature_ids(reference))
        yield _clause(
            f"feature.service[{service.name}]", service, project, _feature_service(service), registry.id, *causes
        )


def registry_id(feast: Feast) -> str:
    """The id of the clause of the registry."""
    return f"feast.registry[{feast.project}]"


def feature_ids(reference: str) -> tuple[str, str]:
    """The ids of the clauses of a feature (`view:feature`) and of its view."""
    return f"feature.view[{reference.partition(':')[0]}]", f"feature.dtype[{reference}]"


def project_of(contract: Contract, env: Environment) -> str:
    """The project's name: the environment's, where it has one."""
    return env.get(_PROJECT) or (contract.feast.project if contract.feast else "")


def _causes(contract: Contract) -> tuple[str, ...]:
    return tuple(f"env.type[{name}]" for name in (feast_registry.PATH, _PROJECT) if name in contract.variables)


def _read(contract: Contract, env: Environment) -> Project:
    """The promised project. Raises ClauseBroken when the registry does not hold it."""
    name, path = project_of(contract, env), env.get(feast_registry.PATH)
    if not path:
        raise _no_registry(f"{feast_registry.PATH} is not in the environment", "no registry")
    try:
        registry = feast_registry.read(Path(path))
    except MmpError as error:
        raise _no_registry(error.message, "no readable registry") from None
    if name not in registry.projects:
        there = ", ".join(registry.projects) or "no project"
        raise _no_registry(f"{path} does not hold the project {name}", there, expected=f"the project {name}")
    return registry.projects[name]


def _no_registry(message: str, actual: str, *, expected: str = "a Feast registry") -> ClauseBroken:
    return ClauseBroken(message, expected=expected, actual=actual, repairs=[_APPLY])


def _holds_project(project: Once[Project]) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        found = project(env, timeout)
        return f"{len(found.views)} feature views" if len(found.views) != 1 else "1 feature view"

    return check


def _clause(clause_id: str, promise: Promise, project: Once[Project], judge: Judge, *causes: str) -> LiveClause:
    def check(env: Environment, timeout: float) -> str | None:
        return judge(project(env, timeout), env)

    return clause_of(clause_id, promise, check, *causes, section="feast", service="postgresql")


def _entity(entity: Entity) -> Judge:
    def judge(project: Project, _env: Environment) -> str:
        found = project.entities.get(entity.name)
        if found is None:
            raise _missing(entity, f"there is no entity {entity.name}", project.entities)
        expected, actual = f"{entity.join_key} {entity.dtype}", f"{found.join_key} {found.dtype}"
        if expected != actual:
            raise _different(f"the entity {entity.name} has another key", expected, actual)
        return actual

    return judge


def _of_view(contract: Contract, view: FeatureView, project: Once[Project], registry: str) -> Iterator[LiveClause]:
    causes = [registry, *(f"feast.entity[{name}]" for name in view.entities), *_columns(contract, view)]
    yield _clause(f"feature.view[{view.name}]", view, project, _view(contract, view), *causes)
    for feature in view.features.values():
        view_id, feature_id = feature_ids(f"{view.name}:{feature.name}")
        column = _column(contract, view, feature.name)
        yield _clause(feature_id, feature, project, _feature(view, feature), view_id, *column)


def _columns(contract: Contract, view: FeatureView) -> Iterator[str]:
    """The clauses of what the view reads for all of its features: its keys, and the time of each row."""
    entities = contract.feast.entities if contract.feast else {}
    for name in (*(entities[each].join_key for each in view.entities if each in entities), view.timestamp_field or ""):
        yield from _column(contract, view, name)


def _column(contract: Contract, view: FeatureView, name: str) -> Iterator[str]:
    """The clause of a column of the view's source, or of the source where the column is not promised."""
    table = contract.tables.get(view.source or "")
    if table:
        promised = name in table.columns
        yield f"table.column[{table.physical_name}:{name}]" if promised else f"table.present[{table.physical_name}]"


def _view(contract: Contract, view: FeatureView) -> Judge:
    def judge(project: Project, env: Environment) -> str:
        found = project.views.get(view.name)
        if found is None:
            raise _missing(view, f"there is no feature view {view.name}", project.views)
        wrong = list(_differences(contract, view, found, env))
        if wrong:
            expected, actual = ("; ".join(words) for words in zip(*wrong, strict=True))
            raise _different(f"the feature view {view.name} is another than promised", expected, actual)
        return f"{found.kind}, {_applied(found)}"

    return judge


def _differences(
    contract: Contract, view: FeatureView, found: RegisteredView, env: Environment
) -> Iterator[tuple[str, str]]:
    """What was promised, what is, for all in which they differ. A longer ttl and more places than promised are none.

    Of a view without entities nothing is promised but that it is there: a consumer names only the features it reads.
    """
    if not view.entities:
        return
    if set(view.entities) != set(found.entities) and found.kind != "on demand":
        yield f"entities {_listed(view.entities)}", f"entities {_listed(found.entities)}"
    if view.online and not found.online:
        yield "online", "not online"
    if found.ttl and (not view.ttl or found.ttl < view.ttl):
        yield f"ttl {view.ttl} s" if view.ttl else "no ttl", f"ttl {found.ttl} s"
    if view.timestamp_field and view.timestamp_field != found.timestamp_field:
        yield f"timestamp field {view.timestamp_field}", f"timestamp field {found.timestamp_field or 'none'}"
    if table := contract.tables.get(view.source or ""):
        expected = located(contract, table, env)
        sources = sources_of(found, schema_of_features(contract, env))
        if expected not in sources:
            yield f"source {'.'.join(expected)}", f"source {_listed('.'.join(each) for each in sources)}"


def sources_of(view: RegisteredView, schema: str) -> list[Location]:
    """The tables that a view reads; those that it names without a schema are looked for in `schema`."""
    names = [view.table] if view.table else _TABLE_IN_QUERY.findall(view.query)
    return [_location(name, schema) for name in names]


def _location(name: str, schema: str) -> Location:
    """Where a table lies that is written so in SQL; one without a schema is looked for in `schema`."""
    parts = [part.strip('"') if part.startswith('"') else part.lower() for part in re.findall(_NAME, name)]
    return (schema, parts[0]) if len(parts) == 1 else (parts[-2], parts[-1])


def _feature(view: FeatureView, feature: Feature) -> Judge:
    def judge(project: Project, _env: Environment) -> str:
        if view.name not in project.views:
            raise ClauseSkipped("optional, not there")
        features = project.views[view.name].features
        found = features.get(feature.name)
        if found is None:
            raise _missing(feature, f"{view.name} has no feature {feature.name}", features)
        if feature.dtype and found != feature.dtype:  # a consumer may need it without a word on its type
            raise _different(f"{view.name}:{feature.name} has another type", feature.dtype, found)
        return found

    return judge


def _feature_service(service: FeatureService) -> Judge:
    def judge(project: Project, _env: Environment) -> None:
        found = project.services.get(service.name)
        if found is None:
            raise _missing(service, f"there is no feature service {service.name}", project.services)
        if lacking := [reference for reference in service.features if reference not in found]:
            raise _different(
                f"the feature service {service.name} lacks {_listed(lacking)}",
                _listed(service.features),
                _listed(sorted(found)),
            )

    return judge


def _missing(promise: Promise, message: str, there: Iterable[str]) -> Exception:
    if not promise.required:
        return ClauseSkipped("optional, not there")
    return ClauseBroken(
        f"{message}{meant(promise.name, there)}",
        expected=promise.name,
        actual=_listed(there),
        repairs=[_APPLY],
    )


def _different(message: str, expected: str, actual: str) -> ClauseBroken:
    return ClauseBroken(message, expected=expected, actual=actual, repairs=[_APPLY])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _applied(view: RegisteredView) -> str:
    return f"applied {view.updated:%Y-%m-%d %H:%M} UTC" if view.updated else "never applied"
