"""How the rows of a view differ online from what they are offline: each compared with the latest of its entity.

A row that has outlived the view's `ttl` need not be online, since a point-in-time join does not find it any more. One
that is online is compared like every other: Feast hands it out all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mmp_local_dev.services.feast_keys import Keys
from mmp_local_dev.services.feast_offline import Row
from mmp_local_dev.services.feast_online import Entry
from mmp_local_dev.services.feast_registry import RegisteredView
from mmp_local_dev.services.feast_stored import IMPOSSIBLE, agrees, form_of
from mmp_local_dev.services.feast_values import EPOCH, decoded

TOLD = 10  # differences that are kept to be told; all are counted


class Kind(StrEnum):
    """How a row differs online: what is told of it."""

    MISSING = "not online"
    STALE = "stale"
    WRONG = "wrong"
    NEWER = "newer than any offline"
    FUTURE = "from the future"
    GONE = "not offline"


@dataclass(frozen=True)
class Difference:
    """A row that differs: its keys by name, and a feature with both values and the moments of both rows.

    `feature` is "" where there is only one row, or no feature differs.
    """

    kind: Kind
    view: str
    keys: Mapping[str, Any]
    feature: str = ""
    offline: Any = None
    online: Any = None
    offline_at: datetime | None = None
    online_at: datetime | None = None


@dataclass
class Agreement:
    """What a comparison found so far: how many rows and cells were compared, how many of the rows are online, how many
    differ and in which way, and the first of these. `waiting` rows are in the future offline, and not due yet;
    `expired` ones are online and have outlived the view's ttl. `offline_at` and `online_at` are the newest moments."""

    rows: int = 0
    cells: int = 0
    stored: int = 0
    waiting: int = 0
    expired: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)
    offline_at: datetime | None = None
    online_at: datetime | None = None

    @property
    def behind(self) -> timedelta:
        """How far the newest row online is behind the newest one offline."""
        if self.offline_at is None or self.online_at is None:
            return timedelta()
        return max(self.offline_at - self.online_at, timedelta())

    def add(self, difference: Difference) -> None:
        """Count it, and keep it if it is one of the first."""
        self.counts[difference.kind] += 1
        if len(self.examples) < TOLD:
            self.examples.append(difference)


class Comparer:
    """Compares rows of one view as of the moment `now`, and keeps what it finds in `agreement`."""

    def __init__(self, name: str, view: RegisteredView, now: datetime) -> None:
        self.agreement = Agreement()
        self.name, self.now, self._view = name, now, view
        self._due = now - timedelta(seconds=view.ttl) if view.ttl else None
        self._forms = [form_of(dtype) or _unknown for dtype in view.features.values()]

    def compare(self, keys: Keys, row: Row | None, entry: Entry | None) -> None:
        """Compare the latest row of an entity with the stored one; None for none."""
        if row is None and entry is None:
            return
        self._count(row, entry)
        if kind := self._kind(row, entry):
            self.agreement.add(self._difference(kind, keys, row, entry))

    def _count(self, row: Row | None, entry: Entry | None) -> None:
        found, at = self.agreement, entry.at if entry else None
        found.rows += 1
        found.cells += len(self._view.features)
        found.expired += bool(row and entry and self._expired(row))
        if row:
            found.offline_at = max(row.at, found.offline_at or row.at)
        if at:
            found.stored += 1
            found.online_at = max(at, found.online_at or at)

    def _kind(self, row: Row | None, entry: Entry | None) -> Kind | None:
        if entry is None:
            return Kind.MISSING if row and not self._expired(row) else None
        at = entry.at or EPOCH  # as Feast takes a row without a moment
        if at > self.now:
            return Kind.FUTURE
        if row is None:
            return Kind.GONE
        if at != row.at:
            return Kind.NEWER if at > row.at else Kind.STALE
        return Kind.WRONG if self._wrong(row, entry) else None

    def _expired(self, row: Row) -> bool:
        return self._due is not None and row.at < self._due

    def _wrong(self, row: Row, entry: Entry) -> str:
        """The first feature whose values differ; "" for none."""
        if self._is_written(row, entry):
            return ""
        dtypes, stored = self._view.features, entry.stored
        return next((name for name, value in row.values.items() if not agrees(dtypes[name], value, stored[name])), "")

    def _is_written(self, row: Row, entry: Entry) -> bool:
        """Whether the row is stored as Feast would, byte by byte, which most are; this is the quick way to see that."""
        try:
            written = [form(value) for form, value in zip(self._forms, row.values.values(), strict=True)]
        except IMPOSSIBLE:
            return False
        return written == list(entry.stored.values())

    def _difference(self, kind: Kind, keys: Keys, row: Row | None, entry: Entry | None) -> Difference:
        named = dict(zip(self._view.join_keys, keys, strict=True))
        feature = self._wrong(row, entry) if row and entry else ""
        return Difference(
            kind,
            self.name,
            named,
            feature,
            row.values[feature] if row and feature else None,
            decoded(entry.stored[feature] or b"") if entry and feature else None,
            row.at if row else None,
            entry.at if entry else None,
        )


def _unknown(_value: Any) -> bytes:
    raise ValueError("it can be written in many ways")
