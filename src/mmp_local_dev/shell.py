"""The one way to run another program to its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def _groups_of(user: str) -> dict[str, object]:
    import pwd

    entry = pwd.getpwnam(user)
    return {"group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid)}
