"""`mmp-dev env`."""

from __future__ import annotations

import os

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.env import env, network_env, write_env
from mmp_local_dev.workspace import Stack


@click.command("env")
@click.option(
    "--format",
    "form",
    type=click.Choice(["dotenv", "shell", "json", "github"]),
    default="dotenv",
    show_default=True,
    help="For .env files, for `eval` in a shell, for programs, for $GITHUB_ENV.",
)
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of asterisks.")
@click.option("--write", is_flag=True, help="Write .env first, without starting anything.")
@options.view_option
@options.runtime_option
@options.stack_option
@options.debug_option
def command(form: str, show_secrets: bool, write: bool, view: str, runtime: str, stack: Stack) -> int:
    """Print the environment that consumers need."""
    if write:
        write_env(stack, runtime=runtime, process_environment=os.environ)
    values = network_env(stack) if view == "network" else env(stack)
    render.environment(values if show_secrets else values.masked(), form)
    return 0
