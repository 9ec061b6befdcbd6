"""Workspaces on Docker Compose, each a project of its own, and what the `docker` command tells about them."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

from mmp_local_dev.runtimes.compose_names import PROJECT, VOLUMES
from mmp_local_dev.runtimes.docker_engine import PROJECT_LABEL

if TYPE_CHECKING:
    from conftest import Dev


def docker(*arguments: str) -> str:
    """What the command prints; it must succeed."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr}"
    return result.stdout.strip()


def own_project() -> dict[str, str]:
    """A Compose project and volumes of a test's own."""
    name = f"mmp-test-{uuid.uuid4().hex[:8]}"
    return {PROJECT: name, VOLUMES: name}


def kill(name: str) -> None:
    """Kill a container's first process as the kernel would: after `docker kill` no restart policy applies.

    From a container beside it, since the process belongs to another user.
    """
    pid = docker("inspect", "--format", "{{.State.Pid}}", name)
    docker("run", "--rm", "--pid=host", "redis:8-alpine", "sh", "-c", f"kill -9 {pid}")


def remove(project: str) -> None:
    """Remove a project's containers, network and volumes, in whatever state they are."""
    remove_containers(*listed("container", project))
    for kind in ("network", "volume"):
        if found := listed(kind, project):
            docker(kind, "rm", "--force", *found)


def remove_containers(*names: str) -> None:
    """Remove containers and the volumes that they were given without a name."""
    if names:
        docker("rm", "--force", "--volumes", *names)


def listed(kind: str, project: str) -> list[str]:
    """The ids of a project's containers, networks or volumes."""
    every = ["--all"] if kind == "container" else []
    return docker(kind, "ls", *every, "--quiet", "--filter", f"label={PROJECT_LABEL}={project}").split()


def project(dev: Dev) -> str:
    """The project of the workspace's stack."""
    return dev.extra[PROJECT]


def container(dev: Dev, service: str) -> str:
    """The name of a service's container."""
    return f"{project(dev)}-{service}-1"


def inspected(dev: Dev, service: str) -> dict[str, Any]:
    """Everything that the engine tells about a service's container."""
    found: dict[str, Any] = json.loads(docker("inspect", container(dev, service)))[0]
    return found


def running(dev: Dev) -> list[str]:
    """The ids of the project's containers that run."""
    return docker("ps", "--quiet", "--filter", f"label={PROJECT_LABEL}={project(dev)}").split()


def make_volume(dev: Dev, service: str, *options: str) -> str:
    """Make a service's volume before the stack does; its name."""
    name = f"{dev.extra[VOLUMES]}_{service}"
    ours = ["--label", f"{PROJECT_LABEL}={project(dev)}", "--label", f"com.docker.compose.volume={service}"]
    return docker("volume", "create", *ours, *options, name)
