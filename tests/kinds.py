"""How each runtime is made for the conformance suite, and what only its maker can do to it. To add one: its kind here,
and a line in the table KINDS."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil
import pytest

import containers
import engine
from fakes import FakeMachine, FakeRuntime
from mmp_local_dev import processes
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady
from mmp_local_dev.events import Event
from mmp_local_dev.operations.init import init
from mmp_local_dev.processes import PortOwner
from mmp_local_dev.runtimes.base import Runtime, State
from mmp_local_dev.runtimes.compose import ComposeRuntime
from mmp_local_dev.runtimes.compose_names import PROJECT
from mmp_local_dev.runtimes.docker_engine import PROJECT_LABEL, SERVICE_LABEL, STACK_LABEL, Engine
from mmp_local_dev.runtimes.native import NativeRuntime
from mmp_local_dev.services import SERVICES, redis
from mmp_local_dev.services.base import Service
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Stack, Workspace, runtime_dir

POSTGRESQL, REDIS = SERVICES["postgresql"], SERVICES["redis"]
BOTH = [POSTGRESQL, REDIS]
ALIVE = (State.STARTING, State.RUNNING)
SECONDS = 60.0


class Kind(Protocol):
    """A machine with one stack under a runtime, and what only the runtime's maker can do to it."""

    stack: Stack
    stack_id: str
    given: Mapping[str, str]  # what a user may set for this runtime, so that the stacks of the tests are alone
    events: list[Event]

    def runtime(self) -> Runtime:
        """The runtime as the next command makes it: nothing but the machine is remembered."""

    def process(self, service: Service) -> int:
        """Which process the service is at the moment."""

    def kill(self, service: Service) -> None:
        """Kill the process of a running service."""

    def restart_engine(self) -> None:
        """What runs the servers dies, and is there again where it comes back by itself."""

    def stranger(self, port: int) -> AbstractContextManager[PortOwner]:
        """Somebody else listens on the port meanwhile."""

    def say(self, service: Service, text: bytes) -> None:
        """The service writes this to its log."""

    def rotate(self, service: Service) -> None:
        """The service's log begins anew, because it has grown too long."""

    def keep(self, env: Environment, value: str) -> None:
        """Store something in the running Redis."""

    def kept(self, env: Environment) -> str | None:
        """What was stored in the running Redis."""

    def admits(self, env: Environment) -> bool:
        """Whether the running Redis takes the password of `env`."""

    def end(self) -> None:
        """End what is left of the stack: killed, which is quicker, as nobody needs the data any more."""


class Real:
    """What is the same wherever the servers are real."""

    given: Mapping[str, str] = {}

    def __init__(self, root: Path, _machine: FakeMachine) -> None:
        init(root)
        self.stack = Workspace(root).stack("default")
        self.stack.create()
        self.stack_id = uuid.uuid4().hex
        self.events: list[Event] = []

    @contextmanager
    def stranger(self, port: int) -> Iterator[PortOwner]:
        with socket.create_server(("127.0.0.1", port)):
            yield PortOwner(os.getpid(), "")

    def keep(self, env: Environment, value: str) -> None:
        wait_until(lambda: REDIS.probe(env, timeout=5), timeout=SECONDS)
        with redis.connect(env, password=env.get("REDIS_PASSWORD"), timeout=5) as client:
            client.set("key", value)

    def kept(self, env: Environment) -> str | None:
        wait_until(lambda: REDIS.probe(env, timeout=5), timeout=SECONDS)
        with redis.connect(env, password=env.get("REDIS_PASSWORD"), timeout=5) as client:
            return str(client.get("key"))

    def admits(self, env: Environment) -> bool:
        try:
            REDIS.probe(env, timeout=5)
        except NotReady as error:
            if error.code != "AUTHENTICATION_FAILED":
                raise
            return False
        return True


class Native(Real):
    """The native runtime: supervised processes."""

    def runtime(self) -> NativeRuntime:
        return NativeRuntime(self.stack, self.stack_id, self.events.append)

    def process(self, service: Service) -> int:
        return self.runtime().pid(service)

    def kill(self, service: Service) -> None:
        os.kill(self.process(service), signal.SIGKILL)

    def restart_engine(self) -> None:
        (supervisor,) = [p for p in processes.of_stack(self.stack_id) if "supervisor.supervisord" in p.cmdline()]
        supervisor.kill()
        processes.wait_for_end([supervisor], timeout=SECONDS)

    def say(self, service: Service, text: bytes) -> None:
        with Path(self.runtime().log(service)).open("ab") as file:
            file.write(text)

    def rotate(self, service: Service) -> None:
        log = Path(self.runtime().log(service))
        log.rename(f"{log}.1")
        log.touch()

    def end(self) -> None:
        while left := processes.of_stack(self.stack_id):
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        shutil.rmtree(runtime_dir(self.stack_id), ignore_errors=True)


class Compose(Real):
    """The Compose runtime: containers of a project of the test's own."""

    def __init__(self, root: Path, machine: FakeMachine) -> None:
        super().__init__(root, machine)
        self.given = containers.own_project()
        self._voices: dict[str, Voice] = {}

    def runtime(self) -> ComposeRuntime:
        return ComposeRuntime(self.stack, self.stack_id, self.events.append)

    def process(self, service: Service) -> int:
        return Engine().containers(self.stack_id)[service.name].pid

    def kill(self, service: Service) -> None:
        containers.kill(Engine().containers(self.stack_id)[service.name].id)

    def restart_engine(self) -> None:
        docker = engine.Engine()
        docker.end(signal.SIGKILL)
        docker.start()

    def say(self, service: Service, text: bytes) -> None:
        if service.name not in self._voices:
            project = self.given[PROJECT]
            labels = {STACK_LABEL: self.stack_id, PROJECT_LABEL: project, SERVICE_LABEL: service.name}
            self._voices[service.name] = Voice(f"{project}-{service.name}-1", labels)
        self._voices[service.name].say(text)

    def rotate(self, service: Service) -> None:
        pass  # the engine does that, and its readers never see it

    def end(self) -> None:
        containers.remove(self.given[PROJECT])
        for voice in self._voices.values():
            voice.end()


class Voice:
    """A container that writes to its log what it is told, byte for byte."""

    def __init__(self, name: str, labels: Mapping[str, str]) -> None:
        self._name = name
        marks = [word for label, value in labels.items() for word in ("--label", f"{label}={value}")]
        argv = ["docker", "run", "--rm", "--interactive", "--name", name, *marks, "redis:8-alpine", "cat"]
        self._attached = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._lines = 0

    def say(self, text: bytes) -> None:
        """Write whole lines, and wait until the engine has them."""
        assert self._attached.stdin
        self._attached.stdin.write(text)
        self._attached.stdin.flush()
        self._lines += text.count(b"\n")
        assert eventually(lambda: self._log().count(b"\n") == self._lines)

    def end(self) -> None:
        """Its container is gone."""
        self._attached.communicate(timeout=SECONDS)

    def _log(self) -> bytes:
        return subprocess.run(["docker", "logs", self._name], capture_output=True, check=False).stdout


class Fake:
    """The fake runtime of a machine in memory."""

    given: Mapping[str, str] = {}

    def __init__(self, root: Path, machine: FakeMachine) -> None:
        self.stack = Workspace(root).stack("default")
        self.stack_id = uuid.uuid4().hex
        self.events: list[Event] = []
        self._machine = machine

    def runtime(self) -> FakeRuntime:
        return FakeRuntime(self.stack, self.stack_id, self.events.append, self._machine)

    def process(self, service: Service) -> int:
        return self._machine.servers[self.stack_id, service.name].pid

    def kill(self, service: Service) -> None:
        self._machine.kill((self.stack_id, service.name))

    def restart_engine(self) -> None:
        pass  # a memory does not restart

    @contextmanager
    def stranger(self, port: int) -> Iterator[PortOwner]:
        self._machine.strangers[port] = PortOwner(7, "stranger")
        yield self._machine.strangers[port]
        del self._machine.strangers[port]

    def say(self, service: Service, text: bytes) -> None:
        for line in text.splitlines():
            self._machine.say((self.stack_id, service.name), line.decode(errors="replace"))

    def rotate(self, service: Service) -> None:
        pass

    def keep(self, env: Environment, value: str) -> None:
        assert self.admits(env)
        self._machine.data[self.stack_id, "redis"]["key"] = value

    def kept(self, env: Environment) -> str | None:
        assert self.admits(env)
        return self._machine.data[self.stack_id, "redis"].get("key")

    def admits(self, env: Environment) -> bool:
        return self._machine.servers[self.stack_id, "redis"].password == env.get("REDIS_PASSWORD", "")

    def end(self) -> None:
        pass


KINDS = [
    pytest.param(Native, id="native", marks=pytest.mark.needs("native")),
    pytest.param(Compose, id="compose", marks=pytest.mark.needs("docker")),
    pytest.param(Fake, id="fake"),
]


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
