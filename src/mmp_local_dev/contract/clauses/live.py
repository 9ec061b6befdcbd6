"""The clauses as they are checked on a running stack, through its environment. To add a kind: a function that yields
its clauses, and a line in `clauses_of`."""

from __future__ import annotations

from mmp_local_dev.contract.clauses import features, fixtures, levels, mlflow, servers, tables, variables
from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.model import Contract


def clauses_of(contract: Contract) -> list[LiveClause]:
    """Every clause of the contract, causes before what hangs on them.

    They share what they read, such as all tables in one query: take new ones for each verification.
    """
    facts, reader = tables.facts_of(contract), fixtures.feature_reader(contract)
    return [
        *variables.clauses(contract),
        *servers.clauses(contract),
        *tables.clauses(contract, facts),
        *features.clauses(contract),
        *mlflow.clauses(contract),
        *fixtures.clauses(contract, reader, facts),
        *levels.clauses(contract, reader),
    ]
