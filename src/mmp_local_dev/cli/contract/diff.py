"""`mmp-dev contract diff`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.contract.compare.changes import Weight
from mmp_local_dev.operations.baseline import MERGE_BASE
from mmp_local_dev.operations.diff import diff

_FILE = click.Path(path_type=Path)


@click.command("diff")
@options.contract_argument
@click.option(
    "--against", default=MERGE_BASE, show_default=True, metavar="FILE|REF:FILE|REF", help="The older version."
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    default=lambda: datetime.now(UTC).date().isoformat(),
    metavar="DATE",
    help="The day that sunsets and waivers are judged by; today if not given.",
)
@click.option("--waivers", type=_FILE, help="Where waivers are; contract-waivers.yml beside FILE if not given.")
@click.option("--fail-on", type=click.Choice(["ERR", "WARN"]), help="Changes that fail whatever the version says.")
@click.option(
    "--consumers", multiple=True, metavar="FILE", help="Requirements, to say whom a change concerns; repeatable."
)
@click.option(
    "--gate",
    type=click.Choice(["all", "consumers"]),
    default="all",
    show_default=True,
    help="With consumers: changes fail that one of --consumers uses (--fail-on ERR, if not said otherwise).",
)
@options.format_option("text", "json", "markdown", "junit", "github")
@options.json_option
@options.debug_option
def command(
    file: Path,
    against: str,
    as_of: datetime,
    waivers: Path | None,
    fail_on: str | None,
    consumers: tuple[str, ...],
    gate: str,
    form: str,
    as_json: bool,
) -> int:
    """Show what has changed in a contract, whom it breaks, and which version is due.

    FILE, this workspace's contract if not given, is compared with the same file where its history left the default
    branch. --against takes another one: a file, REF:FILE, a tag or a commit, or a branch, which means the merge base
    with it. A change that breaks fails unless the version tells it. With --fail-on it fails all the same, and a waiver
    lets it pass; the version has to tell it in any case.

    Exit codes: 0 compatible, 1 a change fails or the version is too low, 2 unusable input, 3 there is no older version
    to compare with.
    """
    if gate == "consumers" and not consumers:
        raise click.UsageError("--gate consumers needs --consumers.")
    with render.output("contract diff", as_json=as_json or form == "json") as out:
        found = diff(
            file,
            against=against,
            as_of=as_of.date(),
            waivers=waivers,
            consumers=consumers,
        )
        used_only = gate == "consumers"
        threshold = Weight[fail_on] if fail_on else Weight.ERR if used_only else None
        failing = found.diff.failing(threshold, used_only=used_only)
        out.changes(found, failing, form)
    return 1 if failing else 0
