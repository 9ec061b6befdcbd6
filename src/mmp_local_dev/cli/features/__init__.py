"""`mmp-dev features`: the feature store."""

from __future__ import annotations

import click

from mmp_local_dev.cli.groups import LazyGroup

# name -> one line of help, as in `cli/main.py`.
COMMANDS: dict[str, str] = {
    "apply": "Register the feature definitions, and make their tables.",
    "seed": "Fill the feature tables with sample data, or from a file.",
    "materialize": "Bring the online store to what the offline store holds.",
    "verify": "Prove that both stores hold the same.",
    "profile": "Write one page about the data in the feature store.",
}


@click.group("features", cls=LazyGroup, table=COMMANDS, package=__name__)
def command() -> None:
    """The feature store: its definitions, its data, and whether both stores hold the same."""
