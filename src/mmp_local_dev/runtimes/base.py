"""What a runtime is: one way of running the services, behind which the rest of the program looks the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Protocol

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, PreflightFailed, Repair
from mmp_local_dev.processes import PortOwner, free_port
from mmp_local_dev.services.base import Programs, Service

# The variable that moves a service to another port.
PORT_VARIABLES = {"postgresql": "POSTGRES_PORT", "redis": "REDIS_PORT", "mlflow": "MLFLOW_PORT"}


class State(StrEnum):
    """What a runtime knows about a service without asking the service itself."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    EXTERNAL = "external"


@dataclass(frozen=True)
class Conflict:
    """A service's port that somebody else holds."""

    service: str
    port: int
    owner: PortOwner

    def problem(self) -> MmpError:
        """The error to show for it."""
        variable = PORT_VARIABLES[self.service]
        return PreflightFailed(
            f"Port {self.port}, which {self.service} needs, is held by {self.owner}.",
            repairs=[
                Repair("mmp-dev up --auto-ports", "takes free ports instead and keeps them"),
                Repair(
                    f"{variable}={free_port('localhost', self.port)} mmp-dev up",
                    f"moves {self.service} to a port of your choice",
                ),
            ],
            code="PORT_CONFLICT",
        )


def refuse(problems: Sequence[MmpError]) -> None:
    """Raise all problems as one, if there are any."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise PreflightFailed(
            "Several things are in the way:" + "".join(f"\n- {problem.message}" for problem in problems),
            repairs=list(dict.fromkeys(repair for problem in problems for repair in problem.repairs)),
            code=problems[0].code,
        )


class Runtime(Programs, Protocol):
    """Small enough that a runtime which starts nothing can be honest."""

    name: str
    settings: Mapping[str, str]  # variables with which users choose something about it, with their defaults
    room: Repair  # shows what takes the room where its data is
    variables: tuple[str, ...]  # what it adds to the environment, and so to `.env`

    def available(self) -> str:
        """What it would run on, in words. Raises RuntimeUnavailable when it cannot be used on this machine."""

    def complete(self, env: Environment) -> Environment:
        """`env` with its own `variables` set; those that were set before, or that it finds in use, stay."""

    def install(self) -> None:
        """Make the files that it needs beside `.env` to be started by hand; what is there stays."""

    def preflight(self, services: Sequence[Service], env: Environment) -> None:
        """Raise PreflightFailed with every problem at once, each with its repair; change nothing."""

    def conflicts(self, services: Sequence[Service], env: Environment) -> list[Conflict]:
        """The services whose port somebody else holds."""

    def provide(self, services: Sequence[Service], env: Environment) -> None:
        """Fetch or build what has to be on this machine before the services can start. Raises MmpError."""

    def start(self, services: Sequence[Service], env: Environment) -> Sequence[Service]:
        """Start what does not run, or runs with other values than `env`'s; return the services this call started."""

    def stop(self, services: Sequence[Service]) -> Sequence[Service]:
        """Stop the services, dependents first, from any half-state; return those that ran. Data stays."""

    def shut_down(self) -> bool:
        """End what is left of the whole stack, in whatever state it is; whether there was anything."""

    def state(self, service: Service) -> State:
        """What the service is doing."""

    def logs(self, service: Service, *, tail: int, follow: bool) -> Iterator[str]:
        """The last `tail` lines of its log, oldest first, then with `follow` every further line as it comes."""

    def log(self, service: Service) -> str:
        """Where its log is, for people: a path, or the command that shows it."""

    def network(self, env: Environment) -> Environment:
        """`env` as containers on the stack's network need it. Raises RuntimeUnavailable when it has no network."""

    def python_on_network(self, program: str, env: Environment, stdin: IO[bytes]) -> str:
        """Run a Python program in a container on the stack's network, as a consumer's is; what it printed.

        Raises RuntimeUnavailable when it has no network, and CommandFailed when the program fails.
        """

    def data_sets(self) -> Mapping[str, str]:
        """Everything that it keeps for this stack, by name: where it is, for people. One may be in use."""

    def data_set(self, env: Environment) -> str:
        """The name of the data set that `env` is about; it need not be there yet."""

    def make_room(self, env: Environment) -> Environment:
        """`env` about a data set that is not there yet; one that was is kept, under another name if need be."""

    def delete(self, data_set: str) -> None:
        """Delete a data set that no server uses. Nothing happens when there is none of that name."""

    def run(self, service: Service, argv: Sequence[str], env: Environment, secrets: Mapping[str, str]) -> int:
        """Run a client tool next to the service, with this program's terminal; return its exit code.

        `secrets` reach the tool through its environment, so that they are in no process list.
        """
