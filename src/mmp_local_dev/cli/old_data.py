"""`mmp-dev old-data`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.old_data import delete_old_data, old_data
from mmp_local_dev.workspace import Stack


@click.command("old-data")
@click.option("--delete", is_flag=True, help="Delete it all.")
@options.yes_option
@options.stack_option
@options.json_option
@options.debug_option
def command(delete: bool, yes: bool, stack: Stack, as_json: bool) -> int:
    """Show, or delete, the data that a move to another runtime has left behind."""
    with render.output("old-data", as_json=as_json) as out:
        found = old_data(stack, emit=out.event)
        if delete and found:
            out.old_data(found)
            options.confirm("Delete it?", yes=yes)
            found = delete_old_data(stack, emit=out.event)
        out.old_data(found, deleted=delete)
    return 0
