"""`status`: what of a stack runs, and where. Asks the runtime, not the services: `check` does that."""

from __future__ import annotations

from dataclasses import dataclass

from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import open_stack
from mmp_local_dev.runtimes.base import State
from mmp_local_dev.services import SERVICES
from mmp_local_dev.workspace import Stack


@dataclass(frozen=True)
class ServiceStatus:
    """One service: its state, its address, and its log."""

    name: str
    state: State
    url: str
    log: str


@dataclass(frozen=True)
class Status:
    """A stack and its services. `env_file` is "" while there is none."""

    stack: str
    runtime: str
    services: tuple[ServiceStatus, ...]
    env_file: str
    artifacts: str

    @property
    def running(self) -> bool:
        """Whether every service runs."""
        return all(service.state is State.RUNNING for service in self.services)


def status(stack: Stack) -> Status:
    """The state of every service. Raises ContractInvalid or EnvironmentInvalid when the addresses cannot be read."""
    opened = open_stack(stack, emit=ignore)
    return Status(
        stack=stack.name,
        runtime=opened.runtime.name,
        services=tuple(
            ServiceStatus(
                service.name,
                opened.runtime.state(service),
                service.url(opened.env),
                opened.runtime.log(service),
            )
            for service in SERVICES.values()
        ),
        env_file=str(stack.env_file) if stack.env_file.exists() else "",
        artifacts=str(stack.artifacts),
    )
