"""What a clause is: one promise, how it is checked, and what it hangs on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mmp_local_dev.contract.model import Severity
from mmp_local_dev.errors import InputError, MmpError, Repair


class Subject(Protocol):
    """What clauses are checked against: an environment and what runs behind it, or the provider's files."""

    def redact(self, text: str) -> str:
        """`text` without any secret of the subject."""


S = TypeVar("S", bound=Subject)

# Given the subject and seconds; answers what was seen, where that is worth telling. See `Clause`.
Check = Callable[[S, float], str | None]


class ClauseBroken(MmpError):
    """The promise is not kept: what was expected, what was found, and the repair."""

    code = "CLAUSE_BROKEN"

    def __init__(self, message: str, *, expected: str = "", actual: str = "", repairs: Sequence[Repair] = ()) -> None:
        super().__init__(message, repairs=repairs)
        self.expected = expected
        self.actual = actual


class ClauseSkipped(Exception):
    """The clause is about something optional that is not there."""


class ClauseUndecided(Exception):
    """Nothing says whether the promise is kept."""


@dataclass(frozen=True)
class Clause(Generic[S]):
    """One promise. `check` raises ClauseBroken, ClauseSkipped or ClauseUndecided; any other error means that it was not
    found out either.

    `id` depends on the contract only, never on hosts or measured values, and ends in its subject, as in
    `service.ready[redis]`. `causes` are the ids of clauses without which this one cannot be judged; `service` is the
    service it needs, or "". `section` is the part of the contract that promises it: env, services, schema, feast,
    mlflow, fixtures, slaProperties. One that measures is checked `alone`, when all others are done. A `slow` one reads
    through Feast, whose import takes seconds.
    """

    id: str
    check: Check[S]
    line: int
    causes: tuple[str, ...] = ()
    service: str = ""
    section: str = ""
    severity: Severity = Severity.ERROR
    alone: bool = False
    slow: bool = False


def concerning(clauses: Iterable[Clause[S]], services: Collection[str]) -> list[Clause[S]]:
    """Those that need no service, or one of `services`, and nothing that stands in another one.

    A clause of the section `services` is about no more than whether another one answers: whoever starts a service
    without one that the contract says it needs wants to hear of that service.
    """
    every = list(clauses)
    out = {each.id for each in every if each.service and each.service not in services}
    holding = {each.id for each in every if each.section != "services"}
    while more := {each.id for each in every if each.id not in out and out & holding & {*each.causes}}:
        out |= more
    return [each for each in every if each.id not in out]


def select(clauses: Sequence[Clause[S]], only: Collection[str] = (), sections: Collection[str] = ()) -> list[Clause[S]]:
    """The clauses that `only` names (an id, a kind such as `service.ready`, or a pattern with `*`) and all clauses of
    `sections`, together with everything that they hang on; all clauses when neither is given.

    Raises InputError for a word that names nothing: a check of nothing must not look like a check.
    """
    if not only and not sections:
        return list(clauses)
    wanted = {id_ for word in only for id_ in _named(word, clauses)}
    wanted |= {id_ for section in sections for id_ in _of_section(section, clauses)}
    by_id = {clause.id: clause for clause in clauses}
    waiting = list(wanted)
    while waiting:
        causes = {cause for cause in by_id[waiting.pop()].causes if cause in by_id} - wanted
        wanted |= causes
        waiting.extend(causes)
    return [clause for clause in clauses if clause.id in wanted]


def is_named(word: str, clause_id: str) -> bool:
    """Whether `word` names this clause: its id, its kind such as `service.ready`, or a pattern of one with `*`."""
    import re

    pattern = re.compile("".join(".*" if character == "*" else re.escape(character) for character in word))
    return bool(pattern.fullmatch(clause_id) or pattern.fullmatch(clause_id.partition("[")[0]))


def _named(word: str, clauses: Sequence[Clause[S]]) -> list[str]:
    found = [clause.id for clause in clauses if is_named(word, clause.id)]
    if not found:
        raise InputError(
            f"No clause is called {word}.", repairs=[Repair("mmp-dev check --verbose", "shows the ids of all clauses")]
        )
    return found


def _of_section(section: str, clauses: Sequence[Clause[S]]) -> list[str]:
    found = [clause.id for clause in clauses if clause.section == section]
    if not found:
        there = dict.fromkeys(clause.section for clause in clauses if clause.section)
        raise InputError(f"No clause is in {section}. There are: {', '.join(there)}.")
    return found
