"""`mmp-dev init`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.init import init


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), metavar="[DIR]")
@options.json_option
@options.debug_option
def command(folder: Path, as_json: bool) -> int:
    """Make a folder a workspace: contract, verification script, .gitignore. Files that are there stay."""
    with render.output("init", as_json=as_json) as out:
        out.init(init(folder))
    return 0
