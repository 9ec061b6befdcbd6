"""`mmp-dev contract can-i-upgrade`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.can_i_upgrade import can_i_upgrade


@click.command("can-i-upgrade")
@click.option("--consumer", required=True, metavar="NAME|FILE", help="A consumer in the lock, or a requirements file.")
@click.option(
    "--to",
    required=True,
    metavar="FILE|REF:FILE|REF|VERSION",
    help="The contract: a file, one in git, or the version of one that was verified.",
)
@click.option(
    "--ignore", multiple=True, metavar="CLAUSE", help="A clause that may be broken: an id, or a pattern with *."
)
@click.option("--dry-run", is_flag=True, help="Answer, and exit with 0 whatever the answer is.")
@options.contract_option
@options.lock_option
@options.json_option
@options.debug_option
def command(
    consumer: str,
    to: str,
    ignore: tuple[str, ...],
    dry_run: bool,
    contract_file: Path,
    lock_file: Path | None,
    as_json: bool,
) -> int:
    """Say whether a consumer may move to another contract: yes, no, or unknown.

    A file or a revision of git is compared with the consumer's requirements. Of a version the results count that
    `verify-consumers` has recorded; where there is none, the answer is unknown.

    Exit codes: 0 yes, 1 no, 2 unusable input, 3 unknown; with --dry-run 0 for each answer.
    """
    with render.output("contract can-i-upgrade", as_json=as_json) as out:
        result = can_i_upgrade(consumer, to, contract_file, lock_file=lock_file, ignore=ignore)
        out.upgrade(result)
    return 0 if dry_run else result.exit_code
