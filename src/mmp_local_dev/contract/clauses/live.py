"""The clauses as they are checked on a running stack, through its environment. To add a kind: a function that yields
its clauses, and a line in KINDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmp_local_dev.contract.clauses import mlflow, servers, variables
from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.model import Contract

KINDS: tuple[Callable[[Contract], Iterator[LiveClause]], ...] = (
    variables.clauses,
    servers.clauses,
    mlflow.clauses,
)


def clauses_of(contract: Contract) -> list[LiveClause]:
    """Every clause of the contract, causes before what hangs on them."""
    return [clause for kind in KINDS for clause in kind(contract)]
