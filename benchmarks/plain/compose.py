"""The compose file that everybody would write, run as `docker compose` runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from benchmarks.dev import Bench, clean_environment, own_ports, uninterrupted
from benchmarks.measure import timed
from benchmarks.project import Project, engine_variables

FILE = Path(__file__).with_name("docker-compose.yml")


@dataclass(frozen=True)
class PlainStack:
    """The file as a project of its own, with ports of its own."""

    project: Project
    environment: Mapping[str, str]

    def __call__(self, command: str) -> float:
        """Run `docker compose COMMAND`; the seconds that it took. `up` ends when every health check has passed."""
        options = ["--detach", "--wait"] if command == "up" else []
        file = ("--project-name", self.project.name, "--file", str(FILE))
        return timed(["docker", "compose", *file, command, *options], self.environment, FILE.parent)


@contextmanager
def plain_stack(bench: Bench) -> Iterator[PlainStack]:
    """A new project, of which nothing is there yet; removed with its volumes afterwards."""
    project = Project(f"mmp-benchmark-plain-{uuid4().hex[:8]}")
    try:
        yield PlainStack(project, clean_environment(bench.base) | engine_variables() | own_ports())
    finally:
        with uninterrupted():
            project.remove()
