"""The clauses as they are checked on a running stack, through its environment. To add a kind: a function that yields
its clauses, and a line in `clauses_of`."""

from __future__ import annotations

from mmp_local_dev.contract.clauses import (
    consistency,
    features,
    fixtures,
    levels,
    mlflow,
    point_in_time,
    servers,
    tables,
    variables,
)
from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.clauses.consistency import SAMPLE, Depth
from mmp_local_dev.contract.model import Contract


def clauses_of(contract: Contract, depth: Depth = SAMPLE) -> list[LiveClause]:
    """Every clause of the contract, causes before what hangs on them; rows of features are compared in this depth.

    They share what they read, such as all tables in one query: take new ones for each verification.
    """
    facts, reader = tables.facts_of(contract), fixtures.feature_reader(contract)
    project = features.registered_project(contract)
    return [
        *variables.clauses(contract),
        *servers.clauses(contract),
        *tables.clauses(contract, facts),
        *features.clauses(contract, project),
        *consistency.clauses(contract, project, depth),
        *point_in_time.clauses(contract, project, reader),
        *mlflow.clauses(contract),
        *fixtures.clauses(contract, reader, facts),
        *levels.clauses(contract, reader),
    ]
