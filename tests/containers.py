"""Workspaces on Docker Compose, each a project of its own, and what the `docker` command tells about them."""

from __future__ import annotations

import json
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import Dev, make_dev

PROJECT_LABEL = "com.docker.compose.project"
STACK_LABEL = "mmp-local-dev.stack"


def docker(*arguments: str) -> str:
    """What the command prints; it must succeed."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr}"
    return result.stdout.strip()


@contextmanager
def compose_workspace(base: Path) -> Iterator[Dev]:
    """A workspace whose stack is a project of its own, of which nothing is left afterwards."""
    root = Path(tempfile.mkdtemp(dir=base))
    root.chmod(0o755)
    dev = make_dev(root)
    name = f"mmp-test-{uuid.uuid4().hex[:8]}"
    dev.extra |= {"MMP_DEV_RUNTIME": "compose", "MMP_PROJECT": name, "MMP_VOLUMES": name}
    try:
        yield dev
    finally:
        remove(name)


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
    return dev.extra["MMP_PROJECT"]


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
    name = f"{dev.extra['MMP_VOLUMES']}_{service}"
    ours = ["--label", f"{PROJECT_LABEL}={project(dev)}", "--label", f"com.docker.compose.volume={service}"]
    return docker("volume", "create", *ours, *options, name)
