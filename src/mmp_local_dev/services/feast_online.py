"""Rows of feature views in Redis as Feast 0.67 stores them, read and removed without Feast.

A hash holds what is known of an entity: a field for each feature of each view, named by the murmur3 hash of
`view:feature`, and `_ts:view` with the moment of the view's row (docs/specs/online_store_format.md of Feast).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, islice
from typing import Any, NamedTuple

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.services.feast_keys import TYPES, KeyForm, Keys
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.feast_values import EPOCH, decoded
from mmp_local_dev.services.protobuf import message_class, parsed
from mmp_local_dev.services.redis import RawConnection, connect_raw
from mmp_local_dev.services.redis_commands import Command, ask, ask_one

BATCH = 1000  # keys that are read in one go

_SCANS = 50
_SMALL = 3  # a hash has so many times the fields that are wanted, at most

# Takes this view's fields out of a hash, and the rest of it once no view has a row in it. One step, so that nobody
# writes a row in between.
_REMOVE = b"""
local removed = redis.call('HDEL', KEYS[1], unpack(ARGV))
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 4) == '_ts:' then return removed end
end
redis.call('DEL', KEYS[1])
return removed
"""


class Entry(NamedTuple):
    """A row as it is stored: `at` is its moment, None where there is none (Feast then takes 1970); `stored` has what is
    in the field of each feature, None where there is no field."""

    keys: Keys
    at: datetime | None
    stored: Mapping[str, bytes | None]

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of the features; None for what is not there."""
        return {name: decoded(content or b"") for name, content in self.stored.items()}


def entries(env: Environment, project: Project, view_name: str, *, timeout: float) -> Iterator[list[Entry]]:
    """All rows of a view, in lists of bounded length and in no order; one may come twice while Redis is growing.

    `timeout` is in seconds, for each answer. Raises NotReady, and MmpError, VIEW_NOT_STORED.
    """
    layout = _layout(project, view_name)
    with connect_raw(env, timeout=timeout) as connection:
        for names in _scanned(connection, layout.keys.pattern):
            keys = [(name, found) for name in names if (found := layout.keys.read(name)) is not None]
            yield [entry for entry in _read(connection, layout, keys) if entry]


def count(env: Environment, project: Project, view_name: str, *, timeout: float) -> int:
    """How many rows of a view there are; one may count twice while Redis is growing. Raises as `entries`."""
    layout = _layout(project, view_name)
    with connect_raw(env, timeout=timeout) as connection:
        return sum(len(_holding(connection, layout, names)) for names in _scanned(connection, layout.keys.pattern))


def some(env: Environment, project: Project, view_name: str, number: int, *, timeout: float) -> list[Keys]:
    """The keys of up to so many rows: the first that Redis names, among the first 50,000 keys. Raises as `entries`."""
    layout = _layout(project, view_name)
    with connect_raw(env, timeout=timeout) as connection:
        scanned = islice(_scanned(connection, layout.keys.pattern), _SCANS)
        holding = chain.from_iterable(_holding(connection, layout, names) for names in scanned)
        return [keys for name in islice(holding, number) if (keys := layout.keys.read(name)) is not None]


def read(
    env: Environment, project: Project, view_name: str, keys: Sequence[Keys], *, timeout: float
) -> list[Entry | None]:
    """The row of each of `keys`, None where there is none. Raises as `entries`, ValueError for an impossible key."""
    layout = _layout(project, view_name)
    with connect_raw(env, timeout=timeout) as connection:
        named = [(layout.keys.written(each), tuple(each)) for each in keys]
        batches = (named[at : at + BATCH] for at in range(0, len(named), BATCH))
        return [entry for batch in batches for entry in _read(connection, layout, batch)]


def remove(env: Environment, project: Project, view_name: str, keys: Sequence[Keys], *, timeout: float) -> int:
    """Remove the rows of these keys; the rows of other views stay. How many there were. Raises as `read`."""
    layout = _layout(project, view_name)
    removed = 0
    with connect_raw(env, timeout=timeout) as connection:
        for at in range(0, len(keys), BATCH):
            names = [layout.keys.written(each) for each in keys[at : at + BATCH]]
            commands: list[Command] = [(b"EVAL", _REMOVE, 1, name, *layout.fields) for name in names]
            removed += sum(found > 0 for found in ask(connection, commands))
    return removed


@dataclass(frozen=True)
class _Layout:
    """How a view is stored: the form of its keys, its features, and the fields: of the moment, then of each feature."""

    keys: KeyForm
    features: tuple[str, ...]
    fields: tuple[bytes, ...]


def _layout(project: Project, view_name: str) -> _Layout:
    view = project.views.get(view_name)
    if view is None:
        raise MmpError(f"The project {project.name} has no feature view {view_name}.", code="VIEW_NOT_STORED")
    if not view.join_keys or not TYPES.issuperset(view.join_keys.values()):
        typed = ", ".join(f"{name} {type_}" for name, type_ in view.join_keys.items()) or "none"
        raise MmpError(f"Feast stores no rows of {view_name} by its keys: {typed}.", code="VIEW_NOT_STORED")
    fields = (f"_ts:{view_name}".encode(), *(field(f"{view_name}:{name}") for name in view.features))
    return _Layout(KeyForm(view.join_keys, project.name), tuple(view.features), fields)


def field(reference: str) -> bytes:
    """The name of the field of a feature, which is given as `view:feature`."""
    from mmh3 import hash as murmur3

    return struct.pack("<I", murmur3(reference, signed=False))


def _scanned(connection: RawConnection, pattern: bytes) -> Iterator[list[bytes]]:
    cursor: Any = 0
    while cursor != b"0":
        cursor, names = ask_one(connection, b"SCAN", cursor, b"MATCH", pattern, b"COUNT", BATCH, b"TYPE", b"hash")
        yield names


def _holding(connection: RawConnection, layout: _Layout, names: Sequence[bytes]) -> list[bytes]:
    """Those that hold a row of the view."""
    answers = ask(connection, [(b"HEXISTS", name, layout.fields[0]) for name in names])
    return [name for name, there in zip(names, answers, strict=True) if there]


def _read(connection: RawConnection, layout: _Layout, keys: Sequence[tuple[bytes, Keys]]) -> list[Entry | None]:
    """The rows under these keys of Redis.

    Small hashes are read whole: Redis looks for each field from the beginning of one, three times the work in all.
    """
    if not keys:
        return []
    small = ask_one(connection, b"HLEN", keys[0][0]) <= _SMALL * len(layout.fields)
    verb, fields = (b"HGETALL", ()) if small else (b"HMGET", layout.fields)
    answers = ask(connection, [(verb, name, *fields) for name, _ in keys])
    if small:
        hashes = [dict(zip(answer[::2], answer[1::2], strict=True)) for answer in answers]
        answers = [[each.get(name) for name in layout.fields] for each in hashes]
    return [_entry(layout, found, at, stored) for (_, found), (at, *stored) in zip(keys, answers, strict=True)]


def _entry(layout: _Layout, keys: Keys, at: bytes | None, stored: list[bytes | None]) -> Entry | None:
    if at is None and stored.count(None) == len(stored):
        return None
    return Entry(keys, _moment(at), dict(zip(layout.features, stored, strict=True)))


def _moment(content: bytes | None) -> datetime | None:
    try:
        found = parsed(_timestamp(), content or b"") if content is not None else None
        return EPOCH + timedelta(seconds=found.seconds, microseconds=found.nanos // 1000) if found else None
    except (ValueError, OverflowError):
        return None


@cache
def _timestamp() -> Any:
    return message_class("timestamp", {"Timestamp": "1 seconds int64, 2 nanos int32"}, "Timestamp")
