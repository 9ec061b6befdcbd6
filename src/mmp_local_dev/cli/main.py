"""`mmp-dev`: the commands, and the only place where an exception becomes an exit code.

Command modules are imported when they are called, so that `--help` stays quick.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from mmp_local_dev import __version__
from mmp_local_dev.cli.groups import LazyGroup
from mmp_local_dev.errors import MmpError

# name -> one line of help; the module is cli/NAME.py ("-" becomes "_") and has a click command called `command`,
# or is a package with a group of commands of that name.
COMMANDS: dict[str, str] = {
    "init": "Make a folder a workspace.",
    "up": "Start what does not run, write .env, verify the contract.",
    "down": "Stop everything; delete nothing.",
    "restart": "Stop and start services.",
    "status": "Show what runs, and where.",
    "logs": "Show what the services say.",
    "check": "Verify the contract against what runs.",
    "contract": "Lint, compare and export contracts, and verify consumers.",
    "features": "Fill, check and show the feature store.",
    "env": "Print the environment for consumers.",
    "run": "Run a command with the environment.",
    "psql": "Open psql on the database.",
    "redis-cli": "Talk to Redis.",
    "old-data": "Show or delete what a move to another runtime has left.",
    "open": "Open MLflow in the browser.",
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    package="mmp_local_dev.cli",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="mmp-dev")
def command() -> None:
    """PostgreSQL, Redis and MLflow on this machine, and the contract that proves it.

    Exit codes: 0 yes or done, 1 the answer is no, 2 unusable input, 3 could not do it or could not find out,
    70 a bug, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if "_MMP_DEV_COMPLETE" in os.environ:
        command.main(prog_name="mmp-dev")  # a shell asks for completions; click answers and exits
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code. Every failure is shown here and nowhere else."""
    from mmp_local_dev.cli.render.failures import errors_for

    show = errors_for(arguments)
    try:
        # Not click's own `main`: it takes every broken pipe, also one of ours, for a reader that has enough.
        with command.make_context("mmp-dev", list(arguments)) as context:
            result: Any = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:  # --help, --version
        return done.exit_code
    except click.ClickException as error:
        show.usage(error)
        return 2
    except (KeyboardInterrupt, click.Abort):
        show.interrupted()
        return 130
    except MmpError as error:
        show.failure(error)
        return error.exit_code
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            return 0
        show.bug(error, traceback.format_exc())
        return 70
    return result if isinstance(result, int) else 0


def _reader_is_gone() -> bool:
    """Whether nobody reads our output any more (`mmp-dev logs | head`); if so, nothing more is said, also at exit."""
    import select

    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        gone = any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone
