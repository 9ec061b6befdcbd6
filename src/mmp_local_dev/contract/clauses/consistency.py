"""Consistency: what is online of a feature view is what is offline, the latest row of each entity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, Once, as_broken, clause_of
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.clauses.features import feature_ids
from mmp_local_dev.contract.clauses.rows import more, readable, told, told_keys, told_moment, told_span
from mmp_local_dev.contract.model import Contract, FeatureView, Table
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair
from mmp_local_dev.services import feast_agreement
from mmp_local_dev.services.feast_difference import Agreement, Difference
from mmp_local_dev.services.feast_registry import Project, RegisteredView

NO_ROW = "no row yet; mmp-dev features seed loads sample data"

_FIRST = Repair("mmp-dev features materialize", "in the provider's workspace: brings the rows online")
_AGAIN = Repair(
    "mmp-dev features materialize --full",
    "in the provider's workspace: brings every row online again, and removes what has none offline",
)


Counted = Callable[[str, int, int], None]  # told of a view how many of its entities are done, and of how many


def uncounted(view: str, done: int, total: int) -> None:
    """A Counted for those who do not care."""


@dataclass(frozen=True)
class Depth:
    """How many entities of a view are compared; None for all of them, which `counted` is told as it goes on."""

    entities: int | None = 200
    counted: Counted = uncounted


SAMPLE = Depth()


def clauses(contract: Contract, project: Once[Project], depth: Depth) -> Iterator[LiveClause]:
    """One of each view that is online and has a promised source."""
    for view, table in stored_views(contract):
        causes = ("service.ready[redis]", *causes_of_rows(view, table))
        check = _consistent(view, project, depth)
        yield clause_of(f"online.consistent[{view.name}]", view, check, *causes, section="feast", service="redis")


def stored_views(contract: Contract) -> Iterator[tuple[FeatureView, Table]]:
    """The views of which rows are kept in both stores, and the tables that these come from."""
    for view in contract.feast.views.values() if contract.feast else ():
        table = contract.tables.get(view.source or "")
        if table and view.online and view.entities and view.features:
            yield view, table


def comparable(project: Project, view: FeatureView) -> RegisteredView:
    """What is registered of the view. Raises ClauseSkipped for one whose features are not read from a table."""
    found = project.views.get(view.name)
    if found is None:
        raise ClauseSkipped("optional, not there")
    if found.computed:
        raise ClauseSkipped("its features are computed in Python, so there is nothing to compare them with")
    return found


def causes_of_rows(view: FeatureView, table: Table) -> Iterator[str]:
    """The clauses without which the rows of a view cannot be read offline."""
    yield "service.ready[postgresql]"
    yield from dict.fromkeys(id_ for name in view.features for id_ in feature_ids(f"{view.name}:{name}"))
    yield f"table.grant[{table.physical_name}]"


def _consistent(view: FeatureView, project: Once[Project], depth: Depth) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        found = project(env, timeout)
        comparable(found, view)
        with as_broken("rows to compare"), readable():
            return _judged(view, _compared(env, found, view.name, depth, timeout))

    return check


def _compared(env: Environment, project: Project, view: str, depth: Depth, timeout: float) -> Agreement:
    if depth.entities is not None:
        return feast_agreement.of_some(env, project, view, count=depth.entities, timeout=timeout)

    def counted(done: int, total: int) -> None:
        depth.counted(view, done, total)

    return feast_agreement.of_all(env, project, view, timeout=timeout, counted=counted)


def _judged(view: FeatureView, found: Agreement) -> str:
    """What was compared. Raises ClauseBroken for rows that differ, and ClauseSkipped when there is none."""
    if not found.rows:
        raise ClauseSkipped(NO_ROW)
    seen = ", ".join(_seen(found))
    if not found.counts:
        return seen
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
    raise ClauseBroken(
        "\n".join(_told(view, found, counts)),
        expected="the latest row of each",
        actual=f"{counts}; {seen}",
        repairs=[_AGAIN if found.stored else _FIRST],
    )


def _seen(found: Agreement) -> Iterator[str]:
    yield f"{found.cells:,} cells of {_number(found.rows, 'row')}"
    if found.behind:
        yield f"online is {told_span(found.behind)} behind"
    if found.waiting:
        yield f"{_number(found.waiting, 'row')} still in the future"
    if found.expired:
        yield f"{_number(found.expired, 'row')} served beyond the ttl"


def _told(view: FeatureView, found: Agreement, counts: str) -> list[str]:
    if not found.stored:
        return [f"nothing of {view.name} is online"]
    differing = found.counts.total()
    head = f"{differing:,} of {_number(found.rows, 'row')} of {view.name} differ online: {counts}"
    return [head, *map(_line, found.examples), *more(differing, len(found.examples))]


def _line(found: Difference) -> str:
    """The entity, what is wrong with its row, and what both stores have."""
    offline = told_moment(found.offline_at) if found.offline_at else "no row"
    online = told_moment(found.online_at) if found.online_at else "no row"
    if not found.feature:
        return f"{told_keys(found.keys)}: {found.kind}; offline {offline}, online {online}"
    values = f"{found.feature} is {told(found.offline)} offline ({offline}), {told(found.online)} online ({online})"
    return f"{told_keys(found.keys)}: {found.kind}; {values}"


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
