"""What is seen in a file, and what it comes to over all files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mmp_local_dev.contract.needs.subjects import Subject

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{2,}")
# Of the system, the shell, Python and its tools: no provider sets them.
_OF_OTHERS = re.compile(
    r"(PATH|HOME|USER|SHELL|TERM|LANG|TMPDIR|TEMP|TMP|PWD|CI|DEBUG|NO_COLOR|COLUMNS)|(PYTHON|PYTEST_|LC_|XDG_|GITHUB_).*"
)
_REFERENCE = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Sighting:
    """A subject that line `line` of a file relies on; `optional`: it does without, or has a default of its own."""

    subject: Subject
    line: int
    optional: bool = False


@dataclass(frozen=True)
class Found:
    """A subject with all places (`train.py:12`) that rely on it; `optional` when each of them does without."""

    subject: Subject
    places: tuple[str, ...]
    optional: bool


def variable(name: str, line: int, *, optional: bool) -> Iterable[Sighting]:
    """The sighting of a variable, if `name` looks like one that a provider could set."""
    if _VARIABLE.fullmatch(name) and not _OF_OTHERS.fullmatch(name):
        yield Sighting(("env", name), line, optional)


def is_reference(text: str) -> bool:
    """Whether it could be a feature, `view:feature`."""
    return bool(_REFERENCE.fullmatch(text))


def merged(seen: Iterable[tuple[str, Sighting]]) -> Mapping[Subject, Found]:
    """All subjects in the order of their first sighting; `seen` are sightings, each with the name of its file."""
    found: dict[Subject, Found] = {}
    for file, sighting in seen:
        place = f"{file}:{sighting.line}"
        known = found.get(sighting.subject, Found(sighting.subject, (), optional=True))
        places = tuple(dict.fromkeys((*known.places, place)))
        found[sighting.subject] = replace(known, places=places, optional=known.optional and sighting.optional)
    return found
