"""The clauses as they are checked on a running stack, through its environment. To add a kind: a function that yields
its clauses, and a line in KINDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmp_local_dev.contract.clauses import features, fixtures, levels, mlflow, servers, tables, variables
from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.model import Contract

KINDS: tuple[Callable[[Contract], Iterator[LiveClause]], ...] = (
    variables.clauses,
    servers.clauses,
    tables.clauses,
    features.clauses,
    mlflow.clauses,
)


def clauses_of(contract: Contract) -> list[LiveClause]:
    """Every clause of the contract, causes before what hangs on them.

    They share what they read, such as all tables in one query: take new ones for each verification.
    """
    reader = fixtures.feature_reader(contract)
    found = [clause for kind in KINDS for clause in kind(contract)]
    return [*found, *fixtures.clauses(contract, reader), *levels.clauses(contract, reader)]
