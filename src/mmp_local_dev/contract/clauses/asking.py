"""What the live kinds share: how a clause of a promise is made, what many of them read, and that an answer that does
not come breaks the clause that asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

from mmp_local_dev.contract.clauses.base import Check, Clause, ClauseBroken
from mmp_local_dev.contract.model import Promise
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady, Repair, WrongService

LiveClause = Clause[Environment]
LiveCheck = Check[Environment]
T = TypeVar("T")


class Once(Generic[T]):
    """What `read` answers to the first who asks is the answer, or the error, for all clauses of one verification."""

    def __init__(self, read: Callable[[Environment, float], T]) -> None:
        self._read = read
        self._lock = Lock()
        self._answer: Future[T] = Future()

    def __call__(self, env: Environment, timeout: float) -> T:
        """The answer. Raises what reading raised."""
        with self._lock:
            if not self._answer.done():
                self._ask(env, timeout)
        return self._answer.result()

    def _ask(self, env: Environment, timeout: float) -> None:
        try:
            self._answer.set_result(self._read(env, timeout))
        except Exception as error:
            self._answer.set_exception(error)


def clause_of(
    clause_id: str,
    promise: Promise,
    check: LiveCheck,
    *causes: str,
    section: str,
    service: str = "",
    slow: bool = False,
) -> LiveClause:
    """A clause that stands where its promise does, and weighs as much."""
    return LiveClause(clause_id, check, promise.line, causes, service, section, promise.severity, slow=slow)


def meant(name: str, there: Iterable[str]) -> str:
    """The end of a sentence on something that is not there: which of those that are was probably meant."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(there), 1)
    return f"; did you mean {near[0]}?" if near else ""


@contextmanager
def as_broken(expected: str) -> Iterator[None]:
    """A context in which a service that is not ready breaks the clause."""
    try:
        yield
    except NotReady as error:
        actual = "something else answers" if isinstance(error, WrongService) else "no such answer"
        repairs = error.repairs or (Repair("mmp-dev up", "starts what does not run"),)
        raise ClauseBroken(error.message, expected=expected, actual=actual, repairs=repairs) from None
