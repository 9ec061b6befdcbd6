"""`mmp-dev up`."""

from __future__ import annotations

import os

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations import features_sample
from mmp_local_dev.operations.up import up
from mmp_local_dev.workspace import Stack


@click.command("up")
@options.service_arguments
@options.runtime_option
@click.option("--auto-ports", is_flag=True, help="Take free ports instead of held ones, and keep them.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option(
    "--seed/--no-seed",
    "seed",
    default=None,
    help="Load the sample data, if it is not there. (A new workspace asks on a terminal.)",
)
@options.wait_option
@options.stack_option
@options.json_option
@options.debug_option
def command(
    services: tuple[str, ...],
    runtime: str,
    auto_ports: bool,
    dry_run: bool,
    seed: bool | None,
    wait_timeout: float,
    stack: Stack,
    as_json: bool,
) -> int:
    """Start what does not run, wait until it is ready, write .env, verify the contract.

    Twice is the same as once. Values come from the shell's environment (for the contract's variables), then .env,
    then the contract's defaults.

    --seed brings 50,000 transactions of cards into both stores, as `features seed` and `features materialize` would.

    Exit codes: 0 everything runs and the contract is kept, 1 a clause is broken, 2 unusable input, 3 could not start.
    """
    if seed is None and not (dry_run or services):
        seed = _wish(stack, ask=not as_json)
    elif seed is False:
        features_sample.forget(stack)
    with render.output("up", as_json=as_json) as out:
        result = up(
            stack,
            names=services,
            runtime=runtime,
            process_environment=os.environ,
            auto_ports=auto_ports,
            dry_run=dry_run,
            wait_timeout=wait_timeout,
            seed=bool(seed),
            emit=out.event,
        )
        out.up(result)
    return result.report.exit_code if result.report else 0


def _wish(stack: Stack, *, ask: bool) -> bool:
    """Whether this user wants sample data: what was answered once, in a new stack on a terminal; nobody else does."""
    if ask and options.is_attended() and (question := features_sample.question(stack)):
        features_sample.remember(stack, wanted=click.confirm(question, default=True, err=True))
    return features_sample.is_wanted(stack)
