"""`features apply`: the workspace's feature definitions into the stack's registry, and the tables that they read."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmp_local_dev.contract.clauses.tables import located
from mmp_local_dev.contract.load.waivers import waivers_beside
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError, NotReady, Repair
from mmp_local_dev.events import Began, Done, Emit, ignore
from mmp_local_dev.features import applied, definitions, tables
from mmp_local_dev.features.applied import Applied
from mmp_local_dev.features.candidate import Candidate
from mmp_local_dev.operations.opened import contract_of, locked, published
from mmp_local_dev.services import SERVICES, feast, feast_apply, feast_leftovers, feast_registry
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.workspace import CONTRACT, Stack

if TYPE_CHECKING:
    from mmp_local_dev.contract.compare.changes import Change

NAME = "features"  # as events call it
_PROJECT = "FEAST_PROJECT"
_TIMEOUT = 300.0  # seconds that applying the definitions may take
_ANSWER = 30.0  # seconds that PostgreSQL and Redis may take for an answer


@dataclass(frozen=True)
class FeaturesApplied:
    """How an apply ended.

    `changes` are those of the registry; `refused` are the breaking ones among them, and what the contract promises and
    the definitions lack: with any of those nothing was changed. `values_removed` counts the rows of the online store
    that had values of features which are gone, or of another type. `skipped`: nothing was other than the last apply had
    left it.
    """

    project: str
    registry: str
    tables_made: bool = False
    skipped: bool = False
    changes: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    values_removed: int = 0

    def to_data(self) -> dict[str, Any]:
        """As JSON knows it."""
        found = {name: [each.to_data() for each in getattr(self, name)] for name in ("changes", "refused")}
        return {**vars(self), **found}


def features_apply(stack: Stack, *, allow_breaking: bool = False, emit: Emit = ignore) -> FeaturesApplied:
    """Make the tables of the offline store, and apply the definitions unless nothing has changed since the last time.

    Breaking changes are refused before anything is changed, unless `allow_breaking`. Raises InputError for definitions
    or SQL that cannot be used, NotReady when PostgreSQL does not answer (or Redis, where old values have to go), and
    MmpError, FEAST_NOT_INSTALLED, REGISTRY_UNUSABLE, REGISTRY_CHANGED or APPLY_FAILED. The registry is then as it was,
    except where Redis goes away while old values are removed: that is done by the next apply.
    """
    contract = contract_of(stack)
    env = published(stack, contract)
    with locked(stack, emit):
        check_running("postgresql", env)
        apply = Apply(stack, contract, env)
        made = apply.make_tables()
        if not apply.is_due():
            return replace(apply.skipped(), tables_made=made)
        began = time.monotonic()
        emit(Began(NAME, "apply"))
        with apply.start() as candidate:
            candidate.offline_store_is_ready()
            result = replace(apply.finish(candidate, allow_breaking=allow_breaking), tables_made=made)
        if not result.refused:
            emit(Done(NAME, "apply", time.monotonic() - began))
        return result


class Apply:
    """One apply on a stack, step by step, so that `up` can do something else while the definitions are run.

    Whoever makes one holds the stack's lock until it is done. Raises InputError where the environment lacks what is
    needed, and MmpError for a damaged registry.
    """

    def __init__(self, stack: Stack, contract: Contract, env: Environment) -> None:
        if missing := [name for name in (feast_registry.PATH, _PROJECT) if not env.get(name)]:
            raise InputError(
                f"{' and '.join(missing)} are not in the environment, and {feast_apply.CONFIGURATION} needs both.",
                repairs=[Repair("mmp-dev init another-folder", f"writes a {CONTRACT} that has them")],
                code="ENV_INVALID",
            )
        self._contract, self._env = contract, env
        self._workspace = stack.workspace.root
        self._repository = self._workspace / definitions.FOLDER
        self._registry = Path(env[feast_registry.PATH])
        self._project = env[_PROJECT]
        self._present = _project_in(self._registry, self._project)
        self._last = applied.load(self._registry)
        self._now = _now(self._repository, env, self._last)

    def make_tables(self) -> bool:
        """Run the file of tables when it is another than the last time, or a promised table is not there; whether so.

        Raises InputError for a file that PostgreSQL refuses, NotReady, and MmpError.
        """
        wanted = [located(self._contract, table, self._env) for table in self._contract.tables.values()]
        digest = tables.digest(self._workspace)
        if not digest or (digest == self._last.tables and tables.are_there(self._env, wanted, timeout=_ANSWER)):
            return False
        tables.make(self._workspace, self._env, timeout=_ANSWER)
        self._last = replace(self._last, tables=digest)
        applied.save(self._registry, self._last)
        return True

    def is_due(self) -> bool:
        """Whether anything is other than the last apply has left it. Takes milliseconds."""
        there = feast_registry.digest(self._present) if self._present else ""
        last = self._last
        return replace(self._now, registry=there, key_version=last.key_version, tables=last.tables) != last

    def skipped(self) -> FeaturesApplied:
        """The result where nothing is due."""
        return FeaturesApplied(self._project, str(self._registry), skipped=True)

    def start(self) -> Candidate:
        """Begin to apply the definitions to a copy of the registry. Raises InputError, or MmpError without Feast."""
        if not self._now.feast:
            raise feast.not_installed("it is not installed")
        if not any(definitions.files(self._repository)):
            raise InputError(
                f"There are no feature definitions in {self._repository}.",
                repairs=[Repair("mmp-dev init another-folder", f"writes an example of {definitions.FOLDER}/")],
                code="DEFINITIONS_INVALID",
            )
        return Candidate(self._repository, self._registry, self._env)

    def finish(
        self, candidate: Candidate, *, allow_breaking: bool = False, timeout: float = _TIMEOUT
    ) -> FeaturesApplied:
        """Wait for the candidate, compare it, and put it in place; raises as `features_apply`."""
        key_version = candidate.key_version(timeout=timeout)
        new = feast_registry.read(candidate.path).projects[self._project]
        changes, refused = self._compared(new, key_version)
        result = FeaturesApplied(self._project, str(self._registry), changes=changes, refused=refused)
        if refused and not allow_breaking:
            return result
        return replace(result, refused=(), values_removed=self._put_in_place(candidate, new, key_version))

    def _compared(self, new: Project, key_version: int) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
        """What changes in the registry; and what of that, or of the contract, breaks consumers."""
        from mmp_local_dev.contract import registered  # here: an `up` that applies nothing compares nothing

        as_of = datetime.now(UTC).date()
        waivers = waivers_beside(self._contract.path)
        told = partial(registered.changes, contract=self._contract, as_of=as_of, waivers=waivers)
        then = partial(registered.feast_of, contract=self._contract, env=self._env)
        now = then(new, key_version)
        found = told(then(self._present, self._last.key_version or key_version) if self._present else None, now)
        unkept = told(self._contract.feast, now) if self._contract.feast else ()
        breaking = {change.id: change for change in registered.breaking((*unkept, *found))}
        return found, tuple(breaking.values())

    def _put_in_place(self, candidate: Candidate, new: Project, key_version: int) -> int:
        """In how many rows of the online store values were removed. Interrupted at any point, it can be repeated."""
        last = self._last
        same_keys = last.key_version in (0, key_version)
        gone = feast_leftovers.between(self._present, new, same_keys=same_keys) if self._present else {}
        leftovers = feast_leftovers.merged(last.leftovers, gone)
        now = replace(self._now, registry=feast_registry.digest(new), key_version=key_version, tables=self._last.tables)
        if leftovers:
            check_running("redis", self._env)  # before anything is changed
            applied.save(self._registry, replace(now, leftovers=leftovers))
        candidate.put_in_place()
        removed = feast_leftovers.remove(self._env, self._project, leftovers, timeout=_ANSWER) if leftovers else 0
        applied.save(self._registry, now)
        return removed


def check_running(name: str, env: Environment) -> None:
    """See that this stack's service answers. Raises NotReady, or WrongService."""
    try:
        SERVICES[name].identify(env, timeout=_ANSWER)
    except NotReady as error:
        error.repairs = error.repairs or (Repair("mmp-dev up", "starts what does not run"),)
        raise


def _now(repository: Path, env: Environment, last: Applied) -> Applied:
    """What is to be in place, as far as that is known before. Where this Python has no Feast, another applied it."""
    try:
        digest = definitions.digest(repository, env)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.", code="DEFINITIONS_INVALID") from None
    return Applied(digest, feast=definitions.feast_version() or last.feast)


def _project_in(registry: Path, name: str) -> Project | None:
    """The project as the registry holds it; None where there is none yet. Raises MmpError for a damaged registry."""
    if not registry.exists():
        return None
    try:
        return feast_registry.read(registry).projects.get(name)
    except MmpError as error:
        file = str(registry)
        error.repairs = (Repair(shlex.join(["mv", file, f"{file}.damaged"]), "lets `mmp-dev features apply` make one"),)
        raise
