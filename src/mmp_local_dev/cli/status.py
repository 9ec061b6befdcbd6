"""`mmp-dev status`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.status import status
from mmp_local_dev.workspace import Stack


@click.command("status")
@options.stack_option
@options.json_option
@options.debug_option
def command(stack: Stack, as_json: bool) -> int:
    """Show each service's state, address and log. Asks no service: `mmp-dev check` does.

    Exit codes: 0 all services run, 1 one does not, 2 unusable input.
    """
    with render.output("status", as_json=as_json) as out:
        result = status(stack)
        out.status(result)
    return 0 if result.running else 1
