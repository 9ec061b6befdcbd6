"""`docker compose`, the command: everything that changes containers, networks and volumes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmp_local_dev import shell
from mmp_local_dev.errors import InputError, MmpError, Repair, RuntimeUnavailable
from mmp_local_dev.runtimes.docker_engine import environment
from mmp_local_dev.runtimes.docker_failures import refusal
from mmp_local_dev.shell import CommandFailed

FILE = "docker-compose.yml"
LEAST_COMPOSE = (2, 24)  # long forms of env_file; earlier: start_interval 2.20.2, secrets from the environment 2.22
LEAST_ENGINE = (25, 0)  # start_interval
_TIMEOUT = 600


def version() -> str:
    """Compose's version. Raises RuntimeUnavailable when the plugin is missing or too old."""
    try:
        said = shell.run(["docker", "compose", "version", "--short"], timeout=30, env=environment()).strip()
    except CommandFailed:
        raise RuntimeUnavailable(
            "This `docker` command has no Compose plugin: `docker compose version` fails.",
            repairs=[
                Repair("sudo apt-get install docker-compose-plugin", "from Docker's own packages"),
                Repair("sudo apt-get install docker-compose-v2", "from Ubuntu's"),
            ],
            code="COMPOSE_MISSING",
        ) from None
    check_version("Docker Compose", said, LEAST_COMPOSE)
    return said.lstrip("v")


def check_version(what: str, said: str, least: tuple[int, int]) -> None:
    """Raise RuntimeUnavailable when `said` is older than `least`; what cannot be read as a version passes."""
    found = re.match(r"v?(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < least:
        wanted = ".".join(map(str, least))
        raise RuntimeUnavailable(
            f"This is {what} {said}; {FILE} needs {wanted} or later.",
            repairs=[
                Repair("", f"update {what}: https://docs.docker.com/engine/install/"),
            ],
            code="DOCKER_OLD",
        )


@dataclass(frozen=True)
class Project:
    """A Compose project: the file of a workspace, run with the variables of one stack."""

    name: str
    root: Path
    env_file: Path
    variables: Mapping[str, str]

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The digest of each service's definition, which its container carries as a label.

        Of the file with everything filled in: from the file itself, Compose 2.26 takes a digest without what `env_file`
        adds, which is not the one that it labels the container with.
        """
        said = self._run("config", "--hash", "*", file="-", text=json.dumps(self.definition))
        return dict(line.split() for line in said.splitlines() if len(line.split()) == 2)

    @cached_property
    def definition(self) -> Mapping[str, Any]:
        """The file with every variable filled in. Raises InputError when Compose cannot read it so."""
        try:
            text = self._run("config", "--format", "json")
        except RuntimeUnavailable:
            raise
        except MmpError as error:
            raise InputError(
                f"Compose cannot use {FILE} with the variables of this stack: {error.message}",
                repairs=[Repair(f"docker compose -f {FILE} config --quiet", "tries it again, without mmp-dev")],
                code="COMPOSE_FILE_INVALID",
            ) from None
        parsed: Mapping[str, Any] = json.loads(text[text.index("{") :])
        return parsed

    def image(self, service: str) -> str:
        """The name of a service's image."""
        return str(self.definition["services"][service]["image"])

    def is_built(self, service: str) -> bool:
        """Whether the service's image is made here, not pulled."""
        return "build" in self.definition["services"][service]

    def up(self, services: Sequence[str]) -> None:
        """Make and start these services as the file says; others stay as they are."""
        self._run("up", "--detach", "--no-deps", "--no-build", *services)

    def build(self, service: str, tell: Callable[[str, int, int], None]) -> None:
        """Build a service's image, telling each step, its number and how many there are."""
        argv = [*self._argv(FILE), "--progress", "plain", "build", service]
        said: list[str] = []
        with subprocess.Popen(
            argv, env=self._environment, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                if step := re.match(r"#\d+ \[\S* ?(\d+)/(\d+)\] (.*)", line):
                    tell(step[3], int(step[1]), int(step[2]))
        if process.returncode:
            raise CommandFailed(argv, process.returncode, "".join(said[-15:]))

    def _run(self, *arguments: str, file: str = FILE, text: str = "") -> str:
        return _checked([*self._argv(file), *arguments], self._environment, self.root, text)

    def _argv(self, file: str) -> list[str]:
        """To be called in `root`. As `file`, "-" is the standard input."""
        env_file = ["--env-file", str(self.env_file)] if self.env_file.is_file() else []
        return [
            *("docker", "compose", "--ansi", "never", "--project-name", self.name),
            *("--project-directory", str(self.root), "--file", file),
            *env_file,
        ]

    @property
    def _environment(self) -> dict[str, str]:
        """Compose lets a variable exported in the shell outrank the file, so that it gets the values themselves."""
        return {**environment(), **self.variables}


def stop(project: str, services: Sequence[str]) -> None:
    """Stop running services of a project, each within the time that it was given. Needs no compose file."""
    _checked(["docker", "compose", "--ansi", "never", "-p", project, "stop", *services], environment(), None)


def unpause(project: str, services: Sequence[str]) -> None:
    """Let paused services of a project go on. Needs no compose file."""
    _checked(["docker", "compose", "--ansi", "never", "-p", project, "unpause", *services], environment(), None)


def down(project: str) -> None:
    """Remove the containers and the network of a project; volumes stay. Needs no compose file."""
    _checked(["docker", "compose", "--ansi", "never", "-p", project, "down"], environment(), None)


def _checked(argv: Sequence[str], env: Mapping[str, str], cwd: Path | None, text: str = "") -> str:
    """What the command printed; a failure in the words of what the engine or Compose answered."""
    try:
        return shell.run(argv, timeout=_TIMEOUT, env=env, cwd=cwd, text=text)
    except CommandFailed as error:
        raise _explained(error) from None


def _explained(error: CommandFailed) -> MmpError:
    lines = [line.strip() for line in error.detail.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if re.search("Cannot connect to the Docker daemon|error during connect|unexpected EOF", error.detail):
        return RuntimeUnavailable(f"The Docker engine stopped answering. {last}", code="DOCKER_STOPPED")
    known = refusal(last.removeprefix("Error response from daemon: "))
    known.detail = "\n".join(lines[-8:-1])
    return known
