"""Ranges of versions in the words of PEP 440: `>=15,<18`, `~=3.1`, `==2.*`; "" is any version.

The algebra is our own: `packaging` compares whole ranges from 26.3 on only, and MLflow keeps consumers at 24 to 26.
A range is a union of half-open intervals between *cuts*: places in the order of versions where none stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import Specifier
    from packaging.version import Version

# Epoch, release, pre-release, post-release, development release, and 1 behind the version itself, its local
# versions with it, or 0 before it. Ordered as PEP 440 orders versions.
_Cut = tuple[float, tuple[int, ...], tuple[str, float], float, float, int]
_Interval = tuple[_Cut, _Cut]

_LEADING_RELEASE = re.compile(r"\d+(\.\d+)*")
_NO_PRE, _FINAL = ("", 0), ("~", 0)  # before every a, b, rc; behind them
_FIRST: _Cut = (0, (), _NO_PRE, -1, 0, 0)
_LAST: _Cut = (inf, (), _FINAL, inf, inf, 1)


def contains(range_: str, version: str) -> bool:
    """Whether `version` lies in `range_`; a pre-release does as any other version.

    A server's banner such as `17.10 (Debian 17.10-1)` counts as its leading release, one without a number never lies
    in a range. Raises packaging's InvalidSpecifier when `range_` is none.
    """
    from packaging.specifiers import SpecifierSet

    parsed = _parsed(version)
    return parsed is not None and SpecifierSet(range_).contains(parsed, prereleases=True)


def is_subset(inner: str, outer: str) -> bool:
    """Whether every version in `inner` lies in `outer` too.

    Exact where the bounds are final releases (`>=1.2`); a bound that is none, as in `>1.2rc1`, is taken by its place in
    the order alone. Raises packaging's InvalidSpecifier when one of them is no range.
    """
    around = _intervals(outer)
    return inner == outer or all(
        any(first <= start and end <= last for first, last in around) for start, end in _intervals(inner)
    )


def _parsed(version: str) -> Version | None:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version)
    except InvalidVersion:
        release = _LEADING_RELEASE.match(version)
        return Version(release[0]) if release else None


def _intervals(range_: str) -> list[_Interval]:
    """The intervals of a range: in order, apart from each other."""
    from packaging.specifiers import SpecifierSet

    found = [(_FIRST, _LAST)]
    for specifier in SpecifierSet(range_):
        allowed = list(_of_specifier(specifier))
        found = [common for ours in found for theirs in allowed for common in _common(ours, theirs)]
    return found


def _common(one: _Interval, other: _Interval) -> Iterator[_Interval]:
    start, end = max(one[0], other[0]), min(one[1], other[1])
    if start < end:
        yield start, end


def _of_specifier(specifier: Specifier) -> Iterator[_Interval]:
    if specifier.operator == "!=":
        start, end = _equal(specifier.version)
        yield _FIRST, start
        yield end, _LAST
    elif specifier.operator in ("==", "==="):
        yield _equal(specifier.version)
    else:
        yield _ordered(specifier.operator, specifier.version)


def _equal(text: str) -> _Interval:
    version = _version(text.removesuffix(".*"))
    if text.endswith(".*"):
        return _first_of(version), _behind_family(version.epoch, version.release)
    return _before(version), _behind(version)


def _ordered(operator: str, text: str) -> _Interval:
    version = _version(text)
    if operator == "<":
        return _FIRST, _before(version) if version.is_prerelease else _first_of(version)
    if operator == "<=":
        return _FIRST, _behind(version)
    if operator == "~=":
        return _before(version), _behind_family(version.epoch, version.release[:-1])
    return _before(version) if operator == ">=" else _behind_posts(version), _LAST


def _version(text: str) -> Version:
    from packaging.version import Version

    return Version(text)


def _before(version: Version) -> _Cut:
    development = inf if version.dev is None else version.dev
    post = -1 if version.post is None else version.post
    final = _NO_PRE if version.is_devrelease and version.post is None else _FINAL
    return version.epoch, _significant(version.release), version.pre or final, post, development, 0


def _behind(version: Version) -> _Cut:
    return (*_before(version)[:5], 1)


def _behind_posts(version: Version) -> _Cut:
    """Behind its post-releases, which `>1.0` does not mean; `>1.0.post1` does."""
    epoch, release, pre, post, development, _ = _before(version)
    return epoch, release, pre, inf if post == -1 else post, development, 1


def _first_of(version: Version) -> _Cut:
    """Before everything of its release, be it a development release."""
    return version.epoch, _significant(version.release), _NO_PRE, -1, 0, 0


def _behind_family(epoch: int, numbers: tuple[int, ...]) -> _Cut:
    """Behind everything that begins with these numbers."""
    return epoch, (*numbers[:-1], numbers[-1] + 1), _NO_PRE, -1, 0, 0


def _significant(release: tuple[int, ...]) -> tuple[int, ...]:
    """1.0.0 is 1."""
    while release and not release[-1]:
        release = release[:-1]
    return release
