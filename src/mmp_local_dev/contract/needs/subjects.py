"""What requirements are about, in words that they share with contracts, changes and clauses: ("env", "REDIS_HOST")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mmp_local_dev.contract.requirements import Requirements

Subject = tuple[str, str]

# What a clause of each kind is about; all clauses of a capability are about the one.
_KINDS: Mapping[str, str] = {
    "contract.range": "contract",
    "env.present": "env",
    "env.type": "env",
    "service.ready": "service",
    "service.version": "service",
    "service.client": "service",
    "table.present": "table",
    "table.column": "column",
    "feature.view": "view",
    "feature.dtype": "feature",
    "sla.latency": "latency",
}
_CLAUSE = re.compile(r"([a-z_]+\.[a-z_]+)\[(.+)\]")


def uses(requirements: Requirements) -> frozenset[Subject]:
    """Everything that the consumer relies on, also what it does so only indirectly (the view of a feature).

    The kinds: env, service, table, column (`features.x:age`), view, feature (`x:age`), mlflow (a capability), latency.
    """
    return frozenset(_uses(requirements))


def _uses(requirements: Requirements) -> Iterator[Subject]:
    yield from (("env", name) for name in requirements.variables)
    yield from (("service", name) for name in requirements.services)
    for table in requirements.tables.values():
        yield "table", table.name
        yield from (("column", f"{table.name}:{column}") for column in table.columns)
    for feature in requirements.features.values():
        yield "view", feature.view
        yield "feature", feature.name
    yield from (("mlflow", name) for name in requirements.capabilities)
    yield from (("latency", name) for name in requirements.latency)


def subject_of(clause_id: str) -> Subject | None:
    """What the clause of this id is about; None for what is no id of a clause that requirements can have."""
    found = _CLAUSE.fullmatch(clause_id)
    if found is None:
        return None
    kind, name = found.groups()
    if kind.startswith("mlflow."):
        return "mlflow", kind.removeprefix("mlflow.")
    if kind == "service.client":
        name = name.partition(":")[0]
    return (_KINDS[kind], name) if kind in _KINDS else None
