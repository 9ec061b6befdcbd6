"""Clauses that read through Feast, where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.clauses.base import ClauseSkipped
from mmp_local_dev.environment import Environment


def skipped_without_feast(clauses: Sequence[LiveClause], reason: str) -> list[LiveClause]:
    """`clauses`, of which the slow ones are skipped for this `reason` if this Python has no Feast.

    For places where nobody is to install it. Elsewhere they are unknown, and it is told how to get it.
    """
    if find_spec("feast"):
        return list(clauses)

    def check(_env: Environment, _timeout: float) -> None:
        raise ClauseSkipped(reason)

    return [replace(clause, check=check) if clause.slow else clause for clause in clauses]
