"""`mmp-dev psql`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options
from mmp_local_dev.operations.clients import psql
from mmp_local_dev.workspace import Stack


@click.command("psql", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@options.stack_option
@options.debug_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PSQL_ARGUMENT]...")
def command(stack: Stack, arguments: tuple[str, ...]) -> int:
    """Open psql as the published user, or run it with arguments: `mmp-dev psql -c 'SELECT 1'`.

    Its exit code is psql's.
    """
    return psql(stack, arguments)
