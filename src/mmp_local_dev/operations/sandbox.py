"""A database, a prefix in Redis and an MLflow experiment that live for one test only.

All that is needed is the environment that `.env` publishes; `up` provides what sandboxes are made from.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import quote

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError, Repair
from mmp_local_dev.services import postgresql
from mmp_local_dev.services.sandbox_parts import PARTS, Part

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

R = TypeVar("R")

_PREFIX = "mmp_sandbox_"
_NAME = re.compile(_PREFIX + r"(\d+)_[0-9a-f]{8}")  # with the second in which it was made
_LEFT_OVER_AFTER = 3600  # seconds
# Removing a database makes the next ones dear: ext4 does not take an inode again for seconds after it was freed, and
# looks through all such for each new file, of which a database has 300. So those of a session are removed together.
_MOST_WAITING = 50


@dataclass(frozen=True)
class Sandbox:
    """What one test has for itself: the database `name`, keys that begin with `redis_prefix`, an MLflow experiment.

    `env` is the environment for programs under test: as published, but POSTGRES_DB, MLFLOW_EXPERIMENT_NAME and _ID,
    MMP_REDIS_PREFIX, FEAST_PROJECT and FEAST_REGISTRY_PATH are the sandbox's own. Keys that have the name anywhere in
    them, as Feast's of that project do, belong to it too. In a service that the environment lacks, there is nothing.
    """

    name: str
    env: Environment

    @property
    def redis_prefix(self) -> str:
        """What the sandbox's keys begin with."""
        return self.env["MMP_REDIS_PREFIX"]

    @property
    def experiment_name(self) -> str:
        """The experiment's name."""
        return self.env["MLFLOW_EXPERIMENT_NAME"]

    @property
    def experiment_id(self) -> str:
        """The experiment's id."""
        return self.env["MLFLOW_EXPERIMENT_ID"]

    @property
    def postgresql_dsn(self) -> str:
        """The database as a URL for libpq and SQLAlchemy, with the password."""
        user, password = (quote(self.env[f"POSTGRES_{part}"], safe="") for part in ("USER", "PASSWORD"))
        return f"postgresql://{user}:{password}@{self.env['POSTGRES_HOST']}:{self.env['POSTGRES_PORT']}/{self.name}"

    def connect(self, *, timeout: float = 10) -> AbstractContextManager[Connection]:
        """A connection of psycopg to the database; autocommit. Raises NotReady."""
        return postgresql.connect(self.env, timeout=timeout)


class Sandboxes(AbstractContextManager["Sandboxes"]):
    """Makes the sandboxes of one session; leaving this context removes their databases, which wait for that.

    From the second one on, the next is made while a test has the one before. `timeout` is in seconds, for each step
    with one service. Raises InputError for an environment without any service.
    """

    def __init__(self, env: Environment, *, timeout: float = 30) -> None:
        self._env = env
        self._timeout = timeout
        self._parts = [part for part in PARTS if part.variable in env]
        if not self._parts:
            raise InputError(
                "The environment names no service to make a sandbox in.",
                repairs=[Repair("mmp-dev up", "starts the services and writes .env")],
            )
        self._opened = 0
        self._next: Future[Sandbox] | None = None
        self._waiting: list[str] = []
        self._folder = TemporaryDirectory(prefix=_PREFIX)
        self._pool = ThreadPoolExecutor(2 * len(PARTS) + 1, thread_name_prefix="sandbox")  # a closing and a making

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._folder, self._pool:
            if prepared := self._prepared():
                self._close(prepared.name, prepared.env)
            self._remove_waiting()

    @contextmanager
    def open(self) -> Iterator[Sandbox]:
        """A new sandbox; afterwards its clients are cut off, its keys are gone and its experiment is deleted.

        Raises NotReady when a service does not answer, and MmpError with code SANDBOX_REFUSED.
        """
        sandbox = self._prepared() or self._make()
        self._opened += 1
        if self._opened > 1:
            self._next = self._pool.submit(self._make)
        try:
            yield sandbox
        finally:
            self._close(sandbox.name, sandbox.env)

    def remove_left_overs(self, *, now: Callable[[], float] = time.time) -> list[str]:
        """Remove what killed sessions have left: sandboxes older than an hour that nobody is connected to; their names.

        Raises NotReady.
        """
        found: dict[str, bool] = {}
        for there in self._ask_all(lambda part: part.there(self._env, _PREFIX, timeout=self._timeout)):
            found |= {name: in_use or found.get(name, False) for name, in_use in there.items()}
        old = [name for name, in_use in found.items() if not in_use and _age(name, now()) > _LEFT_OVER_AFTER]
        for name in old:
            self._close(name)
        self._remove_waiting()
        return old

    def _prepared(self) -> Sandbox | None:
        """The one that was made meanwhile, if there is one. What was in its way then may be gone by now."""
        prepared, self._next = self._next, None
        try:
            return prepared.result() if prepared else None
        except MmpError:
            return None

    def _make(self) -> Sandbox:
        name = f"{_PREFIX}{int(time.time())}_{secrets.token_hex(4)}"
        registry = Path(self._folder.name) / name / "registry.db"
        registry.parent.mkdir()
        own = {"FEAST_PROJECT": name, "FEAST_REGISTRY_PATH": str(registry)}
        try:
            for values in self._ask_all(lambda part: part.make(self._env, name, timeout=self._timeout)):
                own |= values
        except BaseException:
            with suppress(MmpError):  # what is told is why it could not be made
                self._close(name)
            raise
        return Sandbox(name, self._env.with_values(**own))

    def _close(self, name: str, own: Mapping[str, str] | None = None) -> None:
        self._waiting.append(name)
        self._ask_all(lambda part: part.close(self._env, name, own or {}, timeout=self._timeout))
        if len(self._waiting) >= _MOST_WAITING:
            self._remove_waiting()

    def _remove_waiting(self) -> None:
        if names := list(self._waiting):
            self._ask_all(lambda part: part.remove(self._env, names, timeout=self._timeout))
            del self._waiting[: len(names)]

    def _ask_all(self, ask: Callable[[Part], R]) -> Iterable[R]:
        """The answers of the services, asked side by side. Raises the first error, when all have answered."""
        asked = [self._pool.submit(ask, part) for part in self._parts]
        wait(asked)
        return [each.result() for each in asked]


@contextmanager
def open_sandbox(env: Environment, *, timeout: float = 30) -> Iterator[Sandbox]:
    """One sandbox, of which nothing is left afterwards. `env` is what `.env` publishes; errors as of Sandboxes."""
    with Sandboxes(env, timeout=timeout) as sandboxes, sandboxes.open() as sandbox:
        yield sandbox


def _age(name: str, now: float) -> float:
    """How long ago it was made, in seconds; 0 for a name that is none of ours."""
    match = _NAME.fullmatch(name)
    return now - int(match[1]) if match else 0
