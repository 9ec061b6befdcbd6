"""What requirements are about, in words that they share with contracts, changes and clauses: ("env", "REDIS_HOST")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mmp_local_dev.contract.requirements import Need, Requirements

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
    "sla.latency": "sla",
}
_CLAUSE = re.compile(r"([a-z_]+\.[a-z_]+)\[(.+)\]")


def uses(requirements: Requirements) -> frozenset[Subject]:
    """Everything that the consumer relies on, also what it does so only indirectly (the view of a feature).

    The kinds: env, service, table, column (`features.x:age`), view, feature (`x:age`), mlflow (a capability), and sla
    (`latency:feast.x`).
    """
    return frozenset(needs_of(requirements))


def needs_of(requirements: Requirements) -> Mapping[Subject, Need]:
    """Each subject with the need that names it first, in the file's order."""
    needs: dict[Subject, Need] = {}
    for subject, need in _needs(requirements):
        needs.setdefault(subject, need)
    return needs


def _needs(requirements: Requirements) -> Iterator[tuple[Subject, Need]]:
    yield from _as("env", requirements.variables)
    yield from _as("service", requirements.services)
    yield from _as("table", requirements.tables)
    for table in requirements.tables.values():
        yield from ((("column", f"{table.name}:{name}"), column) for name, column in table.columns.items())
    yield from ((("view", feature.view), feature) for feature in requirements.features.values())
    yield from _as("feature", requirements.features)
    yield from _as("mlflow", requirements.capabilities)
    yield from ((("sla", f"latency:{name}"), need) for name, need in requirements.latency.items())


def _as(kind: str, needs: Mapping[str, Need]) -> Iterator[tuple[Subject, Need]]:
    return (((kind, name), need) for name, need in needs.items())


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
    if kind == "sla.latency":
        name = f"latency:{name}"
    return (_KINDS[kind], name) if kind in _KINDS else None
