"""Whether a view's rows are online what they are offline, in figures."""

from __future__ import annotations

from collections.abc import Mapping

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.features.profile_facts import Online, Table
from mmp_local_dev.services import feast_agreement, feast_materialized
from mmp_local_dev.services.feast_difference import Agreement, Difference
from mmp_local_dev.services.feast_materialized import Materialized
from mmp_local_dev.services.feast_registry import Project

COMPARED_ALL = 200_000  # entities; of views with more, some are compared
SOME = 10_000

_SHOWN = 80  # characters of a value
_NOT_COMPARABLE = ("VIEW_NOT_STORED", "VIEW_WITHOUT_ROWS")


def compare(
    env: Environment, project: Project, view: str, table: Table, noted: Mapping[str, Materialized], *, timeout: float
) -> Online | None:
    """What a comparison of the view's rows in `table` says; None for a view that Feast stores no rows of.

    `noted` is what was materialized when. What cannot be read is told in the answer's `problem`.
    """
    try:
        found, whole = _compared(env, project, view, table, timeout)
    except MmpError as error:
        return None if error.code in _NOT_COMPARABLE else Online(view, problem=error.message)
    note = noted.get(view)
    return Online(
        view,
        rows=found.rows,
        stored=found.stored,
        cells=found.cells,
        waiting=found.waiting,
        differences={str(kind): count for kind, count in found.counts.most_common()},
        example=_told(found.examples[0]) if found.examples else "",
        whole=whole,
        materialized=note.until.isoformat(timespec="seconds") if note else "",
        data_set=note.data_set if note else "",
        redefined=note is not None and note.definition != feast_materialized.definition_of(project, view),
    )


def _compared(env: Environment, project: Project, view: str, table: Table, timeout: float) -> tuple[Agreement, bool]:
    entities = max((each.count for each in table.entities), default=table.rows)
    if entities <= COMPARED_ALL:
        return feast_agreement.of_all(env, project, view, timeout=timeout), True
    return feast_agreement.of_some(env, project, view, count=SOME, timeout=timeout), False


def _told(example: Difference) -> str:
    keys = ", ".join(f"{name}={_short(value)}" for name, value in example.keys.items())
    if not example.feature:
        return keys
    return f"{keys}, {example.feature}: offline {_short(example.offline)}, online {_short(example.online)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
