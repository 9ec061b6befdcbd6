"""`check`: the contract against what runs, from a consumer's side, or against the workspace's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmp_local_dev.contract.clauses.base import Clause, S, select
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.waivers import waivers_beside
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.contract.waivers import Waivers
from mmp_local_dev.operations.opened import contract_of, published
from mmp_local_dev.workspace import Stack

if TYPE_CHECKING:
    from mmp_local_dev.contract.static.base import StaticClause


@dataclass(frozen=True)
class Asked:
    """Which clauses are checked (see `select`; all of them by default), and about how many seconds each may take."""

    only: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    timeout: float = 10


ALL = Asked()


def check(stack: Stack, asked: Asked = ALL) -> Report:
    """Verify the contract with the values of `.env`, so that a stale file is noticed; what the waivers beside it name
    is a warning.

    Raises MmpError when there is no `.env`, and InputError when `asked` names what the contract does not have.
    """
    contract = load(stack.workspace.contract)
    return verified(contract, published(stack, contract_of(stack)), clauses_of(contract), asked)


def check_static(stack: Stack, asked: Asked = ALL) -> Report:
    """Compare the contract with the workspace's own files; nothing has to run, and nothing of the files is executed.

    Raises InputError as `check` does. A file that cannot be read breaks its clause.
    """
    from mmp_local_dev.contract.static.sources import Sources  # here: no other check needs it

    contract = load(stack.workspace.contract)
    sources = Sources(contract, env_file=stack.env_file.name)
    return verified(contract, sources, _static_clauses_of(contract), asked, mode="static")


def verified(
    contract: Contract, subject: S, clauses: Sequence[Clause[S]], asked: Asked, *, mode: str = "live"
) -> Report:
    """The report on what is asked for of `clauses`, with the waivers beside the contract. Raises InputError."""
    chosen = select(clauses, asked.only, asked.sections)
    waivers = waivers_beside(contract.path)
    report = verify(contract, subject, chosen, mode=mode, timeout=asked.timeout, waivers=waivers)
    return replace(report, selected=(*asked.only, *asked.sections), notes=_notes(contract, waivers))


def _notes(contract: Contract, waivers: Waivers) -> tuple[str, ...]:
    """Words on waivers that name no clause, of what runs or of what stands in files."""
    live = [clause.id for clause in clauses_of(contract)]
    if not any(waivers.unmatched_clauses(live)):
        return ()
    return tuple(waivers.unmatched_clauses([*live, *(clause.id for clause in _static_clauses_of(contract))]))


def _static_clauses_of(contract: Contract) -> list[StaticClause]:
    from mmp_local_dev.contract.static.clauses import static_clauses_of  # here: only this kind of check needs them

    return static_clauses_of(contract)
