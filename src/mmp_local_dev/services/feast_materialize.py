"""Writes rows of feature views into the online store, with Feast: a program of its own, and the way to have it run.

A process of its own: Feast takes seconds to import and hundreds of megabytes for what it reads, prints as it likes, and
has no deadlines; a process can be ended at any moment, and its caller's bar moves while it works. It ends itself when
its caller is gone: whoever materializes next must not meet one that still writes older rows.

stdin gets a Job as one line of JSON, and stays open. stdout gets a line when Feast is loaded, one for each batch of
rows and each view that is done (see Written), or one that says what failed. What Feast prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from mmp_local_dev import shell
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.files import put_in_place
from mmp_local_dev.services import feast_registry, postgresql, redis
from mmp_local_dev.services.feast import configuration, not_installed

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView

BATCH = 10_000  # rows that are written at a time

_LONGEST = 4000  # characters of what Feast said that are kept


@dataclass(frozen=True)
class Interval:
    """The rows of a view to write: the newest of each entity between two moments (ISO 8601), both included.

    `overwrite`: whatever stands in the online store, which otherwise keeps a row that is as new.
    """

    view: str
    since: str
    until: str
    overwrite: bool


@dataclass(frozen=True)
class Job:
    """What is to be written. `env` are the environment's values, secrets too."""

    env: Mapping[str, str]
    project: str
    key_version: int
    intervals: Sequence[Interval]


@dataclass(frozen=True)
class Written:
    """How many rows of a view have been written so far; `done` when that is all of them, and the registry knows it."""

    view: str
    rows: int
    done: bool


@contextmanager
def writing(
    env: Environment, project: str, key_version: int, intervals: Sequence[Interval]
) -> Iterator[Iterator[Written]]:
    """Feast, loaded and at work on these intervals, one after the other, as what it has written meanwhile.

    Each view that is done stands in the registry as materialized, as with Feast itself; a view that is not done may
    have some of its rows. Raises MmpError: FEAST_NOT_INSTALLED, REDIS_FULL, REGISTRY_UNUSABLE, MATERIALIZATION_FAILED
    with what Feast said, and NotReady's codes for a server that does not answer.
    """
    job = json.dumps(asdict(Job(dict(env), project, key_version, intervals)))
    with _failures_told(env), shell.at_work([sys.executable, "-P", "-m", __name__], text=f"{job}\n") as lines:
        _checked(json.loads(next(lines)))
        yield (Written(**_checked(json.loads(line))) for line in lines)


@contextmanager
def _failures_told(env: Environment) -> Iterator[None]:
    try:
        yield
    except shell.CommandFailed as error:
        said = env.redact(error.detail)
        message = f"Feast could not materialize: {_why(said) or error.message}"
        raise MmpError(message, detail=said[-_LONGEST:], code="MATERIALIZATION_FAILED") from None


def _why(said: str) -> str:
    """What was raised: in a traceback the first line after the frames, which are indented."""
    lines = [line for line in said.rpartition("Traceback (most recent call last):")[2].splitlines() if line]
    return next((f"{line.rstrip('.')}." for line in lines if not line.startswith(" ")), "")


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    """What the program tells, unless that is a failure, which is raised."""
    if "failed" not in told:
        return told
    error = MmpError(told["failed"], repairs=[Repair(**repair) for repair in told["repairs"]], code=told["code"])
    error.retryable = told["retryable"]
    raise error


def main() -> None:
    """The program."""
    told = json.loads(sys.stdin.readline())
    job = Job(**{**told, "intervals": [Interval(**each) for each in told["intervals"]]})
    _end_with_caller()
    with _stdout_to_ourselves() as tell:
        try:
            import feast  # noqa: F401 -- it takes seconds, and may not be there

            tell({"loaded": True})
            with redis.failures_told(job.env), postgresql.failures_told(job.env), _registry_failures_told(job):
                for interval in job.intervals:
                    _materialize(job, interval, tell)
        except ImportError as error:
            _tell_failure(tell, not_installed(str(error)))
        except MmpError as error:
            _tell_failure(tell, error)


def _end_with_caller() -> None:
    """Killed in the middle there is nothing to clean up: rows are written anew, and the registry is a copy."""

    def watch() -> None:
        sys.stdin.read()  # until nobody is at the other end
        os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _stdout_to_ourselves() -> Iterator[Callable[[object], None]]:
    """A way to say something on stdout that is ours alone; whatever prints writes to stderr."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(what: object) -> None:
        ours.write(json.dumps(what) + "\n")
        ours.flush()

    with suppress(BrokenPipeError), ours:
        yield tell


@contextmanager
def _registry_failures_told(job: Job) -> Iterator[None]:
    """Of files only the registry is written here."""
    try:
        yield
    except OSError as error:
        where = job.env[feast_registry.PATH]
        raise MmpError(f"{where} cannot be written: {error.strerror or error}.", code="REGISTRY_UNUSABLE") from None


def _tell_failure(tell: Callable[[object], None], error: MmpError) -> None:
    repairs = [asdict(repair) for repair in error.repairs]
    tell({"failed": error.message, "code": error.code, "retryable": error.retryable, "repairs": repairs})


def _materialize(job: Job, interval: Interval, tell: Callable[[object], None]) -> None:
    """Feast writes its registry in place, at several moments. So it gets a copy, which is thrown away; the interval is
    then noted in a copy of what the registry is by that time, which takes its place in one step."""
    since, until = (datetime.fromisoformat(moment) for moment in (interval.since, interval.until))
    registry = Path(job.env[feast_registry.PATH]).resolve()
    copy = registry.with_name(f".{registry.name}.materializing")
    try:
        store = _store(job, interval, Path(shutil.copy(registry, copy)))
        rows = _counted(store, lambda rows: tell(asdict(Written(interval.view, rows, done=False))))
        store.materialize(since, until, feature_views=[interval.view])
        store = _store(job, interval, Path(shutil.copy(registry, copy)))
        view = cast("FeatureView", store.registry.get_any_feature_view(interval.view, job.project))
        store.registry.apply_materialization(view, job.project, since, until)
        put_in_place(copy, registry, mode=registry.stat().st_mode & 0o777)
    finally:
        copy.unlink(missing_ok=True)
    tell(asdict(Written(interval.view, sum(rows), done=True)))


def _store(job: Job, interval: Interval, registry: Path) -> FeatureStore:
    """A feature store on this registry that writes as the interval asks.

    PostgreSQL finds the newest rows; Feast's own way is to read all of them, which a view with a transformation needs.
    """
    from feast import FeatureStore

    env = {**job.env, feast_registry.PATH: str(registry)}
    options: dict[str, Any] = {"online_write_batch_size": BATCH, "pull_latest_features": True}
    config = configuration(
        env, job.project, job.key_version, online={"skip_dedup": interval.overwrite}, materialization=options
    )
    store = FeatureStore(config=config)
    view = store.registry.get_any_feature_view(interval.view, job.project)
    if getattr(view, "feature_transformation", None):
        config.materialization_config.pull_latest_features = False
    return store


def _counted(store: FeatureStore, told: Callable[[int], None]) -> list[int]:
    """The numbers of rows of the batches that `store` writes, as they are written; `told` gets their sum so far.

    Feast's local engine tells nobody (what it passes for `progress` does nothing, and its bars are not used). Every
    engine and version of it writes through this one method, which Feast documents for stores of one's own.
    """
    rows: list[int] = []
    online = store.provider.online_store
    write = online.online_write_batch

    def counting(config: Any, table: Any, data: Any, progress: Any) -> None:
        write(config, table, data, progress)
        rows.append(len(data))
        told(sum(rows))

    online.online_write_batch = counting  # type: ignore[method-assign]
    return rows


if __name__ == "__main__":
    main()
