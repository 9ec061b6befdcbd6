"""`mmp-dev features seed`."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from mmp_local_dev.cli import options, render
from mmp_local_dev.features import data_set
from mmp_local_dev.operations.features_seed import features_seed, own_rows, source_of
from mmp_local_dev.workspace import Stack

_MOST_ROWS = 100_000_000
_MOST_OF_A_USER = 10_000  # with more, one who buys much would be at it day and night


@click.command("seed")
@click.option(
    "--rows",
    type=click.IntRange(1, _MOST_ROWS),
    default=data_set.DEFAULT_ROWS,
    show_default=True,
    metavar="N",
    help="How many transactions to make up.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=data_set.DEFAULT_SEED,
    show_default=True,
    metavar="N",
    help="Another one makes other data; the same makes the same.",
)
@click.option("--users", type=click.IntRange(1), metavar="N", help="How many people buy; one for 50 rows if not given.")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Import Kaggle's fraudTrain.csv (kartik2112/fraud-detection) instead.",
)
@options.yes_option
@options.stack_option
@options.json_option
@options.debug_option
@click.pass_context
def command(
    context: click.Context,
    rows: int,
    seed: int,
    users: int | None,
    file: Path | None,
    yes: bool,
    stack: Stack,
    as_json: bool,
) -> int:
    """Replace what the feature tables hold by transactions of cards, some of them fraud, and statistics of them.

    The same rows and seed give the same data everywhere, of January to June 2025. Statistics never see the future. New
    data takes the place of the old in one step: interrupted before, nothing has changed. Rows that no seed has put
    there are only replaced after a question, or with --yes.

    Exit codes: 0 done, 2 unusable numbers or file, or nobody there to ask, 3 could not do it.
    """
    _check(context, rows, users, file)
    with render.output("features seed", as_json=as_json) as out:
        source = source_of(rows=rows, seed=seed, users=users, file=file)
        if losing := own_rows(stack):
            what = f"This replaces what no seed has put there: {data_set.described(losing)}"
            options.confirm(f"{what}. Go on?", yes=yes, what=what)
        out.features_seeded(features_seed(stack, source, losing=losing, emit=out.event))
    return 0


def _check(context: click.Context, rows: int, users: int | None, file: Path | None) -> None:
    """Raise UsageError for numbers that do not go together."""
    made_up = [name for name in ("rows", "seed", "users") if _is_given(context, name)]
    if file and made_up:
        raise click.UsageError(f"--from imports a file, and --{made_up[0]} is for data that is made up.")
    if users and not users <= rows <= users * _MOST_OF_A_USER:
        raise click.UsageError(
            f"{users:,} users cannot make {rows:,} transactions: each makes 1 to {_MOST_OF_A_USER:,}, on average."
        )


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
