"""The contract as a page that consumers can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mmp_local_dev.contract.model import (
    Column,
    Contract,
    ContractService,
    FeatureView,
    KnownKeys,
    Promise,
    ServiceLevel,
    Table,
    Variable,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")
_DAY = 86_400


def markdown(contract: Contract) -> str:
    """A page of Markdown with a table for each section that the contract has."""
    parts = (_head, _environment, _services, _tables, _features, _capabilities, _fixtures, _levels)
    return "\n".join(line for part in parts for line in part(contract))


def _head(contract: Contract) -> Iterator[str]:
    yield f"# {_text(contract.name)} {contract.version}"
    yield ""
    if contract.description:
        yield f"{_text(contract.description)}\n"
    facts = {"status": contract.status, "owner": contract.owner, "form": contract.form}
    yield " · ".join(f"{name}: {_text(value)}" for name, value in facts.items() if value)
    yield ""


def _environment(contract: Contract) -> Iterator[str]:
    rows = [_variable(variable) for variable in contract.variables.values()]
    yield from _section("Environment", ("variable", "type", "always there", "default", ""), rows)


def _variable(variable: Variable) -> Sequence[str]:
    there = "set by you" if variable.accepted else "yes" if variable.required else "no"
    default = "a secret" if variable.sensitive else _code(variable.default or "")
    values = f"always {default}" if variable.const else default
    choices = f"one of {', '.join(map(_code, variable.enum))}" if variable.enum else ""
    return _code(variable.name), variable.type, there, values, _notes(variable, choices)


def _services(contract: Contract) -> Iterator[str]:
    header = ("service", "version", "port", "clients", "login, TLS", "")
    yield from _section("Services", header, [_service(service) for service in contract.services.values()])


def _service(service: ContractService) -> Sequence[str]:
    port = f"{service.port}{'' if service.port_policy == 'fixed' else ' or as its variable says'}"
    clients = ", ".join(f"{name} {_code(versions)}" for name, versions in service.clients.items())
    health = f"healthy when {_code(service.health_path)} answers 200" if service.health_path else ""
    login = f"{service.auth}, {service.tls}"
    return _code(service.name), _code(service.version), port, clients, login, _notes(service, health)


def _tables(contract: Contract) -> Iterator[str]:
    for table in contract.tables.values():
        rows = [
            (
                _code(column.name),
                _code(column.type),
                "yes" if column.nullable else "no",
                _notes(column, _key(table, name)),
            )
            for name, column in table.columns.items()
        ]
        yield from _section(f"Table {_code(table.physical_name)}", ("column", "type", "null", ""), rows, table)


def _column(table: Table, column: Column) -> Sequence[str]:
    null = "yes" if column.nullable else "no"
    return _code(column.name), _code(column.type), null, _notes(column, _key(table, column.name))


def _key(table: Table, column: str) -> str:
    if column in table.primary_key:
        return "primary key" if len(table.primary_key) == 1 else f"primary key, {table.primary_key.index(column) + 1}"
    return "unique" if table.columns[column].unique else ""


def _features(contract: Contract) -> Iterator[str]:
    if contract.feast is None:
        return
    yield f"## Features\n\nProject {_code(contract.feast.project)} of Feast.\n"
    for view in contract.feast.views.values():
        rows = [
            (_code(f"{view.name}:{name}"), feature.dtype, _notes(feature)) for name, feature in view.features.items()
        ]
        yield from _section(_of_view(contract, view), ("feature", "type", ""), rows, view)
    services = [
        (_code(name), ", ".join(map(_code, service.features)), _notes(service))
        for name, service in contract.feast.services.items()
    ]
    yield from _section("Feature services", ("service", "features", ""), services)


def _of_view(contract: Contract, view: FeatureView) -> str:
    """A view's title: its keys, how long a row holds, and where it can be read."""
    entities = contract.feast.entities if contract.feast else {}
    keys = ", ".join(_code(entities[name].join_key) for name in view.entities)
    holds = f", holds {_duration(view.ttl)}" if view.ttl else ""
    return f"Feature view {_code(view.name)} by {keys}{holds}, {'online and offline' if view.online else 'offline'}"


def _capabilities(contract: Contract) -> Iterator[str]:
    rows = [(_code(capability),) for capability in contract.mlflow_capabilities]
    yield from _section("MLflow", ("capability",), rows)


def _fixtures(contract: Contract) -> Iterator[str]:
    rows = []
    for fixture in contract.fixtures.values():
        if isinstance(fixture, KnownKeys):
            told = f"{_code(fixture.entity)}: {', '.join(_code(str(value)) for value in fixture.values)}"
            where = ", ".join(fixture.places)
        else:
            told = f"known answers of {_code(fixture.view)}: {len(fixture.answers)}"
            where = f"as of {fixture.at.isoformat()}" if fixture.at else "online"
        given = f"only of the data set {_code(fixture.given)}" if fixture.given else ""
        rows.append((_code(fixture.name), told, where, _notes(fixture, given)))
    yield from _section("Data that is there", ("name", "what", "where", ""), rows)


def _levels(contract: Contract) -> Iterator[str]:
    rows = [_level(level) for level in contract.service_levels.values()]
    yield from _section("Service levels", ("name", "what", "at most", ""), rows)


def _level(level: ServiceLevel) -> Sequence[str]:
    what = f"{level.property} of {_code(level.element)}"
    return _code(level.name), what, f"{level.value:g} {level.unit}", _notes(level)


def _section(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], promise: Promise | None = None
) -> Iterator[str]:
    """A heading, what is noted of `promise`, and a table; nothing when there are no rows."""
    if not rows:
        return
    yield f"## {title}\n"
    if promise is not None and (notes := _notes(promise)):
        yield f"{notes}\n"
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def _notes(promise: Promise, *more: str) -> str:
    """What a consumer should know of a promise, with how far it can be relied on."""
    until = f"deprecated{f', may be gone from {promise.sunset}' if promise.sunset else ''}"
    stability = "" if promise.stability == "stable" else f"{promise.stability}: may change"
    told = [*more, until if promise.deprecated else "", stability, _text(promise.description)]
    return "; ".join(each for each in told if each)


def _duration(seconds: int) -> str:
    for unit, size in (("days", _DAY), ("hours", 3_600), ("minutes", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def _code(text: str) -> str:
    """As code, whatever is in it; nothing for nothing."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{_line(text).replace('|', chr(92) + '|')}{fence}" if text else ""


def _text(text: str) -> str:
    """With nothing in it that Markdown would read as a sign of its own."""
    return _SPECIAL.sub(r"\\\1", _line(text))


def _line(text: str) -> str:
    return " ".join(text.split())
