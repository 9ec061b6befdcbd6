"""The names that a stack's containers and volumes have on an engine, where other stacks have theirs.

What the engine has carries labels, so that a stack finds its own again when `.env` and the workspace's memory are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count

from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.runtimes.docker_engine import PROJECT_LABEL, STACK_LABEL, Engine
from mmp_local_dev.services import SERVICES
from mmp_local_dev.workspace import DEFAULT_STACK

PROJECT = "MMP_PROJECT"
VOLUMES = "MMP_VOLUMES"
WITH_VOLUMES = ("postgresql", "redis")
_PROJECT = "mmp-local-dev"


def check(env: Mapping[str, str]) -> None:
    """Raise InputError when a name that the user chose is none for Compose."""
    for name in (PROJECT, VOLUMES):
        if env.get(name) and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", env[name]):
            raise InputError(
                f"{name} cannot be {env[name]!r}: Compose takes a-z, 0-9, _ and -, beginning with a letter or digit.",
                repairs=[Repair(f"env -u {name} mmp-dev up", "takes the usual name, if it is in your shell")],
                code="NAME_INVALID",
            )


@dataclass(frozen=True)
class Names:
    """What a stack is called on an engine. A set of volumes is known by the part that their names share."""

    engine: Engine
    stack_name: str
    stack_id: str

    def project(self) -> str:
        """The project that the stack has, or `mmp-local-dev`, or what nobody else has begun so."""
        name = _PROJECT if self.stack_name == DEFAULT_STACK else f"{_PROJECT}-{self.stack_name}"
        return self._known_project() or (name if self._is_free(name) else f"{name}-{self.stack_id[:8]}")

    def volumes(self) -> str:
        """The newest set of volumes that the stack has; "" when it has none."""
        return next(reversed(self.volume_sets()), "")

    def volume_sets(self) -> dict[str, list[str]]:
        """Every set of volumes that the stack has, in the order of their names."""
        found: dict[str, list[str]] = {}
        for volume in sorted(self.engine.volumes(self._label)):
            found.setdefault(volume.rpartition("_")[0], []).append(volume)
        return found

    def unused_volumes(self, project: str) -> str:
        """A set of volumes that is not there yet: `project`, `project-2`, and so on."""
        names = chain([project], (f"{project}-{number}" for number in count(2)))
        return next(name for name in names if not self._has_volumes(name))

    @property
    def _label(self) -> str:
        return f"{STACK_LABEL}={self.stack_id}"

    def _known_project(self) -> str:
        return next((labels[PROJECT_LABEL] for labels in self._labels()), "")

    def _labels(self) -> Iterator[Mapping[str, str]]:
        for container in self.engine.labelled(self._label):
            yield {PROJECT_LABEL: container.project}
        yield from self.engine.volumes(self._label).values()

    def _has_volumes(self, name: str) -> bool:
        return any(self.engine.volume_labels(f"{name}_{service}") is not None for service in WITH_VOLUMES)

    def _is_free(self, project: str) -> bool:
        return not (
            self.engine.labelled(f"{PROJECT_LABEL}={project}")
            or any(self.engine.named(f"{project}-{name}-1") for name in SERVICES)
            or self._has_volumes(project)
            or self.engine.network_exists(project)
        )
