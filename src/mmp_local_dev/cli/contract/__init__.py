"""`mmp-dev contract`: the contract as a document."""

from __future__ import annotations

import click

from mmp_local_dev.cli.groups import LazyGroup

# name -> one line of help, as in `cli/main.py`.
COMMANDS: dict[str, str] = {
    "diff": "Show what has changed, whom it breaks, and which version is due.",
    "rules": "List the rules of diff.",
    "lint": "Find everything that is wrong with a contract.",
    "export": "Write the contract in another form.",
}


@click.group("contract", cls=LazyGroup, table=COMMANDS, package=__name__)
def command() -> None:
    """The contract as a document: lint, compare, export, and the consumers that rely on it."""
