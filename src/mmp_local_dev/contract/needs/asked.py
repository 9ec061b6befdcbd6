"""The part of a contract that a consumer asks for, as a contract: what is to be verified live on its behalf."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from mmp_local_dev.contract import well_known
from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.model import (
    Column,
    Contract,
    ContractService,
    Feast,
    Feature,
    FeatureView,
    ServiceLevel,
    Severity,
    Table,
    Variable,
    VariableType,
)
from mmp_local_dev.contract.needs.clauses.variables import contract_range
from mmp_local_dev.contract.needs.offer import NeedClause, Offer
from mmp_local_dev.contract.needs.packages import as_range
from mmp_local_dev.contract.requirements import FeatureNeed, Need, Requirements, ServiceNeed, TableNeed, VariableNeed
from mmp_local_dev.environment import Environment

_SECRET = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)$")


def as_contract(requirements: Requirements, base: Contract | None = None) -> Contract:
    """What `requirements` ask for and nothing else, so that `clauses_of` yields the clauses that concern the consumer.

    Types, addresses and bindings are those of `base` where it promises the thing, and of what is known of the
    well-known names otherwise; what the consumer says itself goes before both. Versions are the ranges that the
    consumer tolerates. A type that nobody says is "", an entity that nobody says is absent. Variables through which the
    services and features are reached come with them. Lines are those of the requirements.
    """
    services = {need.name: _service(need, base) for need in _needed_services(requirements)}
    return Contract(
        requirements.path,
        requirements.name,
        requirements.version,
        base.form if base else "",
        _variables(requirements, services, base),
        services,
        tables={table.name: table for table in (_table(need, base) for need in requirements.tables.values())},
        feast=_feast(requirements, base) if requirements.features else None,
        mlflow_capabilities=tuple(requirements.capabilities),
        mlflow_line=min((need.line for need in requirements.capabilities.values()), default=0),
        service_levels={level.name: level for level in _levels(requirements)},
        description=requirements.description,
    )


def version_clauses(requirements: Requirements, contract: Contract) -> list[LiveClause]:
    """What the consumer says of the contract's version, to be verified beside the clauses of `as_contract`."""
    return [_with(clause, Offer(contract)) for clause in contract_range(requirements)]


def _with(clause: NeedClause, offer: Offer) -> LiveClause:
    def check(_env: Environment, timeout: float) -> str | None:
        return clause.check(offer, timeout)

    return LiveClause(clause.id, check, clause.line, section=clause.section)


def _needed_services(requirements: Requirements) -> Iterator[ServiceNeed]:
    """Those that are named, and those that what is asked for lives in."""
    yield from requirements.services.values()
    implied: Mapping[str, Mapping[str, Need]] = {
        "postgresql": requirements.tables,
        "mlflow": requirements.capabilities,
    }
    for name, needs in implied.items():
        if needs and name not in requirements.services:
            yield ServiceNeed(name, line=min(need.line for need in needs.values()))


def _service(need: ServiceNeed, base: Contract | None) -> ContractService:
    known = base.services.get(need.name) if base else None
    return ContractService(
        need.name,
        known.protocol if known else well_known.SERVICES.get(need.name, ""),
        need.version,
        known.port if known else 0,
        clients={package: as_range(versions) for package, versions in need.clients.items()},
        endpoints=known.endpoints if known else {},
        line=need.line,
    )


def _variables(
    requirements: Requirements, services: Mapping[str, ContractService], base: Contract | None
) -> dict[str, Variable]:
    promised = base.variables if base else well_known.VARIABLES
    asked = {need.name: _variable(need, promised.get(need.name)) for need in requirements.variables.values()}
    for variable in promised.values():
        if _leads_there(variable, services, requirements):
            service = services.get((variable.binds or "").partition(".")[0])
            asked.setdefault(variable.name, replace(variable, line=service.line if service else 1))
    return asked


def _leads_there(variable: Variable, services: Collection[str], requirements: Requirements) -> bool:
    """Whether what is asked for is reached through it: a service, a schema, the identity of all, the feature store."""
    service, _, part = (variable.binds or "").partition(".")
    if part == "schema":
        return bool(requirements.tables or requirements.features)
    return service in (*services, "stack") or (bool(requirements.features) and variable.name.startswith("FEAST_"))


def _variable(need: VariableNeed, promised: Variable | None) -> Variable:
    if promised is None:  # so the consumer has to set it itself
        sensitive = bool(_SECRET.search(need.name))
        promised = Variable(need.name, VariableType.STRING, sensitive=sensitive, accepted=True)
    return replace(
        promised, type=need.type or promised.type, required=need.required, severity=Severity.ERROR, line=need.line
    )


def _table(need: TableNeed, base: Contract | None) -> Table:
    tables = base.tables.values() if base else ()
    known = next((table for table in tables if table.physical_name == need.name), None)
    types = {name: column.type for name, column in known.columns.items()} if known else {}
    columns = {c.name: Column(c.name, c.type or types.get(c.name, ""), line=c.line) for c in need.columns.values()}
    return Table(known.name if known else need.name, need.name, columns, line=need.line)


def _project(base: Contract | None) -> str:
    """The project of a contract without a feature store: what its variable says if nobody sets it."""
    variable = base.variables.get("FEAST_PROJECT") if base else None
    return (variable.default if variable else None) or "default"


def _feast(requirements: Requirements, base: Contract | None) -> Feast:
    known = base.feast if base and base.feast else Feast(_project(base), 3, {}, {})
    views: dict[str, FeatureView] = {}
    for need in requirements.features.values():
        view = views.get(need.view) or _view(need, known, requirements, base)
        views[need.view] = replace(view, features={**view.features, need.feature: _feature(need, known)})
    used = {entity for view in views.values() for entity in view.entities}
    return replace(
        known,
        entities={name: entity for name, entity in known.entities.items() if name in used},
        views=views,
        services={},
        line=min(need.line for need in requirements.features.values()),
    )


def _view(need: FeatureNeed, known: Feast, requirements: Requirements, base: Contract | None) -> FeatureView:
    """Without features. It keeps its source only where the consumer reads that table, too."""
    view = known.views.get(need.view) or FeatureView(need.view, (), {})
    source = base.tables.get(view.source or "") if base else None
    kept = view.source if source and source.physical_name in requirements.tables else None
    return replace(view, features={}, source=kept, line=need.line)


def _feature(need: FeatureNeed, known: Feast) -> Feature:
    features = known.views[need.view].features if need.view in known.views else {}
    promised = features[need.feature].dtype if need.feature in features else ""
    return Feature(need.feature, need.dtype or promised, line=need.line)


def _levels(requirements: Requirements) -> Iterator[ServiceLevel]:
    """Warnings: how quick a machine is depends on the machine."""
    for need in requirements.latency.values():
        yield ServiceLevel(
            need.name, "latency", need.value, need.unit, need.name, severity=Severity.WARNING, line=need.line
        )
