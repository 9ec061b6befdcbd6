"""The ways to run another program to its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from mmp_local_dev.errors import MmpError


class CommandFailed(MmpError):
    """A program ended with an error; keeps `argv`, `code` and what it printed (`detail`)."""

    code = "COMMAND_FAILED"

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"`{Path(argv[0]).name}` ended with exit code {code}.", detail=output.strip())
        self.argv = tuple(argv)
        self.returncode = code


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    text: str = "",
) -> str:
    """Run `argv` and return what it printed (stdout and stderr together).

    `text` is its standard input. `user` runs it as that user, which only root can. Raises CommandFailed when it
    exits non-zero or takes longer than `timeout` seconds, and MmpError when it cannot be started.
    """
    groups = {"user": user, **_groups_of(user)} if user else {}
    try:
        result = subprocess.run(
            argv,
            env=env,
            cwd=cwd,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            **groups,  # type: ignore[call-overload]
        )
    except subprocess.TimeoutExpired as error:
        so_far = (error.output or b"").decode(errors="replace")  # bytes, whatever `text` says
        raise CommandFailed(argv, 124, f"no end after {timeout:.0f} seconds\n{so_far}") from None
    except OSError as error:
        raise MmpError(f"{argv[0]} could not be started: {error.strerror}.", code="COMMAND_FAILED") from error
    if result.returncode:
        raise CommandFailed(argv, result.returncode, result.stdout)
    return str(result.stdout)


def pipe(
    argv: Sequence[str], *, env: Mapping[str, str], stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
) -> None:
    """Run `argv` between two open files; None stands for an empty input, and for nowhere.

    Without a deadline: how long it takes depends on how much there is. Raises CommandFailed with what it said on
    stderr when it exits non-zero, and MmpError when it cannot be started.
    """
    try:
        result = subprocess.run(
            argv,
            env=env,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise MmpError(f"{argv[0]} could not be started: {error.strerror}.", code="COMMAND_FAILED") from error
    if result.returncode:
        raise CommandFailed(argv, result.returncode, result.stderr.decode(errors="replace"))


@contextmanager
def at_work(argv: Sequence[str], *, text: str) -> Iterator[Iterator[str]]:
    """A program at work, as the lines that it prints meanwhile; it is killed when the context is left before its end.

    `text` is what its standard input begins with, which stays open while we live, so that it can notice when we are
    gone. It has a session of its own: ^C on a terminal reaches us alone. The lines raise CommandFailed, with what it
    said on stderr, when it exits non-zero. Raises MmpError when it cannot be started.
    """
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
            )
        except OSError as error:
            raise MmpError(f"{argv[0]} could not be started: {error.strerror}.", code="COMMAND_FAILED") from error
        with process:
            try:
                yield _lines(process, text, argv, said)
            finally:
                process.kill()


def _lines(process: subprocess.Popen[str], text: str, argv: Sequence[str], said: IO[bytes]) -> Iterator[str]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("without pipes")
    with suppress(BrokenPipeError):  # it has ended already, as its exit code tells
        process.stdin.write(text)
        process.stdin.flush()
    yield from process.stdout
    if code := process.wait():
        said.seek(0)
        raise CommandFailed(argv, code, said.read().decode(errors="replace"))


def _groups_of(user: str) -> dict[str, object]:
    import pwd

    entry = pwd.getpwnam(user)
    return {"group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid)}
