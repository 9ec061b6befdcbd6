"""Values in the online store that belong to no feature any more, or to one that has another type now.

Feast keeps a hash in Redis for each entity, with a field for each feature (murmur3 of `view:feature`) and `_ts:view`
for each view. A feature that comes back with another type would find the values of the old one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from mmp_local_dev.environment import Environment
from mmp_local_dev.services.feast_online import field
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.services.redis import RawConnection, connect_raw
from mmp_local_dev.services.redis_commands import Command, ask, ask_one

# By view its features; "" among them stands for the view's row as a whole.
Leftovers = Mapping[str, tuple[str, ...]]

_BATCH = 1000


def between(old: Project, new: Project, *, same_keys: bool) -> Leftovers:
    """What is left of `old` when `new` takes its place; `same_keys`: entity keys are written as they were."""
    found = {}
    for name, view in old.views.items():
        now = new.views.get(name)
        if now is None or not now.online or not same_keys or view.join_keys != now.join_keys:
            found[name] = ("", *view.features)
        elif gone := tuple(each for each, dtype in view.features.items() if now.features.get(each) != dtype):
            found[name] = gone
    return found


def merged(*several: Leftovers) -> Leftovers:
    """All of them together."""
    views = {view for each in several for view in each}
    return {view: tuple(sorted({name for each in several for name in each.get(view, ())})) for view in sorted(views)}


def remove(env: Environment, project: str, leftovers: Leftovers, *, timeout: float) -> int:
    """Remove these fields from all hashes of the project; from how many.

    `timeout` is in seconds, for each answer of Redis. Raises NotReady.
    """
    fields = [_name(view, each) for view, names in leftovers.items() for each in names]
    removed = 0
    with connect_raw(env, timeout=timeout) as connection:
        for keys in _keys_of(connection, project.encode()):
            commands: list[Command] = [(b"HDEL", key, *fields) for key in keys]
            removed += sum(count > 0 for count in ask(connection, commands))
    return removed


def _name(view: str, feature: str) -> bytes:
    return field(f"{view}:{feature}") if feature else f"_ts:{view}".encode()


def _keys_of(connection: RawConnection, project: bytes) -> Iterator[list[bytes]]:
    pattern = b"*" + re.sub(rb"([*?\[\]\\])", rb"\\\1", project)
    cursor: Any = 0
    while cursor != b"0":
        cursor, keys = ask_one(connection, b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _BATCH, b"TYPE", b"hash")
        yield [key for key in keys if _project_of(key) == project]


def _project_of(key: bytes) -> bytes | None:
    """What follows after the entity in a key: its join keys, and as many values; None for another sort of key."""
    try:
        count = at = 0
        (count,), at = struct.unpack_from("<I", key), 4
        for _ in range(2 * count):
            at += 8 + struct.unpack_from("<I", key, at + 4)[0]
    except struct.error:
        return None
    return key[at:] if count else None
