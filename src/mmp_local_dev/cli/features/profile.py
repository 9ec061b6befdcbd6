"""`mmp-dev features profile`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.cli.render.report_files import check_page, write_page
from mmp_local_dev.operations.features_profile import features_profile
from mmp_local_dev.workspace import Stack

PAGE = Path("feature-profile.html")


@click.command("profile")
@click.argument("views", nargs=-1, metavar="[VIEW]...")
@click.option(
    "-o",
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"Where the page goes.  [default: {PAGE}, with --json none]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a query may take; what takes longer is left out.",
)
@options.stack_option
@options.json_option
@options.debug_option
def command(views: tuple[str, ...], html: Path | None, timeout: float, stack: Stack, as_json: bool) -> int:
    """Write one page about the data in the feature store; of these views and tables, or of all.

    Rows, entities and period of each table, the distribution, missing and most frequent values of each column, how a
    label spreads over time and categories, what stands out. The page needs no network. Nothing is changed; of tables of
    more than three million rows a part is read, which the page says.

    Exit codes: 0 written, 2 no such view, 3 a table could not be read (the page tells of the others), or none.
    """
    page = html or (None if as_json else PAGE)
    if page:
        check_page(page)
    with render.output("features profile", as_json=as_json) as out:
        found = features_profile(stack, names=views, timeout=timeout, emit=out.event)
        if page:
            from mmp_local_dev.cli.render.profile_page import page as page_of

            write_page(page, page_of(found))
        out.profile(found, page)
    return 0 if found.complete else 3
