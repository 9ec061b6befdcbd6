"""Workspaces to measure in: in a temporary folder, with ports of their own, always taken down."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import MeasureFailed, say, timed
from benchmarks.plain.native import end, marked
from benchmarks.project import Project, engine_variables
from mmp_local_dev import processes
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import open_stack
from mmp_local_dev.services import SERVICES
from mmp_local_dev.services.base import Home
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

MMP_DEV = str(Path(sys.executable).with_name("mmp-dev"))


@dataclass(frozen=True)
class Dev:
    """`mmp-dev` in one workspace, as a user has it, with nothing of the caller's environment."""

    root: Path
    ports: Mapping[str, str]
    runtime: str

    @property
    def environment(self) -> dict[str, str]:
        """What the commands get."""
        common = {**clean_environment(self.root), **self.ports, "MMP_DEV_RUNTIME": self.runtime}
        if self.runtime == "native":
            return common
        return {**common, **engine_variables(), "MMP_PROJECT": self.project.name, "MMP_VOLUMES": self.project.name}

    @property
    def project(self) -> Project:
        """That of its containers, where Compose is its runtime."""
        return Project(f"mmp-benchmark-{self.root.name}")

    def __call__(self, *arguments: str) -> float:
        """Run a command; the seconds that it took. Raises MeasureFailed unless it ends well."""
        return timed([MMP_DEV, *arguments], self.environment, self.root)

    @property
    def stack_id(self) -> str:
        """The identity of its stack, which has been up before."""
        state = Workspace(self.root).stack(DEFAULT_STACK).load()
        if state is None:
            raise MeasureFailed(f"the stack in {self.root.name} was never up")
        return state.id

    def take_down(self) -> None:
        """Stop the stack, and whatever of it `mmp-dev down` leaves running; of a project nothing stays."""
        if self.runtime == "compose":
            self.project.remove()
            return
        state = Workspace(self.root).stack(DEFAULT_STACK).load()
        try:
            self("down")
        finally:
            if state is not None:
                end(processes.of_stack(state.id))

    @property
    def server_environment(self) -> dict[str, str]:
        """What MLflow's server gets in this stack, once it has been up."""
        stack = Workspace(self.root).stack(DEFAULT_STACK)
        env = open_stack(stack, emit=ignore, process_environment=self.environment).env
        return self.environment | dict(SERVICES["mlflow"].process(env, Home(stack)).environment)


@dataclass(frozen=True)
class Bench:
    """The temporary folder of one run of the benchmarks."""

    base: Path

    @contextmanager
    def dev(self, runtime: str = "native") -> Iterator[Dev]:
        """A new workspace, in which nothing ran yet; taken down and deleted afterwards."""
        root = Path(tempfile.mkdtemp(dir=self.base))
        root.chmod(0o755)
        dev = Dev(root, own_ports(), runtime)
        dev("init")
        try:
            yield dev
        finally:
            with uninterrupted():
                dev.take_down()
                shutil.rmtree(root, ignore_errors=True)


@contextmanager
def bench() -> Iterator[Bench]:
    """A folder that PostgreSQL's own user can reach when this is run by root; nothing of it stays or runs on."""
    base = Path(tempfile.mkdtemp(prefix="mmp-benchmarks-", dir="/var/tmp"))
    base.chmod(0o755)
    try:
        yield Bench(base)
    finally:
        with uninterrupted():
            end(marked(f"{base}/"))
            shutil.rmtree(base, ignore_errors=True)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A context that neither ^C nor SIGTERM breaks off: what was started is taken down first."""
    both = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: say("Taking everything down first ...")) for each in both]
    try:
        yield
    finally:
        for each, handler in zip(both, before, strict=True):
            signal.signal(each, handler)


def clean_environment(home: Path) -> dict[str, str]:
    """PATH and LANG of the caller, and a home without caches."""
    return {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {"HOME": str(home)}


def own_ports() -> dict[str, str]:
    """A free port for each service, by the variable that takes it."""
    names = ("POSTGRES_PORT", "REDIS_PORT", "MLFLOW_PORT")
    return {name: str(port) for name, port in zip(names, free_ports(3), strict=True)}


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
