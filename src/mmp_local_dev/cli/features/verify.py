"""`mmp-dev features verify`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.cli.render.report_files import ReportFiles
from mmp_local_dev.operations.features_verify import features_verify
from mmp_local_dev.workspace import Stack

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("verify")
@click.argument("views", nargs=-1, metavar="[VIEW]...")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Entities of each view.  [default: 200]")
@click.option("--all", "whole", is_flag=True, help="All entities.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Per clause.  [default: 10; 600 with --all]"
)
@click.option("--junit", type=_FILE, metavar="FILE", help="Write a report for CI servers, too.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page for browsers, too.")
@click.option("-v", "--verbose", is_flag=True, help="Show the clauses that passed, too.")
@options.stack_option
@options.json_option
@options.debug_option
@click.pass_context
def command(
    context: click.Context,
    views: tuple[str, ...],
    sample: int | None,
    whole: bool,
    timeout: float | None,
    junit: Path | None,
    html: Path | None,
    verbose: bool,
    stack: Stack,
    as_json: bool,
) -> int:
    """Prove that online features are what PostgreSQL has, of these views, or of all of them.

    Every value of the latest row of an entity is compared with what Redis holds, to the last bit: rows that are stale,
    wrong, missing, gone or from the future are named, with both values and both times. Feast's point-in-time joins are
    held against plain SQL. Tables and registry are held against the contract; so are its fixtures, and how fresh the
    rows are.

    A sample of entities, always the same ones, takes about a second beside the import of Feast. Nobody should write
    meanwhile: what is loaded between two readings is told as different.

    Exit codes: 0 all agrees, 1 something differs, 2 unusable input, 3 it could not be found out.
    """
    if whole and sample is not None:
        raise click.UsageError("--all compares all entities; leave out --sample.", context)
    files = ReportFiles(stack.name, "host", junit=junit, html=html)
    files.check_writable()
    entities = None if whole else sample or 200
    seconds = timeout or (600 if whole else 10)
    with render.output("features verify", as_json=as_json, folder=stack.workspace.root) as out:
        report = features_verify(stack, names=views, entities=entities, timeout=seconds, emit=out.event)
        files.write(report)
        out.report(report, verbose=verbose)
    return report.exit_code
