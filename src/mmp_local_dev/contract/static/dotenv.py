"""The `.env` file: what it sets, and in which line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mmp_local_dev import env_formats
from mmp_local_dev.contract.static.files import Place

_ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=", re.MULTILINE)


@dataclass(frozen=True)
class EnvFile:
    """The variables of the file `name`, and the line of each."""

    name: str
    values: Mapping[str, str]
    lines: Mapping[str, int]

    def place(self, variable: str) -> Place:
        """Where `variable` is set; the file's beginning when it is not."""
        return Place(self.name, self.lines.get(variable, 1))


def parse(name: str, text: str, ours: Collection[str]) -> EnvFile:
    """What the file `name` sets; it has to be read alike by all consumers for the names in `ours`.

    Raises EnvironmentInvalid, as `file:line: why` and without any value.
    """
    values = env_formats.parse(text, source=name, strict=ours)
    lines = {found[1]: text.count("\n", 0, found.start()) + 1 for found in _ASSIGNMENT.finditer(text)}
    return EnvFile(name, values, lines)
