"""`mmp-dev run`."""

from __future__ import annotations

import os
import shutil

import click

from mmp_local_dev.cli import options
from mmp_local_dev.errors import InputError
from mmp_local_dev.operations.env import env
from mmp_local_dev.workspace import Stack


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@options.stack_option
@options.debug_option
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENT]...")
def command(stack: Stack, argv: tuple[str, ...]) -> int:
    """Run a command with the environment of .env, which outranks the shell's. Its exit code is the command's."""
    program = shutil.which(argv[0])
    if program is None:
        raise InputError(f"There is no program called {argv[0]}.", code="COMMAND_NOT_FOUND")
    values = env(stack)
    os.execve(program, list(argv), {**os.environ, **values})  # noqa: S606 -- running it is the point
