"""`mmp-dev contract lint`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.lint import lint


@click.command("lint")
@options.contract_argument
@click.option("--fix", is_flag=True, help="Mend missing quotes and the keys of the 1.0 form; all else stays as it is.")
@options.json_option
@options.debug_option
def command(file: Path, fix: bool, as_json: bool) -> int:
    """Find everything that is wrong with a contract, without running anything.

    FILE is the workspace's contract when none is given; its `kind` says what it is. Warnings are told and pass.

    Exit codes: 0 clean, 1 problems were found, 2 the file cannot be read at all.
    """
    with render.output("contract lint", as_json=as_json) as out:
        done = lint(file, fix=fix)
        out.lint(done)
    return 0 if done.result.clean else 1
