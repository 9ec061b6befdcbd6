"""The keys under which Feast stores rows in Redis, read and written without Feast.

A key is Feast's entity key in its version 3 (the number of join keys, their names in order, their values), followed by
the project's name. All numbers are little-endian; a text has its length before it, so nothing has to be guessed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from mmp_local_dev.services.feast_values import EPOCH, moment

Keys = tuple[Any, ...]  # the values of a row's join keys

_SPECIAL = re.compile(rb"([*?\[\]\\])")  # in the patterns of SCAN
_STRING = 2


def _seconds(value: datetime | int) -> int:
    if isinstance(value, int):
        return value
    return (value - EPOCH).days * 86400 + (value - EPOCH).seconds


# By type as users write it: its number in Feast, how a value is written, and how it is read.
_TYPES: Mapping[str, tuple[int, Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "Bytes": (1, bytes, bytes),
    "String": (_STRING, lambda value: str(value).encode(), bytes.decode),
    "Int32": (3, lambda value: struct.pack("<i", value), lambda raw: struct.unpack("<i", raw)[0]),
    "Int64": (4, lambda value: struct.pack("<q", value), lambda raw: struct.unpack("<q", raw)[0]),
    "UnixTimestamp": (
        8,
        lambda value: struct.pack("<q", _seconds(value)),
        lambda raw: moment(struct.unpack("<q", raw)[0]),
    ),
}
TYPES = frozenset(_TYPES)


@dataclass(frozen=True)
class KeyForm:
    """The form that the keys of a view have: its join keys with their types (of TYPES), and the project."""

    join_keys: Mapping[str, str]
    project: str

    def written(self, keys: Sequence[Any]) -> bytes:
        """The key of the row with these values, which stand in the order of `join_keys`.

        Raises ValueError for a value that its type does not have.
        """
        try:
            values = b"".join(self._value(name, keys[place]) for name, place in self._sorted)
        except (struct.error, TypeError, AttributeError) as error:
            raise ValueError(f"{keys} is no key: {error}") from None
        return self.prefix + values + self._end

    def read(self, key: bytes) -> Keys | None:
        """The values in a key, in the order of `join_keys`; None for one of another form or project."""
        if not (key.startswith(self.prefix) and key.endswith(self._end)):
            return None
        try:
            return self._read(key)
        except (ValueError, struct.error, OverflowError):
            return None

    @cached_property
    def prefix(self) -> bytes:
        """What all of them begin with."""
        names = b"".join(_counted(_STRING, name.encode()) for name, _ in self._sorted)
        return struct.pack("<I", len(self._sorted)) + names

    @property
    def pattern(self) -> bytes:
        """A pattern for SCAN that all of them match; some of other projects may, too."""
        return _SPECIAL.sub(rb"\\\1", self.prefix) + b"*" + _SPECIAL.sub(rb"\\\1", self._end)

    @cached_property
    def _end(self) -> bytes:
        return self.project.encode()

    @cached_property
    def _sorted(self) -> list[tuple[str, int]]:
        """The names as Feast orders them, with their places in `join_keys`."""
        return sorted((name, place) for place, name in enumerate(self.join_keys))

    def _value(self, name: str, value: Any) -> bytes:
        number, write, _ = _TYPES[self.join_keys[name]]
        return _counted(number, write(value))

    def _read(self, key: bytes) -> Keys | None:
        found: dict[int, Any] = {}
        at = len(self.prefix)
        for name, place in self._sorted:
            number, _, read = _TYPES[self.join_keys[name]]
            type_, length = struct.unpack_from("<II", key, at)
            raw = key[at + 8 : at + 8 + length]
            if type_ != number or len(raw) != length:
                return None
            found[place] = read(raw)
            at += 8 + length
        return tuple(found[place] for place in range(len(found))) if key[at:] == self._end else None


def _counted(type_: int, raw: bytes) -> bytes:
    return struct.pack("<II", type_, len(raw)) + raw
