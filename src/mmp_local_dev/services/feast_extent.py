"""How much there is of a feature view in PostgreSQL, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from mmp_local_dev.environment import Environment
from mmp_local_dev.services import feast_sql, postgresql
from mmp_local_dev.services.feast_offline import opened
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.feast_sql import source_of


@dataclass(frozen=True)
class Extent:
    """The rows of a view in an interval: how many entities have one, and when the first one is (None for no row).

    `keyless` of the entities lack a part of their key; `later` rows are after the interval.
    """

    entities: int
    first: datetime | None
    keyless: int
    later: int


def extent(
    env: Environment, project: Project, view_name: str, *, since: datetime, until: datetime, timeout: float
) -> Extent:
    """What there is from `since` to `until`, both included. Raises as `source_of` and `opened`."""
    source = source_of(project, view_name)
    with opened(env, source, timeout=timeout) as connection:
        figures = connection.execute(feast_sql.extent(source), [until, until, since]).fetchone()
    return Extent(*cast(tuple[int, datetime | None, int, int], figures))


def data_set(env: Environment, project: Project, view_name: str, *, timeout: float) -> str:
    """What the view's table is said to hold, in its comment; "" where nothing is said. Raises as `extent`."""
    with opened(env, source_of(project, view_name), timeout=timeout) as connection:
        table = project.views[view_name].table
        return postgresql.scalar(connection, "SELECT obj_description(to_regclass(%s), 'pg_class')", table) or ""
