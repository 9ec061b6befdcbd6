"""`mmp-dev redis-cli`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.clients import redis_cli, redis_commands
from mmp_local_dev.workspace import Stack


@click.command("redis-cli", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@options.stack_option
@options.debug_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENT]...")
def command(stack: Stack, arguments: tuple[str, ...]) -> int:
    """Talk to Redis: `mmp-dev redis-cli PING`, or line by line without arguments.

    Runs the redis-cli or valkey-cli of PATH, whose exit code is its own; where there is none, a plain one: 0, or 1
    when Redis replied with an error.
    """
    code = redis_cli(stack, arguments)
    if code is None:
        code = render.redis_replies(redis_commands(stack, [arguments] if arguments else _typed()))
    return code


def _typed() -> Iterator[list[str]]:
    """The commands that are typed, until the end of input or `quit`."""
    while True:
        if sys.stdin.isatty():
            click.echo("redis> ", nl=False, err=True)
        line = sys.stdin.readline()
        words = shlex.split(line)
        if not line or words[:1] in (["quit"], ["exit"]):
            return
        if words:
            yield words
