"""`mmp-dev open`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options
from mmp_local_dev.operations.env import env
from mmp_local_dev.services import SERVICES
from mmp_local_dev.workspace import Stack


@click.command("open")
@click.argument("page", type=click.Choice(["mlflow"]), default="mlflow")
@options.stack_option
@options.debug_option
def command(page: str, stack: Stack) -> int:
    """Open MLflow in the browser; where there is none, its address is all you get."""
    url = SERVICES[page].url(env(stack))
    click.echo(url)
    click.launch(url)
    return 0
