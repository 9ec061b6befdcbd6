"""Whether the rows of a view are online what they are offline: for some entities, or for all of them.

Nobody should write meanwhile: a row that is loaded between the two readings is told as different.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from mmp_local_dev.environment import Environment
from mmp_local_dev.services import feast_offline, feast_online
from mmp_local_dev.services.feast_difference import Agreement, Comparer
from mmp_local_dev.services.feast_keys import Keys
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.feast_sql import source_of

Counted = Callable[[int, int], None]  # told how many entities are done, and of how many


def of_some(env: Environment, project: Project, view_name: str, *, count: int, timeout: float) -> Agreement:
    """Compare up to `count` entities that have a row offline, and as many that have one online.

    `timeout` is in seconds, for each statement. Raises NotReady, and MmpError with the codes VIEW_WITHOUT_ROWS,
    VIEW_NOT_STORED and SOURCE_UNREADABLE.
    """
    source, now = source_of(project, view_name), datetime.now(UTC)
    comparer = Comparer(view_name, project.views[view_name], now)
    stored = feast_online.some(env, project, view_name, count, timeout=timeout)
    with feast_offline.opened(env, source, timeout=timeout) as connection:
        keys = list(dict.fromkeys([*feast_offline.some(connection, source, count, now), *stored]))
        rows = feast_offline.as_of(connection, source, [(each, now) for each in keys])
        newest = feast_offline.as_of(
            connection, replace(source, features={}), [(each, feast_offline.FAR) for each in keys]
        )
    entries = feast_online.read(env, project, view_name, keys, timeout=timeout)
    for each in zip(keys, rows, entries, strict=True):
        comparer.compare(*each)
    comparer.agreement.waiting = sum(row is not None and row.at > now for row in newest)
    return comparer.agreement


def of_all(
    env: Environment, project: Project, view_name: str, *, timeout: float, counted: Counted = lambda done, total: None
) -> Agreement:
    """Compare every entity, in bounded memory but for the keys of rows that are online only. Else as `of_some`."""
    source, now = source_of(project, view_name), datetime.now(UTC)
    comparer = Comparer(view_name, project.views[view_name], now)
    with feast_offline.opened(env, source, timeout=timeout) as connection:
        total = feast_offline.entities(connection, source, now)
        comparer.agreement.waiting = feast_offline.waiting(connection, source, now)
    for rows in feast_offline.latest(env, project, view_name, timeout=timeout, until=now):
        entries = feast_online.read(env, project, view_name, [row.keys for row in rows], timeout=timeout)
        for row, entry in zip(rows, entries, strict=True):
            comparer.compare(row.keys, row, entry)
        counted(comparer.agreement.rows, total)
    if feast_online.count(env, project, view_name, timeout=timeout) > comparer.agreement.stored:
        _compare_those_online_only(env, project, comparer, timeout=timeout)
    return comparer.agreement


def _compare_those_online_only(env: Environment, project: Project, comparer: Comparer, *, timeout: float) -> None:
    source = source_of(project, comparer.name)
    seen: set[Keys] = set()  # Redis may name a key twice
    with feast_offline.opened(env, source, timeout=timeout) as connection:
        for entries in feast_online.entries(env, project, comparer.name, timeout=timeout):
            known = feast_offline.known_of(connection, source, [entry.keys for entry in entries], comparer.now)
            for entry in entries:
                if entry.keys not in known and entry.keys not in seen:
                    seen.add(entry.keys)
                    comparer.compare(entry.keys, None, entry)
