"""`mmp-dev contract export`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.contract.export import FORMS
from mmp_local_dev.operations.export import export


@click.command("export")
@options.contract_argument
@click.option(
    "--form",
    type=click.Choice(list(FORMS)),
    required=True,
    help="1.0: names and ports only; json-schema: environment and rows; markdown: a page to read.",
)
@options.debug_option
def command(file: Path, form: str) -> int:
    """Print a contract in another form; the workspace's contract when no FILE is given."""
    render.document(export(file, form))
    return 0
