"""Moments about the rows of some entities, with the row that holds at each: what a point-in-time join must answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from mmp_local_dev.environment import Environment
from mmp_local_dev.services import feast_offline
from mmp_local_dev.services.feast_keys import Keys
from mmp_local_dev.services.feast_offline import FAR, Row
from mmp_local_dev.services.feast_sql import Source

_ENTITIES = 12
_ROWS = 200  # of each, the newest
_ABOUT = 4  # of these, about which there are moments
_INSTANT = timedelta(microseconds=1)  # PostgreSQL's smallest


@dataclass(frozen=True)
class Moment:
    """A moment of an entity, the `row` that holds then (None: none does), and the rows that are `known` of it."""

    keys: Keys
    at: datetime
    row: Row | None
    known: Sequence[Row]


def moments(env: Environment, source: Source, *, ttl: int, timeout: float) -> list[Moment]:
    """Some moments of some entities, always the same ones while the data is the same; none where there is no row.

    A row holds for `ttl` seconds, without end if that is 0. `timeout` is in seconds, for each statement. Raises
    NotReady, and MmpError with the code SOURCE_UNREADABLE.
    """
    with feast_offline.opened(env, source, timeout=timeout) as connection:
        entities = feast_offline.some(connection, source, _ENTITIES, datetime.now(UTC))
        histories = feast_offline.histories(connection, source, [(each, FAR) for each in entities], _ROWS)
        asked = [(rows[0].keys, at, rows) for rows in histories if rows for at in _about(rows, ttl)]
        found = feast_offline.as_of(connection, source, [(keys, at) for keys, at, _ in asked], ttl=ttl)
    return [Moment(keys, at, row, rows) for (keys, at, rows), row in zip(asked, found, strict=True)]


def _about(rows: Sequence[Row], ttl: int) -> list[datetime]:
    """At some of the rows, just before and just after them, between them, before the first, and where one ends."""
    times = [row.at for row in rows]
    chosen = sorted({times[place * (len(times) - 1) // max(1, _ABOUT - 1)] for place in range(_ABOUT)})
    return sorted({*_near(chosen), *_between(times, chosen), *_ends(times[-1], ttl), times[0] - timedelta(days=1)})


def _near(times: Sequence[datetime]) -> Iterator[datetime]:
    for at in times:
        yield from (at - _INSTANT, at, at + _INSTANT)


def _between(times: Sequence[datetime], chosen: Sequence[datetime]) -> Iterator[datetime]:
    yield from (before + (after - before) / 2 for before, after in pairwise(times) if before in chosen)


def _ends(last: datetime, ttl: int) -> Iterator[datetime]:
    if ttl:
        yield from (last + timedelta(seconds=ttl), last + timedelta(seconds=ttl) + _INSTANT)
