"""The clauses as they are checked on the provider's files. To add a kind: a module that yields its clauses, and a line
in KINDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.static import feast_clauses, service_clauses, table_clauses, variable_clauses
from mmp_local_dev.contract.static.base import StaticClause

KINDS: tuple[Callable[[Contract], Iterator[StaticClause]], ...] = (
    variable_clauses.clauses,
    service_clauses.clauses,
    table_clauses.clauses,
    feast_clauses.clauses,
)


def static_clauses_of(contract: Contract) -> list[StaticClause]:
    """Every clause of the contract that files can keep or break, causes before what hangs on them. The ids are those of
    the live clauses about the same promise; `file.readable[...]` are this mode's own."""
    return [clause for kind in KINDS for clause in kind(contract)]
