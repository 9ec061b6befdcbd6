"""Programs in containers: beside a server that runs, or in a container of their own on the stack's network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import IO

from mmp_local_dev import shell
from mmp_local_dev.errors import Repair, RuntimeUnavailable
from mmp_local_dev.runtimes.docker_engine import Container, environment
from mmp_local_dev.shell import CommandFailed

_NO_SUCH_PROGRAM = (126, 127)


def command(
    service: str,
    container: Container | None,
    argv: Sequence[str],
    secrets: Mapping[str, str] | None = None,
    *,
    terminal: bool = False,
) -> list[str]:
    """The command that runs `argv` in a service's container. Raises RuntimeUnavailable when that does not run.

    It names the secrets only: docker takes their values from its own environment.
    """
    if container is None or container.status != "running":
        raise not_running(service)
    passed = [part for name in secrets or () for part in ("--env", name)]
    return ["docker", "exec", "--interactive", *(["--tty"] if terminal else []), *passed, container.id, *argv]


def run(service: str, container: Container | None, argv: Sequence[str], secrets: Mapping[str, str]) -> int:
    """Run a program with this program's terminal; its exit code. Raises RuntimeUnavailable when there is none."""
    argv_of_docker = command(service, container, argv, secrets, terminal=_on_terminal())
    code = subprocess.run(argv_of_docker, env={**os.environ, **secrets}, check=False).returncode
    if code in _NO_SUCH_PROGRAM and not _is_there(service, container, argv[0]):
        raise _no_program(argv[0], service)
    return code


def pipe(
    service: str,
    container: Container | None,
    argv: Sequence[str],
    secrets: Mapping[str, str],
    stdin: IO[bytes] | None,
    stdout: IO[bytes] | None,
) -> None:
    """Run a program between two files, as `shell.pipe` does. Raises RuntimeUnavailable when there is none."""
    try:
        argv_of_docker = command(service, container, argv, secrets)
        shell.pipe(argv_of_docker, env={**os.environ, **secrets}, stdin=stdin, stdout=stdout)
    except CommandFailed as error:
        if error.returncode in _NO_SUCH_PROGRAM:
            raise _no_program(argv[0], service) from None
        raise


def python(image: str, network: str, program: str, stdin: IO[bytes]) -> str:
    """Run a Python program in a new container on a network; what it printed. Raises CommandFailed."""
    argv = ["docker", "run", "--rm", "--interactive", "--network", network, "--entrypoint", "python"]
    with TemporaryFile() as output:
        shell.pipe([*argv, image, "-c", program], env=environment(), stdin=stdin, stdout=output)
        output.seek(0)
        return output.read().decode()


def not_running(service: str) -> RuntimeUnavailable:
    """The error for a service whose container is not there to run something in."""
    return RuntimeUnavailable(
        f"{service} does not run, and its programs are in its container.",
        repairs=[Repair(f"mmp-dev up {service}", "starts it")],
    )


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _is_there(service: str, container: Container | None, program: str) -> bool:
    look = command(service, container, ["sh", "-c", 'command -v "$1"', "sh", program])
    return subprocess.run(look, capture_output=True, check=False).returncode == 0


def _no_program(program: str, service: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(f"{program} is not in the container of {service}.")
