"""What has to be written of each feature view: what is new, or everything, and why."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.services import feast_extent, feast_offline, feast_online
from mmp_local_dev.services.feast_extent import Extent
from mmp_local_dev.services.feast_materialized import Materialized, definition_of
from mmp_local_dev.services.feast_registry import Project, RegisteredView
from mmp_local_dev.services.feast_sql import source_of

TIMEOUT = 60.0  # seconds for an answer of PostgreSQL or Redis

ASKED = "asked for"
UNKNOWN = "it is their first time, or Redis was emptied since"
OTHER_DEFINITION = "the definition has changed"
LOST = "some of them are missing from Redis"

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)  # PostgreSQL's
_LOOKED_FOR = 100  # rows


@dataclass(frozen=True)
class Plan:
    """The newest row of each entity from `since` to `until` is to be written. `extent` says how many that are.

    With a reason `why` that is everything, whatever stands in the online store. `becomes` is what holds afterwards.
    """

    view: str
    since: datetime
    until: datetime
    why: str
    extent: Extent
    becomes: Materialized


def not_materialized(view: RegisteredView) -> str:
    """Why a view has no rows in the online store; "" for one that has."""
    if view.kind == "on demand":
        return "is computed when it is read"
    if not view.online:
        return "is not served online"
    if not (view.table or view.query):
        return "has no source in PostgreSQL"
    return "" if view.join_keys else "has no entity"


def plan(
    env: Environment, project: Project, view_name: str, done: Materialized | None, until: datetime, *, full: bool
) -> Plan:
    """What is to be written of a view of which `done` is noted; everything if `full` or if that is the only sure way.

    Raises NotReady, MmpError: SOURCE_UNREADABLE for a table that is not as the view needs it, ENTITY_MISSING for rows
    of it that nobody could ask for.
    """
    becomes = Materialized(
        until, feast_extent.data_set(env, project, view_name, timeout=TIMEOUT), definition_of(project, view_name)
    )
    why = ASKED if full else _why_everything(env, project, view_name, done, becomes)
    since = _BEGINNING if why or done is None else done.until + _INSTANT
    extent = feast_extent.extent(env, project, view_name, since=since, until=until, timeout=TIMEOUT)
    if extent.keyless:
        raise _keyless(env, project, view_name)
    return Plan(view_name, since, until, why, extent, becomes)


def _why_everything(
    env: Environment, project: Project, view_name: str, done: Materialized | None, becomes: Materialized
) -> str:
    if done is None:
        return UNKNOWN
    if done.definition != becomes.definition:
        return OTHER_DEFINITION
    if done.data_set != becomes.data_set:
        return f"their table holds {becomes.data_set or 'other data'} now"
    return LOST if _lost(env, project, view_name, done.until) else ""


def _lost(env: Environment, project: Project, view_name: str, until: datetime) -> bool:
    """Whether some of a few rows are not where they have been written. What empties Redis as a whole takes the note
    with it; this is about single keys, such as those that Feast removes with a view that is taken out and comes back.
    """
    source = source_of(project, view_name)
    with feast_offline.opened(env, source, timeout=TIMEOUT) as connection:
        keys = feast_offline.some(connection, source, _LOOKED_FOR, until)
    with suppress(ValueError):  # a key that is no value of its type: Feast will say so when it writes
        return None in feast_online.read(env, project, view_name, keys, timeout=TIMEOUT)
    return False


def _keyless(env: Environment, project: Project, view_name: str) -> MmpError:
    view = project.views[view_name]
    columns = [view.columns.get(name, name) for name in view.join_keys]
    incomplete = " OR ".join(f'"{column}" IS NULL' for column in columns)
    rows = f"SELECT * FROM {_relation(env, view)} WHERE {incomplete}"  # noqa: S608 -- text for the user, who wrote it
    return MmpError(
        f"{view_name} has rows without {' or '.join(columns)}. Nobody could ask for them, and Feast writes no row of a "
        "view that has such ones.",
        repairs=[Repair(shlex.join(["mmp-dev", "psql", "-c", rows]), "shows them; complete or delete them")],
        code="ENTITY_MISSING",
    )


def _relation(env: Environment, view: RegisteredView) -> str:
    if view.query:
        return f"({view.query}) AS rows_of_view"
    return view.table if "." in view.table else f'"{env.get(feast_offline.SCHEMA) or "public"}".{view.table}'
