"""What the live kinds share: an answer that does not come breaks the clause that asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmp_local_dev.contract.clauses.base import Check, Clause, ClauseBroken
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady, Repair, WrongService

LiveClause = Clause[Environment]
LiveCheck = Check[Environment]


@contextmanager
def as_broken(expected: str) -> Iterator[None]:
    """A context in which a service that is not ready breaks the clause."""
    try:
        yield
    except NotReady as error:
        actual = "something else answers" if isinstance(error, WrongService) else "no such answer"
        repairs = error.repairs or (Repair("mmp-dev up", "starts what does not run"),)
        raise ClauseBroken(error.message, expected=expected, actual=actual, repairs=repairs) from None
