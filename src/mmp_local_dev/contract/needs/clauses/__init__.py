"""The clauses of needs: each says that a contract promises what a consumer asks for. Their ids are those of the clauses
that check the same on a running stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmp_local_dev.contract.needs.clauses import data, servers, variables
from mmp_local_dev.contract.needs.offer import NeedClause
from mmp_local_dev.contract.requirements import Requirements

KINDS: tuple[Callable[[Requirements], Iterator[NeedClause]], ...] = (
    variables.contract_range,
    variables.variables,
    servers.services,
    data.tables,
    data.features,
    servers.capabilities,
    servers.levels,
)


def clauses_of(requirements: Requirements) -> list[NeedClause]:
    """Every clause of the requirements, causes before what hangs on them."""
    return [clause for kind in KINDS for clause in kind(requirements)]
