"""`features verify`: whether both stores hold the same, and Feast joins what was known at the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Lock

from mmp_local_dev.contract.clauses.asking import LiveClause, meant
from mmp_local_dev.contract.clauses.base import select
from mmp_local_dev.contract.clauses.consistency import SAMPLE, Counted, Depth
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.waivers import waivers_beside
from mmp_local_dev.contract.model import Contract, FeatureView, KnownAnswers
from mmp_local_dev.contract.report import Outcome, Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.errors import InputError
from mmp_local_dev.events import Emit, Note, Progress, ignore
from mmp_local_dev.operations.opened import contract_of, published
from mmp_local_dev.workspace import Stack

_PARTS = ("schema", "feast", "fixtures", "freshness")
_PROOFS = ("online.consistent[", "offline.point_in_time[")


def features_verify(
    stack: Stack,
    *,
    names: Sequence[str] = (),
    entities: int | None = SAMPLE.entities,
    timeout: float = 10,
    emit: Emit = ignore,
) -> Report:
    """Verify what the contract promises of the feature store, or of the views `names`: tables, registry, fixtures and
    freshness, and that the rows of so many `entities` of each view (None: of all) are online what they are offline.

    `timeout` is in seconds, for each clause, and for each statement where all rows are compared. Raises MmpError when
    there is no `.env`, and InputError for a view that is not promised, or where nothing is.
    """
    contract = load(stack.workspace.contract)
    clauses = clauses_of(contract, Depth(entities, _telling(emit)))
    chosen = select(clauses, _asked(contract, names, clauses))
    env = published(stack, contract_of(stack))
    report = verify(contract, env, chosen, timeout=timeout, waivers=waivers_beside(contract.path))
    for finding in report.of(Outcome.PASSED):
        if finding.clause.startswith(_PROOFS):
            emit(Note(f"{finding.clause}: {finding.actual}"))
    return replace(report, selected=tuple(names) or _PARTS)


def _telling(emit: Emit) -> Counted:
    """Views are compared side by side, and told of one at a time."""
    lock = Lock()

    def counted(view: str, done: int, total: int) -> None:
        with lock:
            emit(Progress(view, "compare", done, total, "rows"))

    return counted


def _asked(contract: Contract, names: Sequence[str], clauses: Sequence[LiveClause]) -> list[str]:
    """The ids of the clauses that are about these views, all views for none. Raises InputError."""
    views = contract.feast.views if contract.feast else {}
    for name in names:
        if name not in views:
            raise InputError(f"The contract promises no feature view {name}{meant(name, views)}")
    subjects = {each for name in names for each in _subjects(contract, views[name])}
    found = [clause.id for clause in clauses if _is_part(clause) and (not names or _subject(clause) in subjects)]
    if not found:
        raise InputError("The contract promises nothing of a feature store.")
    return found


def _is_part(clause: LiveClause) -> bool:
    return clause.section in _PARTS or clause.id.startswith("sla.freshness[")


def _subject(clause: LiveClause) -> str:
    """What the clause is about: a table, a view, a fixture, a level; without the column or feature."""
    return clause.id.partition("[")[2].removesuffix("]").partition(":")[0]


def _subjects(contract: Contract, view: FeatureView) -> Iterator[str]:
    yield view.name
    if table := contract.tables.get(view.source or ""):
        yield table.physical_name
    for fixture in contract.fixtures.values():
        if fixture.view == view.name if isinstance(fixture, KnownAnswers) else fixture.entity in view.entities:
            yield fixture.name
    elements = (f"feast.{view.name}", f"schema.{view.source}")
    yield from (level.name for level in contract.service_levels.values() if level.element in elements)
