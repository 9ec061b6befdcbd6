"""The Compose runtime: the servers as containers of one Docker Compose project."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from mmp_local_dev import processes, shell, workspace_files
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady, PreflightFailed, Repair, RuntimeUnavailable
from mmp_local_dev.events import Began, Done, Emit, Progress
from mmp_local_dev.files import write_if_changed
from mmp_local_dev.processes import PortOwner
from mmp_local_dev.runtimes import docker_compose
from mmp_local_dev.runtimes.base import Conflict, State, refuse
from mmp_local_dev.runtimes.docker_compose import LEAST_ENGINE, Project
from mmp_local_dev.runtimes.docker_engine import FOLDER_LABEL, PROJECT_LABEL, STACK_LABEL, Container, Engine
from mmp_local_dev.services import SERVICES, postgresql_server
from mmp_local_dev.services.base import Home, Service
from mmp_local_dev.shell import CommandFailed
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import DEFAULT_STACK, Stack

PROJECT = "MMP_PROJECT"
VOLUMES = "MMP_VOLUMES"
# The addresses of the services for containers on the stack's network, as docker-compose.yml makes them.
NETWORK = {
    "POSTGRES_HOST": "postgresql",
    "POSTGRES_PORT": "5432",
    "REDIS_HOST": "redis",
    "REDIS_PORT": "6379",
    "MLFLOW_TRACKING_URI": "http://mlflow:5002",
    "MLFLOW_PORT": "5002",
}
_WITH_VOLUMES = ("postgresql", "redis")
_TIMEOUT_OF_START = 60.0
_RESTARTS = 3  # after so many a container that dies again does not recover by itself
_LEAST_FREE_BYTES = 500_000_000
_NO_SUCH_PROGRAM = (126, 127)


class ComposeRuntime:
    """Runs a stack's services by the workspace's docker-compose.yml; what runs is found by the stack's label."""

    name = "compose"
    settings: Mapping[str, str] = {PROJECT: "", VOLUMES: ""}
    variables: tuple[str, ...] = (PROJECT, VOLUMES, "MMP_USER", "MMP_STACK_DIR", "MMP_ARTIFACTS_DIR")

    def __init__(self, stack: Stack, stack_id: str, emit: Emit) -> None:
        self._stack = stack
        self._stack_id = stack_id
        self._emit = emit
        self._home = Home(stack)
        self._engine = Engine()

    def available(self) -> str:
        """The engine and Compose that would be used, in words. Raises RuntimeUnavailable, telling why it cannot be."""
        name, version = self._engine.version()
        docker_compose.check_version(name, version, LEAST_ENGINE)
        return f"{name} {version} with Compose {docker_compose.version()}"

    def complete(self, env: Environment) -> Environment:
        """`env` with the names of project and volumes, the user that writes artifacts, and the folders."""
        project = env.get(PROJECT) or self._known_project() or self._free_project()
        folder = self._stack.dir.relative_to(self._stack.workspace.root)
        artifacts = self._stack.artifacts.relative_to(self._stack.workspace.root)
        return env.with_values(
            **{
                PROJECT: project,
                VOLUMES: env.get(VOLUMES) or self._known_volumes() or project,
                "MMP_USER": "0:0" if self._engine.is_rootless() else f"{os.getuid()}:{os.getgid()}",
                "MMP_STACK_DIR": f"./{folder}",
                "MMP_ARTIFACTS_DIR": f"./{artifacts}",
            }
        )

    def preflight(self, services: Sequence[Service], env: Environment) -> None:
        """Engine and Compose there and new enough, names and ports free or ours, data of the right version, room."""
        self.available()
        problems = [*self._workspace_problems(), *self._name_problems(services, env), *self._data_problems(env)]
        refuse(problems + [conflict.problem() for conflict in self.conflicts(services, env)])

    def conflicts(self, services: Sequence[Service], env: Environment) -> list[Conflict]:
        """The services whose port somebody else holds, on any address that consumers would reach."""
        found = []
        for service in services:
            host, port = service.address(env)
            own = self._container(service)
            published = {"127.0.0.1"} if own and own.status == "running" and own.port == port else set()
            if set(processes.listening(host, port)) - published:
                owner = self._port_owner(port, besides=own if published else None)
                found.append(Conflict(service.name, port, owner))
        return found

    def start(self, services: Sequence[Service], env: Environment) -> Sequence[Service]:
        """Make or start the containers that do not run, or run with another definition than the file's now."""
        lost_password = self._admin_password_is_lost(env)
        self.install()
        project = self._project(env)
        hashes = project.hashes()
        changed = [service for service in services if not self._runs_as_defined(service, hashes)]
        if not changed:
            return []
        self._provide_images(project, changed)
        for service in changed:
            self._emit(Began(service.name, "start"))
        try:
            project.up([service.name for service in changed])
            if lost_password:
                self._set_admin_password()
        except BaseException:
            self.stop(changed)
            raise
        return changed

    def install(self) -> None:
        """Write the files with what each container alone gets to know; they stay as they are from then on."""
        for service in SERVICES.values():
            lines = [f"{name}={value}\n" for name, value in service.container_secrets(self._home).items()]
            if lines:
                write_if_changed(self._home.secrets / f"{service.name}.env", "".join(lines), mode=0o600)

    def stop(self, services: Sequence[Service]) -> Sequence[Service]:
        """Stop the services together, each in the time that the file gives it."""
        running = [service for service in reversed(services) if self.state(service) in (State.RUNNING, State.STARTING)]
        if not running:
            return []
        began = time.monotonic()
        for service in running:
            self._emit(Began(service.name, "stop"))
        for project, names in self._by_project(running).items():
            docker_compose.stop(project, names)
        for service in running:
            self._emit(Done(service.name, "stop", time.monotonic() - began))
        return running

    def shut_down(self) -> bool:
        """Remove the containers and the network; the volumes stay. Whether there were any containers."""
        projects = {container.project for container in self._engine.containers(self._stack_id).values()}
        for project in projects:
            docker_compose.down(project)
        return bool(projects)

    def state(self, service: Service) -> State:
        """What the engine says of its container."""
        container = self._container(service)
        if container is None:
            return State.ABSENT
        if container.status == "restarting":
            return State.STARTING if container.restarts < _RESTARTS else State.EXITED
        if container.status not in ("running", "paused"):
            return State.EXITED
        return State.STARTING if container.health == "starting" else State.RUNNING

    def logs(self, service: Service, *, tail: int, follow: bool) -> Iterator[str]:
        """From the engine; they go with the container, which `down` removes."""
        container = self._container(service)
        if container is not None:
            yield from _lines(self._engine.logs(container.id, tail=tail, follow=follow))

    def log(self, service: Service) -> str:
        """The command that shows it."""
        container = self._container(service)
        return f"docker logs {container.name if container else service.name}"

    def run(self, service: Service, argv: Sequence[str], env: Environment, secrets: Mapping[str, str]) -> int:
        """Run a program in the service's container."""
        terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
        command = self._exec(service.name, argv, secrets, *terminal)
        code = subprocess.run(command, env={**os.environ, **secrets}, check=False).returncode
        if code in _NO_SUCH_PROGRAM and not self._has_program(service.name, argv[0]):
            raise _no_program(argv[0], service.name)
        return code

    def inside(self, env: Environment) -> Environment:
        """`env` with the addresses on the stack's network."""
        return env.with_values(**NETWORK)

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
        try:
            shell.pipe(self._exec(service, argv, secrets), env={**os.environ, **secrets}, stdin=stdin, stdout=stdout)
        except CommandFailed as error:
            if error.returncode in _NO_SUCH_PROGRAM:
                raise _no_program(argv[0], service) from None
            raise

    def _container(self, service: Service) -> Container | None:
        return self._engine.containers(self._stack_id).get(service.name)

    def _by_project(self, services: Sequence[Service]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        containers = self._engine.containers(self._stack_id)
        for service in services:
            if container := containers.get(service.name):
                found.setdefault(container.project, []).append(service.name)
        return found

    def _project(self, env: Environment) -> Project:
        return Project(env[PROJECT], self._stack.workspace.root, self._stack.env_file, env)

    def _known_project(self) -> str:
        """The project of this stack's containers or volumes, as the engine remembers it."""
        label = f"{STACK_LABEL}={self._stack_id}"
        labels = [{PROJECT_LABEL: each.project} for each in self._engine.labelled(label)]
        return next((each[PROJECT_LABEL] for each in [*labels, *self._engine.volumes(label).values()]), "")

    def _known_volumes(self) -> str:
        names = sorted(self._engine.volumes(f"{STACK_LABEL}={self._stack_id}"))
        return names[-1].rpartition("_")[0] if names else ""

    def _free_project(self) -> str:
        """`mmp-local-dev`, with the stack's name unless it is the default one; or what nobody else has begun so."""
        name = "mmp-local-dev" if self._stack.name == DEFAULT_STACK else f"mmp-local-dev-{self._stack.name}"
        return name if self._is_free(name) else f"{name}-{self._stack_id[:8]}"

    def _is_free(self, project: str) -> bool:
        engine = self._engine
        return not (
            engine.labelled(f"{PROJECT_LABEL}={project}")
            or any(engine.named(f"{project}-{name}-1") for name in SERVICES)
            or any(engine.volume_labels(f"{project}_{name}") is not None for name in _WITH_VOLUMES)
            or engine.network_exists(project)
        )

    def _runs_as_defined(self, service: Service, hashes: Mapping[str, str]) -> bool:
        container = self._container(service)
        return (
            container is not None
            and container.status in ("running", "restarting")
            and container.config_hash == hashes.get(service.name)
        )

    def _provide_images(self, project: Project, services: Sequence[Service]) -> None:
        for service in services:
            name = project.image(service.name)
            if self._engine.image(name) is not None:
                continue
            began = time.monotonic()
            step = "build" if project.is_built(service.name) else "pull"
            self._emit(Began(service.name, step))
            if step == "build":
                self._build(project, service.name, name)
            else:
                self._pull(service.name, name)
            self._emit(Done(service.name, step, time.monotonic() - began))

    def _build(self, project: Project, service: str, image: str) -> None:
        def tell(what: str, number: int, of: int) -> None:
            self._emit(Progress(service, "build", number, of, unit="steps", text=what))

        try:
            project.build(service, tell)
        except CommandFailed as error:
            raise MmpError(
                f"The image {image} of {service} could not be built.",
                repairs=[
                    Repair("PIP_INDEX_URL=https://your.index/simple mmp-dev up", "takes the packages from your index"),
                    Repair("MMP_IMAGE_PYTHON=your/python:3.13-slim mmp-dev up", "builds on an image that you have"),
                    Repair(f"{_override(service)}=your/image mmp-dev up", "takes a ready one"),
                ],
                detail=error.detail,
                code="IMAGE_UNAVAILABLE",
            ) from None

    def _pull(self, service: str, image: str) -> None:
        def tell(done: int, total: int) -> None:
            self._emit(Progress(service, "pull", done, total, unit="bytes", text=image))

        try:
            self._engine.pull(image, tell)
        except RuntimeUnavailable:
            raise
        except MmpError as error:
            raise MmpError(
                f"The image {image} of {service} is not on this machine and cannot be pulled: "
                f"{error.message.removeprefix('Docker says: ')}",
                repairs=[
                    Repair(f"{_override(service)}=your/image:tag mmp-dev up", "takes another image"),
                    Repair("MMP_IMAGE_PREFIX=your.mirror/ mmp-dev up", "takes all images from a mirror"),
                    Repair("mmp-dev up --runtime native", "runs the servers without Docker"),
                ],
                code="IMAGE_UNAVAILABLE",
            ) from None

    def _workspace_problems(self) -> Iterator[MmpError]:
        root = self._stack.workspace.root
        needed = [name for name in workspace_files.FILES if name not in ("dev-contract.yml",) and "verify" not in name]
        if missing := [name for name in needed if not (root / name).is_file()]:
            yield PreflightFailed(
                f"{root} lacks {', '.join(missing)}, without which its services cannot run on Compose.",
                repairs=[Repair("mmp-dev init", "writes what is missing and leaves the rest as it is")],
            )
        free = self._engine.free_bytes()
        if free is not None and free < _LEAST_FREE_BYTES:
            yield PreflightFailed(
                f"Only {free // 1_000_000} MB are free where the Docker engine keeps its data; the servers need at "
                f"least {_LEAST_FREE_BYTES // 1_000_000} MB to run safely.",
                repairs=[
                    Repair("docker system df", "shows what takes the room"),
                    Repair("docker builder prune", "deletes what builds have cached, and no data"),
                ],
                code="DISK_FULL",
            )

    def _name_problems(self, services: Sequence[Service], env: Environment) -> Iterator[MmpError]:
        for service in services:
            name = f"{env[PROJECT]}-{service.name}-1"
            found = self._engine.named(name)
            if found and found.id not in {each.id for each in self._engine.containers(self._stack_id).values()}:
                yield PreflightFailed(
                    f"A container called {name} is there already and is not of this stack.",
                    repairs=[
                        Repair(f"docker rename {name} {name}-old", "keeps it under another name"),
                        Repair(f"docker rm {name}", "removes it, if it does not run"),
                        Repair(f"{PROJECT}={env[PROJECT]}-2 mmp-dev up", "gives this stack's containers other names"),
                    ],
                    code="NAME_CONFLICT",
                )

    def _data_problems(self, env: Environment) -> Iterator[MmpError]:
        for name in _WITH_VOLUMES:
            volume = f"{env[VOLUMES]}_{name}"
            labels = self._engine.volume_labels(volume)
            if labels is not None and labels.get(STACK_LABEL, self._stack_id) != self._stack_id:
                yield PreflightFailed(
                    f"The volume {volume} holds the data of another stack ({labels.get(FOLDER_LABEL, 'elsewhere')}).",
                    repairs=[Repair(f"{VOLUMES}={env[VOLUMES]}-2 mmp-dev up", "gives this stack volumes of its own")],
                    code="NAME_CONFLICT",
                )
        found = self._major_of_data(f"{env[VOLUMES]}_postgresql", env)
        if found not in ("", str(postgresql_server.MAJOR)):
            yield _other_major(f"{env[VOLUMES]}_postgresql", found)

    def _major_of_data(self, volume: str, env: Environment) -> str:
        """The PostgreSQL major that made the data; "" when there is none, or it runs, or no image is there to look."""
        container = self._container(SERVICES["postgresql"])
        if (container and container.status == "running") or self._engine.volume_labels(volume) is None:
            return ""
        image = env.get("MMP_IMAGE_POSTGRESQL") or os.environ.get("MMP_IMAGE_POSTGRESQL") or "postgres:17"
        if self._engine.image(image) is None:
            return ""
        host_config = self._engine.api.create_host_config(binds=[f"{volume}:/data:ro"])
        with self._engine.scratch(image, host_config=host_config) as scratch:
            return (self._engine.read(scratch, "/data/PG_VERSION") or b"").decode().strip()

    def _admin_password_is_lost(self, env: Environment) -> bool:
        has_data = self._engine.volume_labels(f"{env[VOLUMES]}_postgresql") is not None
        return has_data and not self._home.has_secret(postgresql_server.ADMIN_SECRET)

    def _set_admin_password(self) -> None:
        """Give the superuser a new password: inside the container, its own user needs none."""
        statement = "\\getenv password POSTGRES_PASSWORD\nALTER ROLE postgres PASSWORD :'password';\n"
        argv = self._exec("postgresql", ["psql", "-XqU", "postgres"], {})

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

    def _exec(self, service: str, argv: Sequence[str], secrets: Mapping[str, str], *options: str) -> list[str]:
        container = self._engine.containers(self._stack_id).get(service)
        if container is None or container.status != "running":
            raise RuntimeUnavailable(
                f"{service} does not run, and its programs are in its container.",
                repairs=[Repair(f"mmp-dev up {service}", "starts it")],
            )
        passed = [part for name in secrets for part in ("--env", name)]  # names only: docker takes the values itself
        return ["docker", "exec", "--interactive", *options, *passed, container.id, *argv]

    def _has_program(self, service: str, program: str) -> bool:
        look = self._exec(service, ["sh", "-c", 'command -v "$1"', "sh", program], {})
        return subprocess.run(look, capture_output=True, check=False).returncode == 0


def _override(service: str) -> str:
    return f"MMP_IMAGE_{service.upper()}"


def _no_program(program: str, service: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(f"{program} is not in the container of {service}.")


def _other_major(volume: str, found: str) -> MmpError:
    return PreflightFailed(
        f"The data in the volume {volume} was made by PostgreSQL {found}; this stack runs "
        f"{postgresql_server.MAJOR}, which cannot read it.",
        repairs=[
            Repair(
                f"{VOLUMES}={volume.removesuffix('_postgresql')}-{postgresql_server.MAJOR} mmp-dev up",
                "starts with new volumes; the old ones stay",
            ),
        ],
        code="DATA_VERSION",
    )


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Whole lines out of pieces that end anywhere."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
    if rest:
        yield rest.decode(errors="replace")
