"""`mmp-dev check`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.contract.report import Report
from mmp_local_dev.errors import InputError
from mmp_local_dev.operations.check import check, check_on_network, check_static
from mmp_local_dev.workspace import Stack


@click.command("check")
@click.option("-v", "--verbose", is_flag=True, help="Show the clauses that passed, too.")
@click.option("--static", is_flag=True, help="Compare the contract with the workspace's files; nothing has to run.")
@options.view_option
@options.stack_option
@options.json_option
@options.debug_option
def command(verbose: bool, static: bool, view: str, stack: Stack, as_json: bool) -> int:
    """Verify every clause of the contract with the values of .env, as a consumer would.

    With --static: compare it with docker-compose.yml, .env, the SQL and the Feast repository instead.

    Exit codes: 0 the contract is kept, 1 a clause is broken, 2 unusable input, 3 it could not be found out.
    """
    with render.output("check", as_json=as_json) as out:
        report = _check(static, view, stack)
        out.report(report, verbose=verbose)
    return report.exit_code


def _check(static: bool, view: str, stack: Stack) -> Report:
    if static and view == "network":
        raise InputError("--static looks at files, which are the same from everywhere; leave out --view.")
    if static:
        return check_static(stack)
    return check_on_network(stack) if view == "network" else check(stack)
