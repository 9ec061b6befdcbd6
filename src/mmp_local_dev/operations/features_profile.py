"""`features profile`: what the feature store's tables hold, in figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mmp_local_dev.contract.clauses.tables import schema_of_features
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.events import Began, Done, Emit, Warned
from mmp_local_dev.features import profile_online, profile_table
from mmp_local_dev.features.profile_facts import Online, Profile, Table
from mmp_local_dev.features.profile_notices import notices
from mmp_local_dev.features.profile_table import Target
from mmp_local_dev.operations import profile_targets
from mmp_local_dev.operations.opened import contract_of, published
from mmp_local_dev.operations.profile_targets import Known
from mmp_local_dev.services import feast_materialized, feast_registry, postgresql_relations
from mmp_local_dev.services.feast_materialized import Materialized
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.postgresql_relations import RelationUnreadable
from mmp_local_dev.workspace import Stack


def features_profile(stack: Stack, *, names: Sequence[str] = (), timeout: float = 60, emit: Emit) -> Profile:
    """The facts about the tables that feature views read and the contract promises; of all, or of the `names`d views
    and tables. A query may take `timeout` seconds. Changes nothing.

    What cannot be read is told in the profile. Raises NotReady when PostgreSQL does not answer, InputError for a name
    that there is not, MmpError, NOTHING_TO_PROFILE, where neither registry nor contract knows a table.
    """
    began, taken = time.monotonic(), datetime.now(UTC)
    contract = contract_of(stack)
    env = published(stack, contract)
    project, schema = _project(contract, env, emit), schema_of_features(contract, env)
    with postgresql_relations.reading(env, schema, timeout=timeout) as connection:
        targets = profile_targets.targets(Known(contract, env, project, connection))
    if not targets:
        raise _nothing(stack)
    chosen = profile_targets.named(targets, names)
    tables = tuple(_profiled(env, schema, target, timeout, emit) for target in chosen)
    online = tuple(_online(env, project, tables, timeout, emit))
    return Profile(
        project=project.name,
        contract=contract.name,
        version=contract.version,
        stack=stack.name,
        taken=taken.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 3),
        data_sets=tuple(dict.fromkeys(table.comment for table in tables if table.comment)),
        tables=tables,
        online=online,
        without_rows=profile_targets.without_rows(project),
        notices=tuple(notices(tables, online)),
    )


def _project(contract: Contract, env: Environment, emit: Emit) -> Project:
    """What the registry holds; nothing, with a warning, while there is none."""
    name = env.get("FEAST_PROJECT") or (contract.feast.project if contract.feast else "")
    only = "Only the tables that the contract promises are profiled."
    try:
        projects = feast_registry.read(Path(env.get(feast_registry.PATH) or ".")).projects
    except MmpError as error:
        emit(Warned(f"{error.message} {only}"))
        return Project(name)
    if name not in projects:
        emit(Warned(f"The registry has no project {name}, only {', '.join(projects) or 'nothing'}. {only}"))
    return projects.get(name, Project(name))


def _profiled(env: Environment, schema: str, target: Target, timeout: float, emit: Emit) -> Table:
    if target.problem:
        emit(Warned(f"{target.name} cannot be read: {target.problem}."))
        return profile_table.unread(target, target.problem)
    began = time.monotonic()
    emit(Began(target.name, "profile"))
    try:
        with postgresql_relations.reading(env, schema, timeout=timeout) as connection:
            found = profile_table.profile(connection, target)
    except RelationUnreadable as error:
        emit(Warned(f"{target.name} cannot be read: {error.message}."))
        found = profile_table.unread(target, error.message)
    seconds = time.monotonic() - began
    emit(Done(target.name, "profile", seconds))
    return replace(found, seconds=round(seconds, 3))


def _online(
    env: Environment, project: Project, tables: Sequence[Table], timeout: float, emit: Emit
) -> Iterator[Online]:
    try:
        noted = feast_materialized.recorded(env, project.name, timeout=timeout)
    except MmpError as error:
        emit(Warned(error.message))
        noted = {}
    for table in tables:
        for view in table.views:
            if table.rows and project.views[view].online:
                yield from _compared(env, project, view, table, noted, timeout, emit)


def _compared(
    env: Environment,
    project: Project,
    view: str,
    table: Table,
    noted: Mapping[str, Materialized],
    timeout: float,
    emit: Emit,
) -> Iterator[Online]:
    began = time.monotonic()
    emit(Began(view, "compare"))
    if found := profile_online.compare(env, project, view, table, noted, timeout=timeout):
        if found.problem:
            emit(Warned(f"{view} cannot be compared online: {found.problem}"))
        yield found
    emit(Done(view, "compare", time.monotonic() - began))


def _nothing(stack: Stack) -> MmpError:
    return MmpError(
        f"Neither Feast registry nor contract of stack {stack.name} knows a table, so there is nothing to profile.",
        repairs=[Repair("mmp-dev features apply", "registers the definitions in feast_repo/")],
        code="NOTHING_TO_PROFILE",
    )
