"""All data of a Redis as a file of commands, and back: the one form that Redis and Valkey both read.

Neither loads the other's RDB files and DUMP payloads, whose versions went apart. A dump is what `redis-cli --pipe`
takes: a header, the commands, and a trailer with their number and digest; header and trailer are ECHO commands.
The fingerprint is made of the same commands, so that it covers whatever a dump carries. `redis_commands` says what
that is.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import SEEK_END
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.services.redis import RawConnection, connect_raw
from mmp_local_dev.services.redis_commands import Batch, Command, answer, count_keys, packed, read_all, unpacked

Progress = Callable[[int, int], None]

BLOCK_BYTES = 256 << 10
HEADER = b"mmp-dev redis dump 1"
TRAILER = b"mmp-dev end %020d commands %020d keys sha256 %b"  # of fixed length, to be found from the end
TRAILER_FORM = rb"mmp-dev end (\d{20}) commands (\d{20}) keys sha256 "


@dataclass(frozen=True)
class Content:
    """How many keys (or libraries of functions) there are, and a digest over all of them in any order."""

    keys: int
    digest: str


class Totals(NamedTuple):
    """What the trailer of a dump says: the commands before it, and the keys that they write."""

    commands: int
    keys: int


def unseen(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def dump(env: Environment, out: BinaryIO, *, timeout: float, progress: Progress = unseen) -> int:
    """Write the functions and every key of every database to `out` as commands; the number of keys.

    `timeout` is in seconds, for each answer; `progress` gets the keys done, and how many there were at the start.
    Raises NotReady, Refused, and MmpError with the code REDIS_TYPE_UNKNOWN; `out` then holds no whole dump, which
    `restore` would notice.
    """
    writer = _Writer(out)
    writer.write([(b"ECHO", HEADER)])
    with connect_raw(env, timeout=timeout) as connection:
        total = count_keys(connection)
        for batch in read_all(connection):
            writer.write(batch.commands)
            if batch.place != "functions":
                writer.keys += batch.keys
                progress(writer.keys, total)
    out.write(_trailer(Totals(writer.commands, writer.keys), writer.digest.digest()))
    return writer.keys


def restore(env: Environment, source: BinaryIO, *, timeout: float, progress: Progress = unseen) -> int:
    """Replay the dump that begins where `source` stands and ends with it into an empty Redis; the number of commands.

    `timeout` is in seconds, for each answer; `progress` gets keys. A `source` that cannot be read twice is copied to
    a temporary file. Raises MmpError with the codes DUMP_DAMAGED and REDIS_NOT_EMPTY, or NotReady, before anything is
    changed; NotReady and Refused also half-way, when the Redis is best emptied.
    """
    with _rereadable(source) as whole:
        totals = _verified(whole)
        with connect_raw(env, timeout=timeout) as connection:
            if keys := count_keys(connection):
                raise MmpError(f"This Redis is not empty: it holds {keys} keys.", code="REDIS_NOT_EMPTY")
            for commands in _replayed(connection, whole):
                progress(min(totals.keys * commands // totals.commands, totals.keys), totals.keys)
    return totals.commands


def fingerprint(
    env: Environment, *, timeout: float, lasting_until: float = 0, progress: Progress = unseen
) -> Mapping[str, Content]:
    """What is in each database that is not empty, by `db0`, `db1`, and so on, and by `functions` if there are any.

    Equal before and after a move: it covers names, types, values and the moments of expiry, but neither how they are
    stored nor when pending entries were delivered, nor keys that expire before `lasting_until` (seconds since 1970).
    A score of -0 counts as 0: servers turn one into the other. `timeout`, `progress` and errors are those of `dump`.
    """
    sums: dict[str, _Sum] = {}
    with connect_raw(env, timeout=timeout) as connection:
        total = count_keys(connection)
        for batch in read_all(connection, lasting_until=round(lasting_until * 1000)):
            sums.setdefault(batch.place, _Sum()).add(batch)
            progress(sum(each.keys for place, each in sums.items() if place != "functions"), total)
    return {place: each.content() for place, each in sums.items() if each.keys}


class _Writer:
    """Writes commands to a file, and knows what the trailer has to say of them."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest = hashlib.sha256()
        self.commands = 0
        self.keys = 0

    def write(self, commands: Sequence[Command]) -> None:
        data = packed(commands)
        self._out.write(data)
        self.digest.update(data)
        self.commands += len(commands)


def _trailer(totals: Totals, digest: bytes) -> bytes:
    """The last command of a dump. Its checksum is over the numbers too, which the digest of the rest is not."""
    checksum = hashlib.sha256(digest + b"%d %d" % totals).hexdigest()
    return packed([(b"ECHO", TRAILER % (*totals, checksum.encode()))])


@contextmanager
def _rereadable(source: BinaryIO) -> Iterator[BinaryIO]:
    """`source`, or a copy of what is left of it."""
    if source.seekable():
        yield source
        return
    with TemporaryFile() as copy:
        shutil.copyfileobj(source, copy, BLOCK_BYTES)
        copy.seek(0)
        yield copy


def _verified(source: BinaryIO) -> Totals:
    """What the trailer says, after a first pass over the dump, at whose beginning `source` is left."""
    start = source.tell()
    size = source.seek(0, SEEK_END) - start - len(_trailer(Totals(0, 0), b""))
    source.seek(start)
    header = packed([(b"ECHO", HEADER)])
    if source.read(len(header)) != header:
        raise _damaged("does not begin as one")
    source.seek(start)
    digest = hashlib.sha256()
    for block in _blocks(source, size):
        digest.update(block)
    end = source.read()
    said = re.search(TRAILER_FORM, end)
    totals = Totals(int(said[1]), int(said[2])) if said else Totals(0, 0)
    if end != _trailer(totals, digest.digest()):
        raise _damaged("is cut off, or not what was written")
    source.seek(start)
    return totals


def _blocks(source: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """The next `size` bytes of the file, or what is left of it."""
    left = size
    while left is None or left > 0:
        block = source.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
        if not block:
            return
        left = None if left is None else left - len(block)
        yield block


def _damaged(why: str) -> MmpError:
    return MmpError(f"The dump of Redis {why}. Nothing was changed.", code="DUMP_DAMAGED")


def _replayed(connection: RawConnection, source: BinaryIO) -> Iterator[int]:
    """Send the file as it is; the number of commands done, now and then.

    The answers to a block are read after the next one is sent, so that the server is never idle and the answers that
    wait are few. Parsing the block tells how many there will be, and what it was that is refused.
    """
    sent: list[Command] = []
    done = 0
    for block, commands in unpacked(_blocks(source)):
        connection.send_packed_command([block])
        done += _answered(connection, sent)
        sent = commands
        yield done
    yield done + _answered(connection, sent)


def _answered(connection: RawConnection, commands: Sequence[Command]) -> int:
    for command in commands:
        answer(connection, command)
    return len(commands)


class _Sum:
    """The digest of a place: one number for every element, command or field, added up, so that no order matters.

    Elements of lists and pieces of strings count with their position, since their order is part of the value. How
    the elements were spread over commands does not matter: servers differ in what they take for large.
    """

    def __init__(self) -> None:
        self.keys = 0
        self._sum = 0
        self._position = 0

    def add(self, batch: Batch) -> None:
        self.keys += batch.keys
        for command in batch.commands:
            self._sum += sum(map(_number, self._elements(*command)))

    def content(self) -> Content:
        return Content(self.keys, f"{self._sum % (1 << 128):032x}")

    def _elements(self, verb: Any, key: Any, *rest: Any) -> list[tuple[Any, ...]]:
        match verb:
            case b"HSET":
                return [(verb, key, name, value) for name, value in zip(rest[::2], rest[1::2], strict=True)]
            case b"SADD":
                return [(verb, key, member) for member in rest]
            case b"ZADD":
                pairs = zip(rest[::2], rest[1::2], strict=True)
                return [(verb, key, (float(score) + 0.0).hex(), member) for score, member in pairs]
            case b"RPUSH" | b"APPEND":
                return [(verb, key, position, value) for position, value in self._placed(rest)]
            case b"SET":
                return [(b"APPEND", key, 0, *rest)]
            case b"XCLAIM":
                return [(verb, key, *rest[:4], *rest[6:])]  # without the moment of delivery
            case b"DEL" | b"SELECT":
                self._position = 0
                return []
            case _:
                return [(verb, key, *rest)]

    def _placed(self, values: Sequence[bytes]) -> list[tuple[int, bytes]]:
        first = self._position
        self._position += len(values)
        return list(enumerate(values, first))


def _number(element: tuple[Any, ...]) -> int:
    """128 bits; `repr` tells any two tuples of bytes and numbers apart."""
    return int.from_bytes(hashlib.blake2b(repr(element).encode(), digest_size=16).digest())
