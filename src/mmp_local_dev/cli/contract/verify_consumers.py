"""`mmp-dev contract verify-consumers`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.consumers import verify_consumers


@click.command("verify-consumers")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.contract_option
@options.lock_option
@click.option("--update/--no-update", default=True, show_default=True, help="Keep the results in the lock file.")
@click.option("--no-pending", is_flag=True, help="Requirements that have never passed are fatal, too.")
@click.option("--allow-empty", is_flag=True, help="No consumer at all is no error.")
@options.json_option
@options.debug_option
def command(
    files: tuple[str, ...],
    contract_file: Path,
    lock_file: Path | None,
    update: bool,
    no_pending: bool,
    allow_empty: bool,
    as_json: bool,
) -> int:
    """Compare the requirements of consumers with the contract; nothing runs.

    FILE is a requirements file, a folder or a pattern; consumers/*.req.yml beside the contract if there is none. What
    each consumer needs and the contract does not promise is shown. Requirements that have never passed are pending:
    shown, and not fatal. What has passed once and does no more is.

    Exit codes: 0 the contract does for every consumer that counts, 1 not for all, 2 unusable input or nothing to
    verify, 3 the contract does not say enough to find out.
    """
    with render.output("contract verify-consumers", as_json=as_json) as out:
        result = verify_consumers(
            files,
            contract_file,
            lock_file=lock_file,
            update=update,
            pending_is_fatal=no_pending,
            allow_empty=allow_empty,
        )
        out.consumers(result)
    return result.exit_code
