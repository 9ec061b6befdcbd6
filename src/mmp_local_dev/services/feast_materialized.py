"""What stands in the online store of each feature view, as whoever wrote it there has noted beside it in Redis.

Beside it, so that the note goes when Redis is emptied and comes back when an older state of it is restored: what Feast
notes in its registry says what was done once, not what is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from mmp_local_dev.environment import Environment
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.redis import connect

_IN_ROWS = ("join_keys", "features", "table", "query", "timestamp_field", "created_timestamp_column", "columns")


@dataclass(frozen=True)
class Materialized:
    """The newest row of each entity up to `until` is there: rows of `data_set` ("" where it has no name), by the
    `definition` that `definition_of` gives."""

    until: datetime
    data_set: str
    definition: str


def definition_of(project: Project, view_name: str) -> str:
    """A digest of all that makes a view's rows what they are; it differs when they would."""
    view = project.views[view_name]
    made_of = {name: value for name, value in asdict(view).items() if name in _IN_ROWS}
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def recorded(env: Environment, project_name: str, *, timeout: float) -> dict[str, Materialized]:
    """What is noted, by view; a note that cannot be read counts for nothing. Raises NotReady."""
    with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
        notes = cast(Mapping[str, str], client.hgetall(_key(project_name)))
    found = {}
    for view_name, note in notes.items():
        with suppress(ValueError, TypeError, KeyError):
            told = json.loads(note)
            found[view_name] = Materialized(**{**told, "until": datetime.fromisoformat(told["until"])})
    return found


def record(env: Environment, project_name: str, view_name: str, done: Materialized, *, timeout: float) -> None:
    """Note it. Raises NotReady, and MmpError, REDIS_FULL."""
    note = json.dumps({**asdict(done), "until": done.until.isoformat()})
    with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
        client.hset(_key(project_name), view_name, note)


def forget(env: Environment, project_name: str, view_name: str, *, timeout: float) -> None:
    """Take back what is noted of a view: from here on nobody can tell what is there. Raises NotReady."""
    with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
        client.hdel(_key(project_name), view_name)


def _key(project_name: str) -> str:
    return f"mmp-dev:materialized:{project_name}"
