"""The verdict on one clause at a time, in whatever order they are asked for: what test runners need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from mmp_local_dev.contract.clauses.base import Clause, S
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Finding
from mmp_local_dev.contract.verify import check_causes, check_clause
from mmp_local_dev.contract.waivers import NONE, Waivers


class Stepwise(Generic[S]):
    """The clauses of `contract` against `subject`: each is checked when it or what hangs on it is asked for, and once.

    Each gets about `timeout` seconds. A cause that is not among them is taken to be kept.
    """

    def __init__(
        self,
        contract: Contract,
        subject: S,
        clauses: Sequence[Clause[S]],
        *,
        timeout: float = 10,
        waivers: Waivers = NONE,
    ) -> None:
        self._contract = contract
        self._subject = subject
        self._clauses = {clause.id: clause for clause in clauses}
        self._timeout = timeout
        self._waivers = waivers
        self._findings: dict[str, Finding] = {}

    def finding(self, clause_id: str) -> Finding:
        """The clause's finding, after those of its causes. The clause is one of `clauses`, or this raises KeyError."""
        if clause_id not in self._findings:
            clause = self._clauses[clause_id]
            for cause in clause.causes:
                if cause in self._clauses:
                    self.finding(cause)
            self._findings[clause_id] = self._found(clause)
        return self._findings[clause_id]

    def _found(self, clause: Clause[S]) -> Finding:
        if held_back := check_causes(clause, self._contract, self._findings):
            return held_back
        return self._waivers.applied_to(check_clause(clause, self._contract, self._subject, self._timeout))
