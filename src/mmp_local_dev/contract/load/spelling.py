"""The right spelling of a word that has the wrong form, so that an error message can offer it.

Only guesses are made here; the caller offers a guess when it passes the very check that the word failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LONGEST_GUESSED = 64

_CLAUSE = re.compile(r"([<>=!~]=|[<>=~^])?v?([0-9]{1,9}(?:\.[0-9]{1,9})*)(\.[xX*])*")


def guesses(word: str) -> Iterator[str]:
    """What the writer of `word` may have meant: another case, a missing part, a range in the words of npm."""
    if len(word) > LONGEST_GUESSED:
        return
    yield word.strip()
    yield word.upper().replace("-", "_")
    yield word.lower().replace("_", "-")
    yield word.removeprefix("v")
    yield f"{word}.0"
    yield f"/{word}"
    translated = pep440_range(word)
    if translated is not None:
        yield translated


def pep440_range(text: str) -> str | None:
    """A range in the words of npm (`^1.2`, `~1.2`, `1.x`, `>=1.2 <2`) as PEP 440; None when it is not one."""
    joined = re.sub(r"([<>=!~^]) +", r"\1", text)
    clauses = [_CLAUSE.fullmatch(part) for part in re.split(r"[ ,]+", joined.strip(" ,"))]
    if not all(clauses):
        return None
    return ",".join(_translated(clause[1] or "", clause[2], clause[3]) for clause in clauses if clause)


def _translated(operator: str, numbers: str, wildcard: str | None) -> str:
    parts = [int(number) for number in numbers.split(".")]
    if operator == "^":
        return _up_to(parts, _first_significant(parts))
    if operator == "~":
        return _up_to(parts, min(1, len(parts) - 1))
    if operator in ("", "=", "==") and (wildcard or len(parts) < 3):
        return _up_to(parts, len(parts) - 1)
    return f"{operator if operator not in ('', '=') else '=='}{numbers}"


def _up_to(parts: Sequence[int], position: int) -> str:
    """From these numbers to where the one at `position` is raised."""
    raised = [*parts[:position], parts[position] + 1]
    return f">={_joined(parts)},<{_joined(raised)}"


def _first_significant(parts: Sequence[int]) -> int:
    return next((index for index, number in enumerate(parts) if number), len(parts) - 1)


def _joined(parts: Sequence[int]) -> str:
    return ".".join(map(str, parts))
