"""`mmp-dev features materialize`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.features_materialize import features_materialize
from mmp_local_dev.workspace import Stack


def moment(value: str) -> datetime:
    """The moment that `2025-06-30` or `2025-06-30T12:00:00+09:00` means, in UTC where no zone is named."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no moment: write it as 2025-06-30 or 2025-06-30T12:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@click.command("materialize")
@click.argument("views", nargs=-1, metavar="[VIEW]...")
@click.option("--full/--incremental", default=False, help="Everything, or only what is new (the default).")
@click.option(
    "--until", type=moment, metavar="WHEN", help="Rows up to then, as 2025-06-30T12:00:00Z; now if not given."
)
@options.stack_option
@options.json_option
@options.debug_option
def command(views: tuple[str, ...], full: bool, until: datetime | None, stack: Stack, as_json: bool) -> int:
    """Write the newest row of each entity from PostgreSQL to Redis, for online reads; of all views if none is named.

    Incremental writes rows from where the last time ended. It becomes full, and says why, when that is not known
    (Redis was emptied), when the data set or a view's definition has changed, or when rows are gone from Redis. A row
    that came later with an older event_timestamp is not seen, as with Feast itself; `mmp-dev features verify` finds it.

    Full writes every row whatever stands in Redis, and then removes the rows of entities that PostgreSQL has no row of
    (those, too, that were only ever pushed). Readers see no gap meanwhile. Rows of the future are left out.

    Interrupted, do it again. Exit codes: 0 done or nothing to do, 2 no such view, 3 could not be done.
    """
    with render.output("features materialize", as_json=as_json) as out:
        out.features_materialized(features_materialize(stack, names=views, full=full, until=until, emit=out.event))
    return 0
