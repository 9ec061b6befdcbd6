"""`features materialize`: the online store as the offline store has it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mmp_local_dev.contract.clauses.asking import meant
from mmp_local_dev.contract.clauses.features import project_of
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError, Repair
from mmp_local_dev.events import Emit, Note, Warned, ignore
from mmp_local_dev.features import data_set
from mmp_local_dev.features.materialize import MaterializedView, carry_out
from mmp_local_dev.features.materialize_plan import ASKED, TIMEOUT, Plan, not_materialized, plan
from mmp_local_dev.operations.features_apply import check_running
from mmp_local_dev.operations.opened import contract_of, locked, published
from mmp_local_dev.services import feast_materialized, feast_registry
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.workspace import Stack

_APPLY = Repair("mmp-dev features apply", "registers the definitions of feast_repo/")


@dataclass(frozen=True)
class FeaturesMaterialized:
    """What was done for each view, and of the others why nothing was. Online features are those of `until`."""

    project: str
    until: datetime
    views: Sequence[MaterializedView]
    skipped: Mapping[str, str]
    seconds: float

    def to_data(self) -> dict[str, object]:
        """As JSON has it: moments as text."""
        views = [{**asdict(each), "since": _text(each.since), "until": _text(each.until)} for each in self.views]
        return {**vars(self), "until": _text(self.until), "views": views}


def features_materialize(
    stack: Stack,
    *,
    names: Sequence[str] = (),
    full: bool = False,
    until: datetime | None = None,
    emit: Emit = ignore,
) -> FeaturesMaterialized:
    """Write the newest rows of these views (all for no names) that are not after `until` (now) to the online store.

    Only what is new, unless `full` or what is there cannot be told; then rows of entities that have none any more are
    removed, too. Raises InputError for a name or a moment that cannot be, NotReady for a server that does not answer,
    MmpError for what else is in the way.
    """
    if until and until > datetime.now(UTC):
        raise InputError(f"{until.isoformat()} is in the future: nothing can be known of it.")
    contract = contract_of(stack)
    env = published(stack, contract)
    stack.create()
    with locked(stack, emit):
        return materialize(contract, env, names=names, full=full, until=until, emit=emit)


def materialize(
    contract: Contract,
    env: Environment,
    *,
    names: Sequence[str] = (),
    full: bool = False,
    until: datetime | None = None,
    emit: Emit = ignore,
) -> FeaturesMaterialized:
    """The same for a caller that holds the stack's lock."""
    began, now = time.monotonic(), datetime.now(UTC)
    for service in ("postgresql", "redis"):  # nothing may be written to a stranger's
        check_running(service, env)
    project = _project(env, project_of(contract, env))
    skipped = {name: why for name, view in project.views.items() if (why := not_materialized(view))}
    chosen = _chosen(project, names, skipped)
    plans = _plans(env, project, chosen, until or now, full=full)
    _tell(project, plans, emit, latest=until is None)
    done = carry_out(env, project, _key_version(contract), plans, emit)
    views = sorted(done, key=lambda each: chosen.index(each.view))
    return FeaturesMaterialized(project.name, until or now, views, {} if names else skipped, time.monotonic() - began)


def _project(env: Environment, name: str) -> Project:
    path = env.get(feast_registry.PATH) or ""
    try:
        registry = feast_registry.read(Path(path))
    except MmpError as error:
        error.repairs = (_APPLY,)
        raise
    if name not in registry.projects:
        raise MmpError(f"{path} does not hold the project {name}.", repairs=[_APPLY], code="REGISTRY_UNUSABLE")
    return registry.projects[name]


def _chosen(project: Project, names: Sequence[str], skipped: Mapping[str, str]) -> list[str]:
    for name in names:
        if name not in project.views:
            raise InputError(
                f"{project.name} has no feature view {name}{meant(name, project.views) or '.'}", code="VIEW_UNKNOWN"
            )
        if name in skipped:
            raise InputError(f"{name} {skipped[name]}: there is nothing to materialize.", code="VIEW_NOT_MATERIALIZED")
    return list(dict.fromkeys(names)) or [name for name in project.views if name not in skipped]


def _plans(env: Environment, project: Project, names: Sequence[str], until: datetime, *, full: bool) -> list[Plan]:
    done = feast_materialized.recorded(env, project.name, timeout=TIMEOUT)
    return [plan(env, project, name, done.get(name), until, full=full) for name in names]


def _tell(project: Project, plans: Sequence[Plan], emit: Emit, *, latest: bool) -> None:
    """Why everything is written, what is left out, and where there is nothing at all."""
    written = [each for each in plans if each.extent.entities]
    for why in dict.fromkeys(each.why for each in written if each.why not in ("", ASKED)):
        emit(Note(f"All rows of {', '.join(each.view for each in written if each.why == why)}: {why}."))
    for each in plans:
        if latest and each.extent.later:
            emit(Warned(f"{each.extent.later:,} of the rows of {each.view} are of the future; they are left out."))
    if empty := [each.view for each in plans if each.why and not each.extent.entities]:
        seeded = any(project.views[name].table in data_set.TABLES for name in empty)
        way_out = " `mmp-dev features seed` makes some." if seeded else ""
        emit(Note(f"There are no rows of {', '.join(empty)}.{way_out}"))


def _key_version(contract: Contract) -> int:
    return contract.feast.entity_key_serialization_version if contract.feast else 3


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
