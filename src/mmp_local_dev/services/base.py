"""What a service is to the rest of the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from mmp_local_dev.environment import Environment, generate_secret
from mmp_local_dev.errors import NotReady, Repair, WrongService
from mmp_local_dev.files import write_atomically
from mmp_local_dev.processes import port_owner
from mmp_local_dev.workspace import Stack

STACK_ID = "MMP_STACK_ID"


@dataclass(frozen=True)
class Home:
    """A service's place in a stack: where its data and the secrets that only this tool uses are."""

    stack: Stack

    def data(self, service: str) -> Path:
        """The folder of a service's data."""
        return self.stack.dir / service

    @property
    def secrets(self) -> Path:
        """The folder (0700) of what only this tool and the servers know."""
        return self.stack.dir / "secrets"

    def secret_file(self, name: str, make: Callable[[], str] = generate_secret) -> Path:
        """A 0600 file holding what `make` returned, made once and kept as it is from then on."""
        path = self.secrets / name
        if not path.is_file():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, make().rstrip("\n") + "\n", mode=0o600)
        return path

    def has_secret(self, name: str) -> bool:
        """Whether the secret of that name was made up already."""
        return (self.secrets / name).is_file()

    def secret(self, name: str, make: Callable[[], str] = generate_secret) -> str:
        """The secret of that name, made up once."""
        return self.secret_file(name, make).read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class ProcessSpec:
    """How the native runtime runs a server.

    `stop_signal` asks it to stop cleanly, which it must within `stop_timeout` seconds. `user` is only set when this
    program runs as root and the server refuses to.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_timeout: int = 10
    user: str | None = None


class Programs(Protocol):
    """The programs that come with the servers, wherever the runtime has them: on this machine, or in a container."""

    def inside(self, env: Environment) -> Environment:
        """`env` with the addresses at which these programs reach the servers."""

    def mlflow_schema(self) -> str | None:
        """The SQL that makes the schema of this MLflow's database; None when none is shipped for its version."""

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
        """Run one that comes with the service to its end, between two open files (None: nothing, nowhere).

        `secrets` reach it through its environment. Raises CommandFailed with what it said on stderr, and
        RuntimeUnavailable when there is no such program.
        """


class Service(Protocol):
    """One service, as a stateless value. The name is the same word in contract, compose file, commands and tests."""

    name: str
    needs: tuple[str, ...]
    variables: tuple[str, ...]  # those of the contract without which it can be neither run nor reached
    settings: Mapping[str, str]  # variables that are not part of the contract, with their defaults

    def address(self, env: Mapping[str, str]) -> tuple[str, int]:
        """Host and port at which consumers find it."""

    def url(self, env: Mapping[str, str]) -> str:
        """The address as people write it, without secrets."""

    def at(self, env: Environment, host: str) -> Environment:
        """`env` as it would be if the service were at another host."""

    def identify(self, env: Environment, *, timeout: float) -> None:
        """See by its own protocol that what answers is this stack's. Raises WrongService, or NotReady."""

    def probe(self, env: Environment, *, timeout: float) -> None:
        """Use it as a consumer would, identity included. Raises NotReady, or WrongService."""

    def version(self, env: Environment, *, timeout: float) -> str:
        """The version that answers, as the server says it. Raises NotReady."""

    def warm(self, env: Environment, *, timeout: float) -> AbstractContextManager[Callable[[], object]]:
        """A connection in use, as a function that asks a small question over it. Raises NotReady, the function too."""

    def refuses_wrong_password(self, env: Environment, *, timeout: float) -> bool:
        """Whether a client with a wrong password is turned away. Raises NotReady when it does not answer."""

    def prepare(self, env: Environment, home: Home, programs: Programs, *, timeout: float) -> None:
        """Make everything it needs before consumers can use it; what is there already stays. Raises NotReady."""

    def preflight(self, env: Environment, home: Home) -> None:
        """Raise MmpError when the native server could not run: no program, unusable data. Changes nothing."""

    def install(self, env: Environment, home: Home) -> None:
        """Make the files that the native server needs before it starts; what is there already stays."""

    def process(self, env: Environment, home: Home) -> ProcessSpec:
        """How the native runtime runs it. Raises RuntimeUnavailable when its program is not on this machine."""

    def container_secrets(self, home: Home) -> Mapping[str, str]:
        """Variables for its container alone, made up once: they are in neither `.env` nor the compose file."""


Counted = Callable[[int, int], None]  # told how much is done, and of how much


class Store(Protocol):
    """The data of a service, all of which can be written to files and read back by another server."""

    unit: str  # in which progress counts: "bytes", or what there are many of

    def dump(
        self, env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Counted
    ) -> None:
        """Write everything that it holds to `folder` (0700, made here). Raises MmpError."""

    def restore(
        self, env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Counted
    ) -> None:
        """Make a new server hold what was dumped. Raises MmpError, DUMP_DAMAGED before anything is changed."""

    def fingerprint(
        self, env: Environment, home: Home, *, timeout: float, lasting_until: float
    ) -> Mapping[str, object]:
        """What it holds, part by part, in a form that is equal exactly when the data is. Raises NotReady.

        What expires by itself before `lasting_until`, in seconds since 1970, is left out.
        """


def expected_identity(env: Mapping[str, str]) -> str:
    """The identity that every service of the stack must show. Raises NotReady when the environment has none."""
    if identity := env.get(STACK_ID):
        return identity
    raise NotReady(
        f"{STACK_ID} is not in the environment, so no service can be told from a stranger's.",
        repairs=[Repair("mmp-dev up", f"writes {STACK_ID} again")],
    )


def stranger(service: Service, env: Mapping[str, str]) -> WrongService:
    """The error for something that answers on the service's port and is not this stack's."""
    host, port = service.address(env)
    owner = port_owner(port)
    who = f" It is {owner}." if owner.pid else ""
    return WrongService(
        f"What answers on {host}:{port} is not this stack's {service.name}: it does not show its identity.{who}",
        repairs=[
            Repair("mmp-dev up --auto-ports", "moves this stack to free ports"),
            Repair("mmp-dev status", "shows what runs of this stack"),
        ],
    )
