"""What is to be checked for one file, and against what."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mmp_local_dev.contract import needs
from mmp_local_dev.contract.clauses.asking import LiveClause
from mmp_local_dev.contract.clauses.base import Clause, select
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.load.waivers import load_waivers, waivers_beside
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Finding
from mmp_local_dev.contract.requirements import Requirements
from mmp_local_dev.contract.stepwise import Stepwise
from mmp_local_dev.contract.waivers import Waivers
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError
from mmp_local_dev.operations.consumer import REACHABLE, clauses_with_reachable, environment
from mmp_local_dev.pytest_plugin.contracts import provided
from mmp_local_dev.pytest_plugin.settings import Settings


@dataclass(frozen=True)
class Plan:
    """The clauses of one file in order, and how they are checked.

    `subject` makes what they are checked against, when the first one is. `contract_version` is that of the provider's
    contract, "" when none is known. `may_be_down` is the id of the clause whose failure is borne with, or "".
    `workspace` is the provider's, where repairs are made.
    """

    contract: Contract
    contract_version: str
    clauses: Sequence[Clause[Any]]
    subject: Callable[[], Any]
    timeout: float
    waivers: Waivers
    may_be_down: str = ""
    workspace: Path | None = None

    def finding(self, clause_id: str) -> Finding:
        """What became of a clause. Raises EnvironmentInvalid for an environment that cannot be read."""
        return self._stepwise.finding(clause_id)

    @cached_property
    def _stepwise(self) -> Stepwise[Any]:
        return Stepwise(self.contract, self.subject(), self.clauses, timeout=self.timeout, waivers=self.waivers)


def of_requirements(path: Path, settings: Settings, *, up: bool | None) -> Plan:
    """Those of a consumer. `up`: whether the environment answers, None if that is not known yet.

    Raises InputError for a file, a group or a word that cannot be used, and when nothing would be checked.
    """
    requirements = needs.of_group(load_requirements(path), settings.groups)
    contract = provided(settings.contract) if settings.contract else None
    if settings.mode == "compare":
        return _compared(requirements, contract, settings)
    asked = needs.as_contract(requirements, contract)
    version = needs.version_clauses(requirements, contract) if contract else []
    return _live(asked, contract, settings, up=up, beside=settings.contract, also=version)


def of_contract(path: Path, settings: Settings, *, up: bool | None) -> Plan:
    """Those of a whole contract, with the `.env` beside it. Raises as `of_requirements`."""
    if settings.mode == "compare":
        raise InputError(f"{path.name} is a contract; what can be compared with it are requirements (*.req.yml).")
    contract = provided(path)
    known = up if path == settings.contract else None  # what is known is of that one
    return _live(contract, contract, settings, up=known, beside=path)


def _live(
    contract: Contract,
    provided: Contract | None,
    settings: Settings,
    *,
    up: bool | None,
    beside: Path | None,
    also: Sequence[LiveClause] = (),
) -> Plan:
    def subject() -> Environment:
        return environment(contract, settings.env_file, os.environ, beside=beside)

    clauses = clauses_with_reachable(contract, also=also, only=settings.only, up=up)
    may_be_down = f"{REACHABLE}[{contract.name}]" if settings.skip_if_down else ""
    waivers = _waivers(contract.path, settings)
    version, workspace = provided.version if provided else "", beside.parent if beside else None
    return Plan(contract, version, clauses, subject, settings.timeout, waivers, may_be_down, workspace)


def _compared(requirements: Requirements, provided: Contract | None, settings: Settings) -> Plan:
    if provided is None:
        raise InputError("To compare, say where the provider's contract is: --mmp-contract or mmp_contract.")
    offer, clauses = needs.comparison(requirements, provided)
    told_by = replace(provided, path=requirements.path)
    chosen = select(clauses, settings.only)
    waivers = _waivers(requirements.path, settings)
    return Plan(told_by, provided.version, chosen, lambda: offer, settings.timeout, waivers)


def _waivers(path: Path, settings: Settings) -> Waivers:
    if settings.waivers and not settings.waivers.is_file():
        raise InputError(f"There is no file {settings.waivers}, which mmp_waivers names.")
    return load_waivers(settings.waivers, datetime.now(UTC).date()) if settings.waivers else waivers_beside(path)
