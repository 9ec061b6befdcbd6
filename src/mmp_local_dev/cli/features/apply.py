"""`mmp-dev features apply`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.features_apply import features_apply
from mmp_local_dev.workspace import Stack


@click.command("apply")
@click.option(
    "--allow-breaking", is_flag=True, help="Apply also what breaks consumers; values that were are removed from Redis."
)
@options.stack_option
@options.json_option
@options.debug_option
def command(allow_breaking: bool, stack: Stack, as_json: bool) -> int:
    """Register the definitions in feast_repo/, unless nothing has changed, and make the tables that they read.

    What would break consumers (a feature that is gone or of another type, an entity with another key, a view that is
    gone or no longer online) is refused, before anything is changed.

    Exit codes: 0 registered or unchanged, 1 refused, 2 unusable definitions, 3 could not do it.
    """
    with render.output("features apply", as_json=as_json) as out:
        result = features_apply(stack, allow_breaking=allow_breaking, emit=out.event)
        out.features_applied(result)
    return 1 if result.refused else 0
