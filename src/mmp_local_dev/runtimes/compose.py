"""The Compose runtime: the servers as containers of one Docker Compose project."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO

from mmp_local_dev import processes, shell
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady, Repair, RuntimeUnavailable
from mmp_local_dev.events import Began, Done, Emit, Warned
from mmp_local_dev.files import write_if_changed
from mmp_local_dev.processes import PortOwner
from mmp_local_dev.runtimes import compose_names, compose_problems, docker_compose, docker_images, docker_programs
from mmp_local_dev.runtimes.base import Conflict, State, refuse
from mmp_local_dev.runtimes.compose_names import PROJECT, VOLUMES, Names
from mmp_local_dev.runtimes.docker_compose import LEAST_ENGINE, Project
from mmp_local_dev.runtimes.docker_engine import PROJECT_LABEL, STACK_LABEL, Container, Engine
from mmp_local_dev.services import SERVICES, postgresql_server
from mmp_local_dev.services.base import Home, Service
from mmp_local_dev.shell import CommandFailed
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Stack

# The addresses of the services for containers on the stack's network, as docker-compose.yml makes them.
NETWORK = {
    "POSTGRES_HOST": "postgresql",
    "POSTGRES_PORT": "5432",
    "REDIS_HOST": "redis",
    "REDIS_PORT": "6379",
    "MLFLOW_TRACKING_URI": "http://mlflow:5002",
    "MLFLOW_PORT": "5002",
}
_LOOK_EVERY = 0.3  # seconds, for a container that is to come back
_TIMEOUT_OF_START = 60.0
_TIMEOUT_OF_INIT = 20.0
_ALIVE = ("running", "paused", "restarting")
_RESTARTS = 3  # after so many a container that dies again does not recover by itself
_MOUNTED = ("scripts/postgresql-init.sh", "mlflow/schema.sql")


class ComposeRuntime:
    """Runs a stack's services by the workspace's docker-compose.yml; what runs is found by the stack's label."""

    name = "compose"
    settings: Mapping[str, str] = {PROJECT: "", VOLUMES: ""}
    room = Repair("docker system df", "shows what takes the room; `docker builder prune` makes some and keeps all data")
    variables: tuple[str, ...] = (PROJECT, VOLUMES, "MMP_USER", "MMP_STACK_DIR", "MMP_ARTIFACTS_DIR")

    def __init__(self, stack: Stack, stack_id: str, emit: Emit) -> None:
        self._stack = stack
        self._stack_id = stack_id
        self._emit = emit
        self._home = Home(stack)
        self._engine = Engine()
        self._names = Names(self._engine, stack.name, stack_id)
        self._last: Project | None = None

    def available(self) -> str:
        """The engine and Compose that would be used, in words. Raises RuntimeUnavailable, telling why it cannot be."""
        name, version = self._engine.version()
        docker_compose.check_version(name, version, LEAST_ENGINE)
        return f"{name} {version} with Compose {docker_compose.version()}"

    def complete(self, env: Environment) -> Environment:
        """`env` with the names of project and volumes, the user that writes artifacts, and the folders."""
        compose_names.check(env)
        project = env.get(PROJECT) or self._names.project()
        folder = self._stack.dir.relative_to(self._stack.workspace.root)
        artifacts = self._stack.artifacts.relative_to(self._stack.workspace.root)
        return env.with_values(
            **{
                PROJECT: project,
                VOLUMES: env.get(VOLUMES) or self._names.volumes() or project,
                "MMP_USER": "0:0" if self._engine.is_rootless() else f"{os.getuid()}:{os.getgid()}",
                "MMP_STACK_DIR": f"./{folder}",
                "MMP_ARTIFACTS_DIR": f"./{artifacts}",
            }
        )

    def preflight(self, services: Sequence[Service], env: Environment) -> None:
        """Engine and Compose there and new enough, names and ports free or ours, data of the right version, room."""
        refuse([*compose_problems.missing_files(self._stack.workspace.root)])
        project = self._project(env)
        if all(self._run_as_defined(services, project).values()):
            return
        self.available()
        names = [service.name for service in services]
        refuse(
            [
                *compose_problems.full_disk(self._engine),
                *compose_problems.taken_names(self._engine, project.name, names, self._stack_id),
                *compose_problems.foreign_volumes(self._engine, env[VOLUMES], self._stack_id),
                *compose_problems.unusable_data(self._engine, project, env[VOLUMES], self._stack_id),
                *(conflict.problem() for conflict in self.conflicts(services, env)),
            ]
        )

    def conflicts(self, services: Sequence[Service], env: Environment) -> list[Conflict]:
        """The services whose port somebody else holds, on any address that consumers would reach."""
        found = []
        containers = self._engine.containers(self._stack_id)
        for service in services:
            host, port = service.address(env)
            own = containers.get(service.name)
            published = {"127.0.0.1"} if own and own.status in _ALIVE and own.port == port else set()
            if set(processes.listening(host, port)) - published:
                owner = self._port_owner(port, besides=own if published else None)
                found.append(Conflict(service.name, port, owner))
        return found

    def provide(self, services: Sequence[Service], env: Environment) -> None:
        """Pull or build the images that the engine does not have."""
        docker_images.provide(self._project(env), [service.name for service in services], self._engine, self._emit)

    def start(self, services: Sequence[Service], env: Environment) -> Sequence[Service]:
        """Make or start the containers that do not run, or run with another definition than the file's now."""
        lost_password = self._admin_password_is_lost(env)
        self.install()
        project = self._project(env)
        as_defined = self._run_as_defined(services, project)
        changed = [service for service in services if not as_defined[service.name]]
        if not changed:
            return []
        self.provide(changed, env)
        for service in changed:
            self._emit(Began(service.name, "start"))
        try:
            self._leave_other_projects(project.name)
            self._unpause(changed)
            project.up([service.name for service in changed])
            if lost_password:
                self._set_admin_password()
        except BaseException:
            with suppress(RuntimeUnavailable):  # what went wrong first is what is told
                self.stop(changed)
            raise
        return changed

    def install(self) -> None:
        """Write the files with what each container alone gets to know; they stay as they are from then on.

        The files that PostgreSQL's own user reads in its container must be readable for it, whatever the umask was.
        """
        for name in _MOUNTED:
            path = self._stack.workspace.root / name
            with suppress(PermissionError):  # another user's: PostgreSQL's log tells if it cannot read it
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if name.endswith(".sh") else 0))
        for service in SERVICES.values():
            lines = [f"{name}={value}\n" for name, value in service.container_secrets(self._home).items()]
            if lines:
                write_if_changed(self._home.secrets / f"{service.name}.env", "".join(lines), mode=0o600)

    def stop(self, services: Sequence[Service]) -> Sequence[Service]:
        """Stop the services together, each in the time that the file gives it; those, too, that only die again."""
        containers = self._engine.containers(self._stack_id)
        alive = {name for name, container in containers.items() if container.status in _ALIVE}
        running = [service for service in reversed(services) if service.name in alive]
        if not running:
            return []
        began = time.monotonic()
        for service in running:
            self._emit(Began(service.name, "stop"))
        self._let_postgresql_begin()
        for project, names in self._by_project(running).items():
            docker_compose.stop(project, names)
        for service in running:
            self._emit(Done(service.name, "stop", time.monotonic() - began))
        return running

    def shut_down(self) -> bool:
        """Remove the containers and the network; the volumes stay. Whether there were any containers."""
        self._let_postgresql_begin()
        containers = self._engine.containers(self._stack_id).values()
        networks = self._engine.networks(f"{STACK_LABEL}={self._stack_id}").values()
        for project in {each.project for each in containers} | {labels[PROJECT_LABEL] for labels in networks}:
            docker_compose.down(project)
        for network in self._engine.networks(f"{STACK_LABEL}={self._stack_id}"):
            self._emit(Warned(f"The network {network} stays, because containers of others are on it."))
        return bool(containers)

    def state(self, service: Service) -> State:
        """What the engine says of its container."""
        container = self._container(service.name)
        if container is None:
            return State.ABSENT
        if container.status == "restarting":
            return State.STARTING if container.restarts < _RESTARTS else State.EXITED
        if container.status != "running":
            return State.EXITED
        return State.STARTING if container.health == "starting" else State.RUNNING

    def logs(self, service: Service, *, tail: int, follow: bool) -> Iterator[str]:
        """From the engine; they go with the container, which `down` removes. Following survives its restarts."""
        known = ""  # when the container that was read last had been started
        while True:
            container = self._container(service.name)
            if container is not None and container.started != known:
                since = container.started if known else ""
                known = container.started
                yield from _lines(self._engine.logs(container.id, tail=tail, since=since, follow=follow))
            if not follow:
                return
            time.sleep(_LOOK_EVERY)

    def log(self, service: Service) -> str:
        """The command that shows it."""
        container = self._container(service.name)
        return f"docker logs {container.name if container else service.name}"

    def data_sets(self) -> Mapping[str, str]:
        """Its volumes, by the part of their names that they share."""
        return {name: f"Docker volumes {', '.join(volumes)}" for name, volumes in self._names.volume_sets().items()}

    def data_set(self, env: Environment) -> str:
        """What MMP_VOLUMES says."""
        return env[VOLUMES]

    def make_room(self, env: Environment) -> Environment:
        """Name volumes that are not there yet."""
        return env.with_values(**{VOLUMES: self._names.unused_volumes(env[PROJECT])})

    def delete(self, data_set: str) -> None:
        """Delete its volumes, which no container may know any more."""
        self._engine.remove_volumes(self._names.volume_sets().get(data_set, []))

    def run(self, service: Service, argv: Sequence[str], env: Environment, secrets: Mapping[str, str]) -> int:
        """Run a program in the service's container."""
        return docker_programs.run(service.name, self._container(service.name), argv, secrets)

    def inside(self, env: Environment) -> Environment:
        """`env` with the addresses on the stack's network."""
        return env.with_values(**NETWORK)

    def network(self, env: Environment) -> Environment:
        """As inside: every container on the network reaches the services so."""
        return self.inside(env)

    def python_on_network(self, program: str, env: Environment, stdin: IO[bytes]) -> str:
        """Run it with MLflow's image, which holds what a consumer has: clients, and a Python."""
        image = self._project(env).image("mlflow")
        if self._engine.image(image) is None:
            raise docker_programs.not_running("mlflow")
        return docker_programs.python(image, env[PROJECT], program, stdin)

    def mlflow_schema(self) -> str | None:
        """That of the workspace, which its image of MLflow is made with."""
        return (self._stack.workspace.root / "mlflow" / "schema.sql").read_text(encoding="utf-8")

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
        """Run a program in the service's container."""
        docker_programs.pipe(service, self._container(service), argv, secrets, stdin, stdout)

    def _container(self, service: str) -> Container | None:
        return self._engine.containers(self._stack_id).get(service)

    def _unpause(self, services: Sequence[Service]) -> None:
        containers = self._engine.containers(self._stack_id)
        paused = [s for s in services if s.name in containers and containers[s.name].status == "paused"]
        for project, names in self._by_project(paused).items():
            docker_compose.unpause(project, names)

    def _leave_other_projects(self, name: str) -> None:
        """Remove what the stack has in projects that it had before: its network and its ports are those of one."""
        for other in {each.project for each in self._engine.containers(self._stack_id).values()} - {name}:
            docker_compose.down(other)

    def _by_project(self, services: Sequence[Service]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        containers = self._engine.containers(self._stack_id)
        for service in services:
            if container := containers.get(service.name):
                found.setdefault(container.project, []).append(service.name)
        return found

    def _project(self, env: Environment) -> Project:
        if self._last is None or self._last.variables != env:
            self._last = Project(env[PROJECT], self._stack.workspace.root, self._stack.env_file, env)
        return self._last

    def _run_as_defined(self, services: Sequence[Service], project: Project) -> dict[str, bool]:
        """For each service, whether its container runs and is the one that the file describes now.

        Compose is asked only about what runs: before the first start nobody has seen yet whether it is there.
        """
        containers = self._engine.containers(self._stack_id)
        alive = {
            name: container.config_hash
            for name, container in containers.items()
            if container.status in ("running", "restarting") and container.project == project.name
        }
        names = [service.name for service in services]
        return {name: name in alive and alive[name] == project.hashes[name] for name in names}

    def _let_postgresql_begin(self) -> None:
        """Wait while PostgreSQL makes a new database: it misses the signal to stop, and would be killed at last."""

        def look() -> None:
            own = self._container("postgresql")
            if own and own.status == "running" and own.health == "starting" and not own.restarts:
                raise NotReady("PostgreSQL makes its database.")

        with suppress(NotReady):
            wait_until(look, timeout=_TIMEOUT_OF_INIT)

    def _admin_password_is_lost(self, env: Environment) -> bool:
        has_data = self._engine.volume_labels(f"{env[VOLUMES]}_postgresql") is not None
        return has_data and not self._home.has_secret(postgresql_server.ADMIN_SECRET)

    def _set_admin_password(self) -> None:
        """Give the superuser a new password: inside the container, its own user needs none."""
        statement = "\\getenv password POSTGRES_PASSWORD\nALTER ROLE postgres PASSWORD :'password';\n"
        psql = ["psql", "-XqU", "postgres"]
        argv = docker_programs.command("postgresql", self._container("postgresql"), psql)

        def alter() -> None:
            try:
                shell.run(argv, timeout=30, text=statement)
            except CommandFailed as error:
                raise NotReady(f"PostgreSQL does not answer in its container: {error.detail}") from None

        wait_until(alter, timeout=_TIMEOUT_OF_START)

    def _port_owner(self, port: int, *, besides: Container | None) -> PortOwner:
        owner = self._engine.port_owner(port)
        if owner and (besides is None or owner.container != besides.name):
            return owner
        return processes.port_owner(port)


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Whole lines out of pieces that end anywhere."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
    if rest:
        yield rest.decode(errors="replace")
