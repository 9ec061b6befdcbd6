"""How an apply of feature definitions is shown."""

from __future__ import annotations

import click

from mmp_local_dev.cli.render.changes import mark
from mmp_local_dev.cli.render.words import say, say_repairs
from mmp_local_dev.errors import Repair
from mmp_local_dev.operations.features_apply import FeaturesApplied
from mmp_local_dev.workspace_files import FEATURE_TABLES


def say_applied(result: FeaturesApplied) -> None:
    """What has changed in the registry, or what was refused; the verdict last."""
    if result.tables_made:
        say(f"{FEATURE_TABLES} was run.")
    for change in result.refused or result.changes:
        say(f"  {mark(change.severity)} {change.text}  {click.style(change.rule, dim=True)}")
    if result.refused:
        say("Refused, because consumers can stop working with it. Nothing was changed.")
        say_repairs([Repair("mmp-dev features apply --allow-breaking", "applies it all the same")])
    elif result.skipped:
        say(f"{result.project} is unchanged.")
    else:
        say(f"{result.project} is applied: {_count(len(result.changes), 'change')} for consumers.")
    if result.values_removed:
        say(f"Old values were removed from {_count(result.values_removed, 'row')} in Redis.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"
