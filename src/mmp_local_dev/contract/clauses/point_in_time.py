"""Point in time: Feast joins to each moment the newest row that is not after it, and nothing of the future.

What it answers is held against plain SQL on the table that the contract promises, not on what the view's definition
makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from math import isclose
from typing import Any, NamedTuple

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, Once, as_broken, clause_of
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.clauses.consistency import NO_ROW, causes_of_rows, comparable, stored_views
from mmp_local_dev.contract.clauses.fixtures import Reader
from mmp_local_dev.contract.clauses.rows import more, readable, told, told_keys, told_moment
from mmp_local_dev.contract.clauses.tables import located
from mmp_local_dev.contract.model import Contract, FeatureView, Table
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair
from mmp_local_dev.services.feast_history import Moment, moments
from mmp_local_dev.services.feast_offline import Row
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.feast_sql import Source, quoted

_TOLD = 10  # moments


class Origin(StrEnum):
    """Where a value is from that should not be joined; the worst first."""

    FUTURE = "from the future"
    OLDER = "from an older row"
    NOTHING = "without a row"
    UNKNOWN = "of no known row"


_REPAIR = Repair("", "correct the source or the timestamp_field in the view's definition, and apply it")

Answer = Mapping[str, Any]


class Leak(NamedTuple):
    """A moment at which Feast answers otherwise: the first feature with another value, and the row that this is of."""

    moment: Moment
    feature: str
    value: Any
    origin: Origin
    row: Row | None


def clauses(contract: Contract, project: Once[Project], reader: Reader) -> Iterator[LiveClause]:
    """One of each view whose rows the contract promises with their keys, features and moments."""
    for view, table in stored_views(contract):
        if source := _source(contract, view, table):
            check = _joined(contract, view, table, source, project, reader)
            clause_id, causes = f"offline.point_in_time[{view.name}]", causes_of_rows(view, table)
            yield clause_of(clause_id, view, check, *causes, section="feast", service="postgresql", slow=True)


def _source(contract: Contract, view: FeatureView, table: Table) -> Source | None:
    """The view's rows as the contract promises them, but for where the table is; None where it does not say enough."""
    entities = contract.feast.entities if contract.feast else {}
    keys = tuple(entities[name].join_key for name in view.entities if name in entities)
    features = {name: name for name in view.features if name in table.columns}
    if not (features and view.timestamp_field and table.columns.keys() >= {*keys, view.timestamp_field}):
        return None
    return Source(view.name, "", keys, view.timestamp_field, "", features)


def _joined(
    contract: Contract, view: FeatureView, table: Table, source: Source, project: Once[Project], reader: Reader
) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        found = comparable(project(env, timeout), view)
        relation = quoted(*located(contract, table, env))
        rows = replace(source, relation=relation, created=found.created_timestamp_column)
        with as_broken("rows to join"), readable():
            asked = moments(env, rows, ttl=found.ttl, timeout=timeout)
        if not asked:
            raise ClauseSkipped(NO_ROW)
        pairs = [(dict(zip(source.keys, each.keys, strict=True)), each.at) for each in asked]
        with as_broken("a point-in-time join"):
            answers = reader(env, timeout).as_of(view.name, list(source.features), pairs, timeout=timeout)
        return _judged(view, source, asked, answers)

    return check


def _judged(view: FeatureView, source: Source, asked: Sequence[Moment], answers: Sequence[Answer]) -> str:
    leaks = [found for each in zip(asked, answers, strict=True) if (found := _leak(*each))]
    entities = len({each.keys for each in asked})
    seen = f"{len(asked):,} moments of {entities:,} {'entity' if entities == 1 else 'entities'}"
    if not leaks:
        return seen
    leaks.sort(key=lambda leak: list(Origin).index(leak.origin))
    kinds = ", ".join(f"{count:,} {origin}" for origin, count in Counter(leak.origin for leak in leaks).items())
    lines = [f"Feast joins other rows of {view.name} than are in force at {len(leaks):,} of {len(asked):,} moments"]
    lines += [_line(source, leak) for leak in leaks[:_TOLD]] + more(len(leaks), _TOLD)
    expected = "the newest row that is not after the moment"
    raise ClauseBroken("\n".join(lines), expected=expected, actual=f"{kinds}; {seen}", repairs=[_REPAIR])


def _leak(moment: Moment, answer: Answer) -> Leak | None:
    right = [row for row in moment.known if moment.row and row.at == moment.row.at]  # of one moment, any will do
    if any(_is(answer, row) for row in ([moment.row, *right] if moment.row else [None])):
        return None
    feature = next(name for name in answer if not _same(moment.row.values[name] if moment.row else None, answer[name]))
    row = min((row for row in moment.known if _is(answer, row)), key=lambda row: abs(row.at - moment.at), default=None)
    return Leak(moment, feature, answer[feature], _origin(moment, answer, row), row)


def _origin(moment: Moment, answer: Answer, row: Row | None) -> Origin:
    if all(value is None for value in answer.values()):
        return Origin.NOTHING
    if row is None:
        return Origin.UNKNOWN
    return Origin.FUTURE if row.at > moment.at else Origin.OLDER


def _is(answer: Answer, row: Row | None) -> bool:
    return all(_same(row.values[name] if row else None, value) for name, value in answer.items())


def _line(source: Source, leak: Leak) -> str:
    moment, right = leak.moment, leak.moment.row
    keys = told_keys(dict(zip(source.keys, moment.keys, strict=True)))
    origin = f"{leak.origin}, {told_moment(leak.row.at)}" if leak.row else leak.origin
    expected = f"{told(right.values[leak.feature])} of {told_moment(right.at)}" if right else "nothing"
    return f"{keys} at {told_moment(moment.at)}: {leak.feature} is {told(leak.value)} ({origin}), not {expected}"


def _same(offline: Any, found: Any) -> bool:
    """Whether Feast hands out what PostgreSQL has. On the way pandas makes whole numbers floats beside nulls."""
    if isinstance(offline, list) and isinstance(found, list):
        return len(offline) == len(found) and all(map(_same, offline, found))
    if isinstance(offline, date) and isinstance(found, date):
        return _moment(offline) == _moment(found)
    if isinstance(offline, Decimal) and isinstance(found, float):
        return isclose(float(offline), found, rel_tol=2**-51)  # as near as Arrow brings them
    if isinstance(offline, int) and isinstance(found, float):
        return float(offline) == found
    return bool((None if offline != offline else offline) == found)


def _moment(value: date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    return value if value.tzinfo else value.replace(tzinfo=UTC)
