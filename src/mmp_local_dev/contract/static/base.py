"""What the static kinds share: clauses about files, and how a drift is told."""

from __future__ import annotations

from collections.abc import Callable

from mmp_local_dev.contract.clauses.base import Check, Clause, ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Severity
from mmp_local_dev.contract.static.files import Place
from mmp_local_dev.contract.static.sources import Sources
from mmp_local_dev.errors import MmpError, Repair

StaticClause = Clause[Sources]
StaticCheck = Check[Sources]


def drift(place: Place | str, message: str, *, expected: str, actual: str, repair: str) -> ClauseBroken:
    """The error of a clause that the file at `place` does not keep; `repair` says what to write."""
    return ClauseBroken(f"{place}: {message}", expected=expected, actual=actual, repairs=[Repair("", repair)])


def readable(file: str, read: Callable[[Sources], object], section: str, line: int) -> StaticClause:
    """The clause that `file` can be read if it is there; everything that is read from it hangs on this one."""

    def check(sources: Sources, _timeout: float) -> None:
        try:
            found = read(sources)
        except MmpError as error:
            repairs = error.repairs or (Repair("", f"correct {file}, then check again"),)
            raise ClauseBroken(error.message, expected="a readable file", actual="none", repairs=repairs) from None
        if found is None:
            raise ClauseSkipped(f"there is no {file}")

    return StaticClause(readable_id(file), check, line, section=section, severity=Severity.ERROR)


def readable_id(file: str) -> str:
    """The id of the clause that `file` is readable."""
    return f"file.readable[{file}]"
