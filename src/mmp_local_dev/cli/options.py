"""The options that commands share."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.workspace import DEFAULT_STACK, Stack, Workspace

F = TypeVar("F", bound=Callable[..., Any])


def duration(value: str) -> float:
    """The seconds that `90s`, `5m` or `1h` means: a type of options."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", value)
    if not found:
        raise click.BadParameter(f"{value!r} is no duration: write a number with s, m or h, as in 60s.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def stack_option(function: F) -> F:
    """`--stack NAME`, given to the command as the Stack of the workspace it is called in."""
    return click.option(
        "--stack",
        metavar="NAME",
        default=DEFAULT_STACK,
        envvar="MMP_DEV_STACK",
        show_default=True,
        callback=lambda _context, _option, name: _stack(name),
        help="Which stack of this workspace.",
    )(function)


def json_option(function: F) -> F:
    """`--json`: one JSON object on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")(function)


def format_option(*forms: str) -> Callable[[F], F]:
    """`--format`, one of `forms`; the first is the default. The command gets it as `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="What to print; json is what --json prints.",
    )


def debug_option(function: F) -> F:
    """`--debug`: `cli/main.py` reads it from the command line, for failures at any place."""
    return click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of a failure.")(function)


def wait_option(function: F) -> F:
    """`--wait-timeout SECONDS`."""
    return click.option(
        "--wait-timeout",
        type=click.FloatRange(min=1),
        default=120.0,
        show_default=True,
        metavar="SECONDS",
        help="How long a service may take to become ready.",
    )(function)


def runtime_option(function: F) -> F:
    """`--runtime`: how to run the servers."""
    return click.option(
        "--runtime",
        type=click.Choice(["auto", *RUNTIMES]),
        default="auto",
        show_default=True,
        help="How to run the servers; auto keeps what the stack has. (New stacks: MMP_DEV_RUNTIME.)",
    )(function)


def view_option(function: F) -> F:
    """`--view`: from where the services are seen."""
    return click.option(
        "--view",
        type=click.Choice(["host", "network"]),
        default="host",
        show_default=True,
        help="From this machine, or from containers on the stack's network.",
    )(function)


def yes_option(function: F) -> F:
    """`--yes`: go on without asking."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def confirm(question: str, *, yes: bool, what: str = "This deletes data") -> None:
    """Ask before `what` is done, unless `yes`. Raises InputError where nobody can answer, Abort for a no."""
    if yes:
        return
    if not is_attended():
        raise InputError(
            f"{what}, and nobody is there to ask.",
            repairs=[Repair(shlex.join(["mmp-dev", *sys.argv[1:], "--yes"]), "deletes it without asking")],
            code="CONFIRMATION_REQUIRED",
        )
    click.confirm(question, abort=True, err=True)


def is_attended() -> bool:
    """Whether somebody is there who sees a question and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def contract_option(function: F) -> F:
    """`--contract FILE`, given to the command as a path: this workspace's contract unless it says another."""
    return click.option(
        "--contract",
        "contract_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=lambda _context, _option, path: path or _workspace().contract,
        help="The contract; this workspace's if not given.",
    )(function)


def lock_option(function: F) -> F:
    """`--lock FILE`: the file that keeps what was verified, or None."""
    return click.option(
        "--lock",
        "lock_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Where results are kept; contract.lock.json beside the contract if not given.",
    )(function)


def service_arguments(function: F) -> F:
    """`[SERVICE]...`."""
    return click.argument("services", nargs=-1, metavar="[SERVICE]...")(function)


def contract_argument(function: F) -> F:
    """`[FILE]`, given to the command as `file`: the contract of the workspace when there is none."""
    return click.argument(
        "file",
        required=False,
        type=click.Path(path_type=Path),
        metavar="[FILE]",
        callback=lambda _context, _argument, file: file or _workspace().contract,
    )(function)


def _stack(name: str) -> Stack:
    return _workspace().stack(name)


def _workspace() -> Workspace:
    return Workspace.find(Path(os.environ.get("MMP_DEV_WORKSPACE") or Path.cwd()))
