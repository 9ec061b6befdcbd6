"""Groups of commands, each command imported when it is called, so that `--help` stays quick."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose `table` maps a command's name to its line of help.

    The command NAME is what `command` means in the module NAME ("-" becomes "_") of `package`.
    """

    def __init__(self, *, table: Mapping[str, str], package: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.table = table
        self._package = package

    def list_commands(self, _context: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(self.table)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of this name, None for a name that is not in the table."""
        if name not in self.table:
            return None
        module = importlib.import_module(f"{self._package}.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, as the help shows it; nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.table.items()))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one that is not in the table."""
        import difflib

        name = args[0]
        if name not in self.table and (near := difflib.get_close_matches(name, self.table, 1)):
            context.fail(f"No such command {name!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(context, args)
