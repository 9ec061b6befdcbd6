"""`mmp-dev logs`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.logs import logs
from mmp_local_dev.workspace import Stack


@click.command("logs")
@options.service_arguments
@click.option("-f", "--follow", is_flag=True, help="Go on with every further line until interrupted.")
@click.option("-n", "--tail", type=click.IntRange(min=0), default=100, show_default=True, help="Lines of each service.")
@options.stack_option
@options.json_option
@options.debug_option
def command(services: tuple[str, ...], follow: bool, tail: int, stack: Stack, as_json: bool) -> int:
    """Show the logs of services (all for none named); with --json one object a line."""
    render.log_lines(logs(stack, names=services, tail=tail, follow=follow), named=len(services) != 1, as_json=as_json)
    return 0
