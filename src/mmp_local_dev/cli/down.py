"""`mmp-dev down`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.down import down
from mmp_local_dev.workspace import Stack


@click.command("down")
@options.stack_option
@options.json_option
@options.debug_option
def command(stack: Stack, as_json: bool) -> int:
    """Stop everything of the stack. Data, artifacts and .env stay. Works from any half-state.

    Exit codes: 0 nothing of it runs any more, 3 could not stop it.
    """
    with render.output("down", as_json=as_json) as out:
        out.down(down(stack, emit=out.event))
    return 0
