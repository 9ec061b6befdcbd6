"""`mmp-dev restart`."""

from __future__ import annotations

import os

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.restart import restart
from mmp_local_dev.workspace import Stack


@click.command("restart")
@options.service_arguments
@options.wait_option
@options.stack_option
@options.json_option
@options.debug_option
def command(services: tuple[str, ...], wait_timeout: float, stack: Stack, as_json: bool) -> int:
    """Stop and start services (all for none named), wait until they are ready, verify the contract.

    Exit codes: as for up.
    """
    with render.output("restart", as_json=as_json) as out:
        result = restart(
            stack, names=services, process_environment=os.environ, wait_timeout=wait_timeout, emit=out.event
        )
        out.up(result)
    return result.report.exit_code if result.report else 0
