"""`mmp-dev check`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.cli.render.report_files import ReportFiles
from mmp_local_dev.events import Warned
from mmp_local_dev.operations.check import Asked, check, check_static
from mmp_local_dev.operations.check_network import check_on_network
from mmp_local_dev.operations.recheck import Check, check_until_kept, watch
from mmp_local_dev.workspace import Stack

_FILE = click.Path(dir_okay=False, path_type=Path)
_AT_THE_END = ("retry_for", "junit", "html")  # what `--watch`, which has none, cannot do


@click.command("check")
@click.option("--only", multiple=True, metavar="CLAUSE", help="An id, a kind (service.ready) or a pattern (*[redis]).")
@click.option("--group", multiple=True, metavar="SECTION", help="Clauses of a section: env, services, schema, feast, …")
@click.option("--retry-for", type=options.duration, metavar="TIME", help="Go on until it is kept, for up to 60s, 5m, …")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=10.0, metavar="SECONDS", help="Per clause.  [default: 10]"
)
@click.option("-w", "--watch", "watching", is_flag=True, help="Go on until ^C, and tell each change.")
@click.option(
    "--interval", type=options.duration, default="2s", metavar="TIME", help="Pause of --watch.  [default: 2s]"
)
@click.option("--junit", type=_FILE, metavar="FILE", help="Write a report for CI servers, too.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page for browsers, too.")
@click.option("-v", "--verbose", is_flag=True, help="Show the clauses that passed, too.")
@click.option("--static", is_flag=True, help="Compare the contract with the workspace's files; nothing has to run.")
@options.format_option("text", "json", "github")
@options.view_option
@options.stack_option
@options.json_option
@options.debug_option
@click.pass_context
def command(
    context: click.Context,
    only: tuple[str, ...],
    group: tuple[str, ...],
    retry_for: float | None,
    timeout: float,
    watching: bool,
    interval: float,
    junit: Path | None,
    html: Path | None,
    verbose: bool,
    static: bool,
    form: str,
    view: str,
    stack: Stack,
    as_json: bool,
) -> int:
    """Verify every clause of the contract with the values of .env, as a consumer would.

    With --static: compare it with docker-compose.yml, .env, the SQL and the Feast repository instead.

    A clause that is chosen brings along what it hangs on. With --watch: the full report, then a line for each clause
    that ends otherwise than before; with --json one object a line.

    Exit codes: 0 the contract is kept, 1 a clause is broken, 2 unusable input, 3 it could not be found out,
    130 a watch was ended.
    """
    _refuse_contradictions(context)
    asked = Asked(only, group, timeout)
    form = "json" if as_json else form
    run: Check = partial(check_static if static else check_on_network if view == "network" else check, stack)
    if watching:
        render.watched(watch(run, asked, interval=interval), as_json=form == "json", verbose=verbose)
        return 0
    files = ReportFiles(stack.name, view, junit=junit, html=html, step_summary=_step_summary(form))
    files.check_writable()
    with render.output("check", form=form, folder=stack.workspace.root) as out:
        report = check_until_kept(run, asked, seconds=retry_for or 0, emit=out.event)
        files.write(report)
        for note in report.notes:
            out.event(Warned(note))
        out.report(report, verbose=verbose)
    return report.exit_code


def _step_summary(form: str) -> Path | None:
    """Where GitHub Actions wants the summary of a step, if this is one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY") if form == "github" else None
    return Path(path) if path else None


def _refuse_contradictions(context: click.Context) -> None:
    github = ["--format github"] if context.params["form"] == "github" else []
    at_the_end = [f"--{name.replace('_', '-')}" for name in _AT_THE_END if context.params[name] is not None]
    if context.params["watching"] and (given := [*at_the_end, *github]):
        raise click.UsageError(f"--watch has no end, so it does not go together with {', '.join(given)}.", context)
    if context.params["static"] and context.params["view"] == "network":
        raise click.UsageError("--static looks at files, the same from everywhere; leave out --view.", context)
    if context.params["as_json"] and github:
        raise click.UsageError("--json and --format github ask for two forms of one answer.", context)
