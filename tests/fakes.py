"""A runtime in memory, for tests of what stands above the runtimes; the conformance suite holds it to their rules."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from mmp_local_dev import shell
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import PreflightFailed, Repair, RuntimeUnavailable
from mmp_local_dev.events import Began, Done, Emit
from mmp_local_dev.processes import PortOwner
from mmp_local_dev.runtimes.base import Conflict, State
from mmp_local_dev.services.base import Service
from mmp_local_dev.workspace import Stack


@dataclass(frozen=True)
class FakeServer:
    """A server that runs: at which port, with which password, and as which process."""

    port: int
    password: str
    pid: int


class FakeMachine:
    """What outlives a command: the servers that run, what they said and keep, and who else holds a port."""

    def __init__(self) -> None:
        self.strangers: dict[int, PortOwner] = {}
        self.servers: dict[tuple[str, str], FakeServer] = {}  # by stack id and service, as everything here
        self.data: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._logs: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._said = threading.Condition()
        self._last_pid = 1000

    def begin(self, key: tuple[str, str], port: int, password: str) -> None:
        """A server starts and says so."""
        self._last_pid += 1
        self.servers[key] = FakeServer(port, password, self._last_pid)
        self.say(key, f"{key[1]} is ready to accept connections on port {port}")

    def end(self, key: tuple[str, str]) -> None:
        """A server stops; what it said and kept stays."""
        del self.servers[key]
        self.say(key, f"{key[1]} is shut down")

    def kill(self, key: tuple[str, str]) -> None:
        """A server dies without a word, and is started again as by a supervisor."""
        self.begin(key, self.servers[key].port, self.servers[key].password)

    def say(self, key: tuple[str, str], line: str) -> None:
        """A server writes a line to its log."""
        with self._said:
            self._logs[key].append(line)
            self._said.notify_all()

    def log(self, key: tuple[str, str], *, tail: int, follow: bool) -> Iterator[str]:
        """The last lines of a log, and then each further one as it comes."""
        lines = self._logs[key]
        position = len(lines)
        yield from lines[max(0, position - tail) : position]
        while follow:
            with self._said:
                while len(lines) <= position:
                    self._said.wait()
            yield lines[position]
            position += 1

    def holder(self, port: int, *, besides: tuple[str, str]) -> PortOwner | None:
        """Who holds a port, other than that server."""
        for key, server in self.servers.items():
            if server.port == port and key != besides:
                return PortOwner(server.pid, key[1])
        return self.strangers.get(port)


class FakeRuntime:
    """Keeps its servers in a FakeMachine. All that a server is made from here is its port and Redis's password."""

    name = "fake"
    settings: Mapping[str, str] = {}
    room = Repair("free", "shows it")
    variables: tuple[str, ...] = ()

    def __init__(self, stack: Stack, stack_id: str, emit: Emit, machine: FakeMachine) -> None:
        self._stack = stack
        self._stack_id = stack_id
        self._emit = emit
        self._machine = machine

    def available(self) -> str:
        return "the memory of a test"

    def complete(self, env: Environment) -> Environment:
        return env

    def install(self) -> None:
        pass

    def preflight(self, services: Sequence[Service], env: Environment) -> None:
        problems = [conflict.problem() for conflict in self.conflicts(services, env)]
        if problems:
            repairs = [repair for problem in problems for repair in problem.repairs]
            message = "\n".join(problem.message for problem in problems)
            raise PreflightFailed(message, repairs=repairs, code=problems[0].code)

    def conflicts(self, services: Sequence[Service], env: Environment) -> list[Conflict]:
        found = []
        for service in services:
            _, port = service.address(env)
            if owner := self._machine.holder(port, besides=self._key(service)):
                found.append(Conflict(service.name, port, owner))
        return found

    def start(self, services: Sequence[Service], env: Environment) -> Sequence[Service]:
        started = []
        for service in services:
            _, port = service.address(env)
            password = env.get("REDIS_PASSWORD", "") if service.name == "redis" else ""
            running = self._machine.servers.get(self._key(service))
            if running and (running.port, running.password) == (port, password):
                continue
            if running:
                self._machine.end(self._key(service))
            self._emit(Began(service.name, "start"))
            self._machine.begin(self._key(service), port, password)
            started.append(service)
        return started

    def stop(self, services: Sequence[Service]) -> Sequence[Service]:
        stopped = []
        for service in reversed(services):
            if self._key(service) in self._machine.servers:
                self._emit(Began(service.name, "stop"))
                self._machine.end(self._key(service))
                self._emit(Done(service.name, "stop", 0.0))
                stopped.append(service)
        return stopped

    def shut_down(self) -> bool:
        left = [key for key in self._machine.servers if key[0] == self._stack_id]
        for key in left:
            self._machine.end(key)
        return bool(left)

    def state(self, service: Service) -> State:
        return State.RUNNING if self._key(service) in self._machine.servers else State.ABSENT

    def logs(self, service: Service, *, tail: int, follow: bool) -> Iterator[str]:
        return self._machine.log(self._key(service), tail=tail, follow=follow)

    def log(self, service: Service) -> str:
        return f"the memory of {self._stack.name}'s {service.name}"

    def run(self, service: Service, argv: Sequence[str], env: Environment, secrets: Mapping[str, str]) -> int:
        return subprocess.run(_on_path(argv), env={**os.environ, **secrets}, check=False).returncode

    def inside(self, env: Environment) -> Environment:
        return env

    def network(self, env: Environment) -> Environment:
        return env

    def python_on_network(self, program: str, env: Environment, stdin: IO[bytes]) -> str:
        raise RuntimeUnavailable("The fake has no network.")

    def provide(self, services: Sequence[Service], env: Environment) -> None:
        pass

    def data_sets(self) -> Mapping[str, str]:
        return {}

    def data_set(self, env: Environment) -> str:
        return "fake"

    def make_room(self, env: Environment) -> Environment:
        return env

    def delete(self, data_set: str) -> None:
        pass

    def mlflow_schema(self) -> str | None:
        return None

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
        shell.pipe(_on_path(argv), env={**os.environ, **secrets}, stdin=stdin, stdout=stdout)

    def _key(self, service: Service) -> tuple[str, str]:
        return self._stack_id, service.name


def _on_path(argv: Sequence[str]) -> list[str]:
    if program := shutil.which(argv[0]):
        return [program, *argv[1:]]
    raise RuntimeUnavailable(f"{argv[0]} is not on PATH.")
