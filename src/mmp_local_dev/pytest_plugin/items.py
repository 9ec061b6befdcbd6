"""Files of requirements and contracts as pytest sees them: one item for each clause, named by its id."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev import ContractWarning
from mmp_local_dev.contract.clauses.base import Clause
from mmp_local_dev.contract.report import Finding, Outcome
from mmp_local_dev.errors import MmpError
from mmp_local_dev.pytest_plugin.plans import Plan, of_contract, of_requirements
from mmp_local_dev.pytest_plugin.settings import settings_of
from mmp_local_dev.pytest_plugin.words import explained, told


class ClauseFailed(Exception):
    """The clause of this finding is broken, or it could not be found out whether it is."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.clause)
        self.finding = finding


class ClauseFile(pytest.File):
    """A file with clauses. Collecting it reads contracts and requirements, and neither `.env` nor the network."""

    plan_of: Callable[..., Plan]

    def collect(self) -> Iterator[ClauseItem]:
        """One item for each clause. A file that cannot be used is an error that names file and line."""
        up = getattr(self.config, "workerinput", {}).get("mmp_up")
        try:
            plan = type(self).plan_of(self.path, settings_of(self.config), up=up)
        except MmpError as error:
            raise self.CollectError(told(error)) from None
        for clause in plan.clauses:
            yield ClauseItem.from_parent(self, name=clause.id, plan=plan, clause=clause)


class RequirementsFile(ClauseFile):
    """A `*.req.yml`."""

    plan_of = staticmethod(of_requirements)


class ContractFile(ClauseFile):
    """A whole contract."""

    plan_of = staticmethod(of_contract)


class ClauseItem(pytest.Item):
    """One clause."""

    def __init__(self, *, parent: ClauseFile, plan: Plan, clause: Clause[Any], **of_node: Any) -> None:
        # As text: pytest takes it apart as it will when it reads it back from the cache of failures.
        super().__init__(parent=parent, nodeid=f"{parent.nodeid}::{clause.id}", **of_node)
        self._plan = plan
        self._line = clause.line
        self.user_properties += [
            ("mmp.clause", clause.id),
            ("mmp.severity", str(clause.severity)),
            ("mmp.contract_version", plan.contract_version),
        ]

    def runtest(self) -> None:
        """Check the clause, and before it what it hangs on, each once in a session."""
        finding = self._plan.finding(self.name)
        if finding.waived:
            pytest.xfail(finding.message)
        match finding.outcome:
            case Outcome.WARNING:
                # Without a registry: it is told each time.
                warning = ContractWarning(f"{self.name}: {explained(finding, self._plan.workspace)}")
                warnings.warn_explicit(warning, None, str(self.path), self._line)
            case Outcome.BLOCKED:
                self._skip(f"blocked: {finding.cause}")
            case Outcome.SKIPPED:
                self._skip(finding.message)
            case Outcome.FAILED if self.name == self._plan.may_be_down:
                self._skip(explained(finding, self._plan.workspace))
            case Outcome.FAILED | Outcome.UNKNOWN:
                raise ClauseFailed(finding)

    def _skip(self, reason: str) -> None:
        raise pytest.skip.Exception(reason, _use_item_location=True)  # as skipped here, not in this file

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **options: Any) -> Any:
        """What is wrong and how to repair it; no traceback, which would lead into this package."""
        error = excinfo.value
        if isinstance(error, ClauseFailed):
            return explained(error.finding, self._plan.workspace)
        if isinstance(error, MmpError):
            return told(error)
        return str(error) if isinstance(error, ContractWarning) else super().repr_failure(excinfo, *args, **options)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the clause stands. With a word before it: pytest takes a bare name for Python's, dots and all."""
        return self.path, max(self._line - 1, 0), f"clause {self.name}"
