"""`mmp-dev check`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.check import check, check_on_network
from mmp_local_dev.workspace import Stack


@click.command("check")
@click.option("-v", "--verbose", is_flag=True, help="Show the clauses that passed, too.")
@options.view_option
@options.stack_option
@options.json_option
@options.debug_option
def command(verbose: bool, view: str, stack: Stack, as_json: bool) -> int:
    """Verify every clause of the contract with the values of .env, as a consumer would.

    Exit codes: 0 the contract is kept, 1 a clause is broken, 2 unusable input, 3 it could not be found out.
    """
    with render.output("check", as_json=as_json) as out:
        report = check_on_network(stack) if view == "network" else check(stack)
        out.report(report, verbose=verbose)
    return report.exit_code
