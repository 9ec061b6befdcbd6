"""The end of `features seed`, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mmp_local_dev.cli.render.words import duration, say

if TYPE_CHECKING:
    from mmp_local_dev.operations.features_seed import FeaturesSeeded


def say_seeded(result: FeaturesSeeded) -> None:
    """The rows of each table, what they are, and what to do with them."""
    width = max(len(str(f"{rows:,}")) for rows in result.rows.values())
    for table, rows in result.rows.items():
        say(f"  {rows:>{width},} rows  {result.schema}.{table}")
    fraud = f"{result.fraud_share:.2%} of the transactions are fraud"
    say(f"Data set {click.style(result.data_set, bold=True)}: {fraud}. Loaded in {duration(result.seconds)}.")
    say(f"Next: {click.style(result.next, bold=True)}")
