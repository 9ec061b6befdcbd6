"""A change of the contract, as data: what the rules find and everything that reports reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any, NamedTuple

from mmp_local_dev.contract.model import Severity, Stability


class Weight(IntEnum):
    """What a change means to consumers: breaks them (ERR), may break them (WARN), or is only told."""

    NONE = 0
    INFO = 1
    WARN = 2
    ERR = 3


class Bump(IntEnum):
    """The part of the version that has to be raised; NOTHING where nothing has changed."""

    NOTHING = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


class Subject(NamedTuple):
    """What a change is about, in the words of requirements, so that both can be intersected.

    Kinds and names: `env` NAME, `service` NAME, `table` schema.table, `column` schema.table:column, `view` NAME,
    `feature` view:feature, `feature_service` NAME, `entity` NAME, `feast` "", `mlflow` CAPABILITY, `fixture` NAME,
    `latency` and `freshness` ELEMENT, `contract` "".
    """

    kind: str
    name: str

    @property
    def whole(self) -> Subject | None:
        """What it is part of: a column's table, a feature's view; None when of nothing."""
        if self.kind == "column":
            return Subject("table", self.name.rpartition(":")[0])
        if self.kind == "feature":
            return Subject("view", self.name.partition(":")[0])
        return FEAST if self.kind in ("view", "entity", "feature_service") else None


# What each consumer requires, as subjects.
Uses = Mapping[str, Set[tuple[str, str]]]

FEAST = Subject("feast", "")
DOCUMENT = Subject("contract", "")


@dataclass(frozen=True)
class Change:
    """One change that a rule has found.

    `at` is its place as ids show it; `old` and `new` are the values, empty where there is none. Lines are 0 in a file
    that does not have it. `stability` and `promised` are those of the clause that it is about; `touches` are subjects
    that change along with it. What follows after them is judged by `diff`: `severity`, `bump`, `direction` (`provided`
    or `accepted`), the reason of a waiver that is in force, a word on one that has expired, and the `users`.
    """

    rule: str
    subject: Subject
    section: str
    at: str
    text: str
    old: str = ""
    new: str = ""
    old_line: int = 0
    new_line: int = 0
    stability: Stability = Stability.STABLE
    promised: Severity = Severity.ERROR
    touches: tuple[Subject, ...] = ()
    severity: Weight = Weight.NONE
    bump: Bump = Bump.NOTHING
    direction: str = ""
    waived: str = ""
    note: str = ""
    users: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`env-removed[POSTGRES_HOST]`."""
        return f"{self.rule}[{self.at}]"

    @property
    def is_of_version(self) -> bool:
        """Whether it is about the version itself, which is due to everybody, and not about what the contract says."""
        return self.rule.startswith("version-")

    @property
    def path(self) -> str:
        """Where it stands: `env.POSTGRES_HOST`."""
        return f"{self.section}.{self.at}" if self.at else self.section

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that stay the same for as long as the change does, whatever else changes."""
        return sha256(f"{self.rule}:{self.path}:{self.text}".encode()).hexdigest()[:12]

    def to_data(self) -> dict[str, Any]:
        """As JSON knows it."""
        subjects = [dict(subject._asdict()) for subject in self.touches]
        return {
            **asdict(self),
            "id": self.id,
            "path": self.path,
            "fingerprint": self.fingerprint,
            "subject": self.subject._asdict(),
            "touches": subjects,
            "severity": self.severity.name,
            "bump": self.bump.name.lower(),
        }


def users(change: Change, uses: Uses) -> tuple[str, ...]:
    """The consumers that use what `change` is about or touches, be it a part of that; all of them use the contract as a
    whole. `uses` has the subjects that each consumer requires."""
    changed = {change.subject, *change.touches}
    if change.is_of_version:
        return ()
    return tuple(sorted(name for name, required in uses.items() if _with_wholes(required) & changed))


def _with_wholes(subjects: Iterable[tuple[str, str]]) -> set[Subject]:
    found: set[Subject] = {DOCUMENT}
    for subject in subjects:
        part: Subject | None = Subject(*subject)
        while part is not None:
            found.add(part)
            part = part.whole
    return found
