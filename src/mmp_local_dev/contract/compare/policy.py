"""Which version is due after a change, and whether the new one will do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmp_local_dev.contract.compare.changes import DOCUMENT, Bump, Change
from mmp_local_dev.contract.compare.ruleset import DECREASED, INSUFFICIENT, NOT_BUMPED

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True)
class Due:
    """The part of the version that has to be raised, and the lowest version that will do."""

    bump: Bump
    version: str


def due(old: str, changes: Sequence[Change]) -> Due:
    """What is due after version `old` with these changes; the same version where there are none.

    Below 1.0.0 the minor part plays the major one, and the patch part the minor one.
    """
    bump = max((change.bump for change in changes), default=Bump.NOTHING)
    return Due(bump, old if bump is Bump.NOTHING else _raised(_version(old), bump))


def version_changes(old: str, new: str, due: Due) -> Iterator[Change]:
    """What is wrong with the version `new`: it has not been raised, or by too little, or it was lowered."""
    was, now = _version(old), _version(new)
    if now < was:
        yield _change(DECREASED, f"version {new} is lower than {old}", old, new)
    elif due.bump is not Bump.NOTHING and now == was:
        yield _change(NOT_BUMPED, f"version is still {new}, and {due.version} is due", old, new)
    elif now < _version(due.version):
        yield _change(INSUFFICIENT, f"version {new} is too low after {old}; {due.version} is due", old, new)


def _change(rule: str, text: str, old: str, new: str) -> Change:
    return Change(rule, DOCUMENT, "contract", "version", text, old, new)


def _raised(version: Version, bump: Bump) -> str:
    parts = [version.major, version.minor, version.micro]
    position = Bump.MAJOR - bump
    if not version.major:
        position = min(position + 1, 2)
    return ".".join(map(str, [*parts[:position], parts[position] + 1, *[0] * (2 - position)]))


def _version(text: str) -> Version:
    from packaging.version import Version

    return Version(text)
