"""Compose projects of the benchmarks' own, on the Docker engine that the caller's `docker` command talks to."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measure import timed
from mmp_local_dev.errors import MmpError
from mmp_local_dev.runtimes import docker_compose
from mmp_local_dev.runtimes.docker_engine import PROJECT_LABEL, Engine
from mmp_local_dev.runtimes.docker_engine import environment as docker_environment


@dataclass(frozen=True)
class Project:
    """A project by its name; what belongs to it is found by Compose's labels."""

    name: str

    def processes(self) -> list[psutil.Process]:
        """The first process of each running container, whose children are all others but health checks."""
        containers = Engine().labelled(f"{PROJECT_LABEL}={self.name}")
        return [psutil.Process(container.pid) for container in containers if container.pid]

    def remove(self) -> None:
        """Delete its containers, network and volumes, whatever state they are in."""
        down = ("down", "--volumes", "--remove-orphans", "--timeout", "1")
        timed(["docker", "compose", "--project-name", self.name, *down], docker_environment(), Path.cwd())


def versions() -> dict[str, str]:
    """The versions of Docker and Compose; none when either is missing or does not answer."""
    try:
        return {"Docker": Engine().version()[1], "Compose": docker_compose.version()}
    except MmpError:
        return {}


def shows_memory() -> bool:
    """Whether the memory of containers' processes can be read: by root, on the engine's own Linux."""
    return sys.platform == "linux" and os.geteuid() == 0 and Engine().host.startswith("unix://")


def engine_variables() -> dict[str, str]:
    """What leads `docker` to the caller's engine when HOME is another."""
    given = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    return {"DOCKER_CONFIG": str(Path.home() / ".docker"), **given}
