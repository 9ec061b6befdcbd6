"""What was materialized, for people."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import click

from mmp_local_dev.cli.render.words import MARKS, duration, number, say

if TYPE_CHECKING:
    from mmp_local_dev.features.materialize import MaterializedView
    from mmp_local_dev.operations.features_materialize import FeaturesMaterialized


def say_materialization(result: FeaturesMaterialized) -> None:
    """A line for each view, and up to when online features are known now."""
    width = max((len(name) for name in (*result.skipped, *(each.view for each in result.views))), default=0)
    for each in result.views:
        say(f"{MARKS['passed']} {each.view:<{width}}  {_done(each)}")
    for name, why in result.skipped.items():
        say(f"{MARKS['skipped']} {name:<{width}}  {why}")
    if not result.views:
        say("No feature view is stored online.")
        return
    rows = number(sum(each.rows for each in result.views), "row")
    until = f"{result.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    say(f"{rows} written in {duration(result.seconds)}. Online features are those of {until}.")


def _done(view: MaterializedView) -> str:
    parts = [number(view.rows, "row") if view.rows else "nothing new"]
    if view.removed:
        parts.append(f"{view.removed:,} removed")
    if view.rows and view.since:
        parts.append(f"since {view.since.astimezone(UTC):%Y-%m-%d %H:%M:%S}")
    return click.style(", ".join(parts), dim=not (view.rows or view.removed))
