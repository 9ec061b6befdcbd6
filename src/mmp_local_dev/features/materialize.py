"""Brings the online store to what the offline store holds, as planned, and notes what holds from then on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mmp_local_dev.environment import Environment
from mmp_local_dev.events import Began, Done, Emit, Progress
from mmp_local_dev.features.materialize_plan import TIMEOUT, UNKNOWN, Plan
from mmp_local_dev.services import feast_materialize, feast_materialized, feast_offline, feast_online
from mmp_local_dev.services.feast_materialize import Interval, Written
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.feast_sql import source_of


@dataclass(frozen=True)
class MaterializedView:
    """What was done for a view: `rows` written and `removed`, of the time from `since` (None: there are none) to
    `until`; `why` everything was written, "" where only what is new was."""

    view: str
    rows: int
    removed: int
    seconds: float
    since: datetime | None
    until: datetime
    why: str


def carry_out(
    env: Environment, project: Project, key_version: int, plans: Sequence[Plan], emit: Emit
) -> list[MaterializedView]:
    """Do what is planned. Interrupted at any point, the same again completes it.

    Raises as `feast_materialize.writing`, and NotReady.
    """
    for plan in plans:
        if plan.why:
            feast_materialized.forget(env, project.name, plan.view, timeout=TIMEOUT)
    empty = [_nothing_to_write(env, project, plan, emit) for plan in plans if not plan.extent.entities]
    return [*empty, *_written(env, project, key_version, [plan for plan in plans if plan.extent.entities], emit)]


def _nothing_to_write(env: Environment, project: Project, plan: Plan, emit: Emit) -> MaterializedView:
    """Nothing is noted either: rows may still come whose moment is before now, as all of a first data set are."""
    began = time.monotonic()
    removed = _removed(env, project, plan, 0, emit) if plan.why and plan.why != UNKNOWN else 0
    return _result(plan, 0, removed, time.monotonic() - began)


def _written(
    env: Environment, project: Project, key_version: int, plans: Sequence[Plan], emit: Emit
) -> Iterator[MaterializedView]:
    if not plans:
        return
    began = time.monotonic()
    emit(Began("feast", "load"))
    with feast_materialize.writing(env, project.name, key_version, [_interval(plan) for plan in plans]) as told:
        emit(Done("feast", "load", time.monotonic() - began))
        yield from (_completed(env, project, plan, told, emit) for plan in plans)


def _completed(env: Environment, project: Project, plan: Plan, told: Iterator[Written], emit: Emit) -> MaterializedView:
    began = time.monotonic()
    emit(Began(plan.view, "materialize"))
    rows = _rows_written(told, plan, emit)
    removed = _removed(env, project, plan, rows, emit) if plan.why else 0
    feast_materialized.record(env, project.name, plan.view, plan.becomes, timeout=TIMEOUT)
    seconds = time.monotonic() - began
    emit(Done(plan.view, "materialize", seconds))
    return _result(plan, rows, removed, seconds)


def _result(plan: Plan, rows: int, removed: int, seconds: float) -> MaterializedView:
    since = plan.extent.first if plan.why else plan.since
    return MaterializedView(plan.view, rows, removed, seconds, since, plan.until, plan.why)


def _interval(plan: Plan) -> Interval:
    return Interval(plan.view, plan.since.isoformat(), plan.until.isoformat(), overwrite=bool(plan.why))


def _rows_written(told: Iterator[Written], plan: Plan, emit: Emit) -> int:
    """The rows of this view, told as they are written."""
    for written in told:
        emit(Progress(plan.view, "materialize", written.rows, plan.extent.entities, "rows"))
        if written.done:
            return written.rows
    raise ValueError(f"{plan.view} was not done")


def _removed(env: Environment, project: Project, plan: Plan, rows: int, emit: Emit) -> int:
    """How many rows were removed from the online store because the offline store has none of their entity.

    After all `rows` of the others have been written: readers see old rows or new ones, and no gap.
    """
    if feast_online.count(env, project, plan.view, timeout=TIMEOUT) <= rows:
        return 0
    source, looked_at, removed = source_of(project, plan.view), 0, 0
    with feast_offline.opened(env, source, timeout=TIMEOUT) as connection:
        for entries in feast_online.entries(env, project, plan.view, timeout=TIMEOUT):
            keys = [entry.keys for entry in entries]
            known = feast_offline.known_of(connection, source, keys, plan.until)
            gone = [each for each in keys if each not in known]
            removed += feast_online.remove(env, project, plan.view, gone, timeout=TIMEOUT) if gone else 0
            looked_at += len(keys)
            emit(Progress(plan.view, "remove", looked_at, max(looked_at, rows), "rows"))
    return removed
