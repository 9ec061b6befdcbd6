"""What a Redis holds, as the commands that write it: read over the protocol, a bounded amount at a time.

Not a snapshot: what clients write meanwhile may be in it or not, so callers keep them away. Left out: users of the
ACL, when the consumers of a group were last seen, and pending entries whose message is deleted, which no command
makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, NamedTuple, cast

from mmp_local_dev.errors import MmpError
from mmp_local_dev.services.redis import RawConnection

Argument = bytes | int
Command = tuple[Argument, ...]

BATCH_KEYS = 1000
BATCH_BYTES = 4 << 20  # of keys that are read in one go, as the server estimates them
PIECE_BYTES = 1 << 20  # larger keys are read and written in pieces of about this size
PIECE_ITEMS = 1000

# By type: how to read a key at once (a stream is not), and how long it is.
WHOLE: Mapping[bytes, tuple[bytes, tuple[Argument, ...]]] = {
    b"string": (b"GET", ()),
    b"hash": (b"HGETALL", ()),
    b"list": (b"LRANGE", (0, -1)),
    b"set": (b"SMEMBERS", ()),
    b"zset": (b"ZRANGE", (0, -1, b"WITHSCORES")),
}
LENGTH: Mapping[bytes, bytes] = {
    b"string": b"STRLEN",
    b"hash": b"HLEN",
    b"list": b"LLEN",
    b"set": b"SCARD",
    b"zset": b"ZCARD",
    b"stream": b"XLEN",
}
KEYLESS = frozenset({"COMMAND", "ECHO", "FUNCTION", "INFO", "SCAN", "SELECT", "TIME"})


class Refused(MmpError):
    """The server answered a command with an error."""

    code = "REDIS_REFUSED"


class Batch(NamedTuple):
    """Some of the data: where it belongs (`db0`, `functions`), how many keys end in it, the commands that write it."""

    place: str
    keys: int
    commands: Sequence[Command]


class Key(NamedTuple):
    """A key as it was when it was met; `expires` in milliseconds since 1970 or negative, `size` as estimated."""

    name: bytes
    type: bytes
    expires: int
    size: int


def ask(connection: RawConnection, commands: Sequence[Command]) -> list[Any]:
    """Send all commands, then read the answers, which the server keeps until then. Raises Refused."""
    connection.send_packed_command([packed(commands)])
    return [answer(connection, command) for command in commands]


def ask_one(connection: RawConnection, *command: Argument) -> Any:
    """The answer to one command. Raises Refused."""
    return ask(connection, [command])[0]


def answer(connection: RawConnection, command: Command) -> Any:
    """The next answer, to a command that was sent. Raises Refused, which tells command and key but no values."""
    from redis.exceptions import ResponseError

    try:
        return connection.read_response()
    except ResponseError as error:
        reason = str(error).split(", with args", 1)[0]  # what follows are values
        raise Refused(f"Redis refuses {_told(command)}: {reason.rstrip('.')}.") from None


def packed(commands: Iterable[Command]) -> bytes:
    """The commands as they are sent."""
    from hiredis import pack_command

    pack = cast(Callable[[Command], bytes], pack_command)  # its stub tells of one argument only
    return b"".join(map(pack, commands))


def unpacked(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, list[Command]]]:
    """Each block of packed commands, and the commands that end in it."""
    from hiredis import Reader

    reader = Reader(notEnoughData=None)
    for block in blocks:
        reader.feed(block)
        yield block, [tuple(command) for command in iter(reader.gets, None)]


def count_keys(connection: RawConnection) -> int:
    """The number of keys in all databases."""
    return sum(database["keys"] for database in _databases(connection).values())


def read_all(connection: RawConnection, *, lasting_until: int = 0) -> Iterator[Batch]:
    """Functions and keys in the order in which they are to be written, each database behind its SELECT.

    A key may come twice, as SCAN says; writing it twice does no harm. Keys that expire or vanish meanwhile are left
    out, and so are those that expire before `lasting_until`, in milliseconds since 1970. Raises Refused, and MmpError
    with the code REDIS_TYPE_UNKNOWN for a key that only a module could write.
    """
    libraries = ask_one(connection, b"FUNCTION", b"LIST", b"WITHCODE")
    codes = [_pairs(library)[b"library_code"] for library in libraries]
    yield Batch("functions", len(codes), [(b"FUNCTION", b"LOAD", b"REPLACE", code) for code in codes])
    for number, database in _databases(connection).items():
        select = (b"SELECT", number)
        ask(connection, [select])
        fields_expire = _fields_expire(connection, database)
        yield Batch(f"db{number}", 0, [select])
        for keys, commands in _database(connection, lasting_until, fields_expire=fields_expire):
            yield Batch(f"db{number}", keys, commands)


def _told(command: Command) -> str:
    """Which command on which key."""
    words = [_text(argument) for argument in command[:3]]
    if words[0] in KEYLESS:
        return " ".join(words[:2])
    if words[0] in ("MEMORY", "XGROUP", "XINFO"):
        return f"{words[0]} {words[1]} of the key {words[2]}"
    return f"{words[0]} of the key {words[1]}"


def _text(argument: Argument) -> str:
    raw = str(argument).encode() if isinstance(argument, int) else argument
    return raw[:200].decode(errors="backslashreplace")


def _databases(connection: RawConnection) -> dict[int, dict[str, int]]:
    """What the server says of each database that is not empty, such as its number of `keys`."""
    text = ask_one(connection, b"INFO", b"keyspace").decode()
    return {
        int(number): {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
        for number, line in re.findall(r"^db(\d+):(.*)", text, re.MULTILINE)
    }


def _fields_expire(connection: RawConnection, database: Mapping[str, int]) -> bool:
    """Whether fields of hashes may have an expiry of their own: Redis and Valkey count such hashes."""
    counted = database.get("subexpiry", database.get("keys_with_volatile_items"))
    if counted is None:
        return bool(ask_one(connection, b"COMMAND", b"INFO", b"HPEXPIRETIME") != [None])
    return counted > 0


def _database(
    connection: RawConnection, lasting_until: int, *, fields_expire: bool
) -> Iterator[tuple[int, list[Command]]]:
    """Large keys and streams each by itself, all others together, as many as memory allows."""
    for met in _scanned(connection):
        keys = [key for key in met if key.expires < 0 or key.expires >= lasting_until]
        small = [key for key in keys if key.size <= PIECE_BYTES and key.type != b"stream"]
        for some in _by_size(small):
            yield _together(connection, some, fields_expire=fields_expire)
        for key in keys:
            if key.size > PIECE_BYTES or key.type == b"stream":
                yield from _by_itself(connection, key, fields_expire=fields_expire)


def _scanned(connection: RawConnection) -> Iterator[list[Key]]:
    """The keys of the selected database, without those that are gone by now."""
    cursor = b"0"
    while True:
        cursor, names = ask_one(connection, b"SCAN", cursor, b"COUNT", BATCH_KEYS)
        answers = iter(ask(connection, [question for name in names for question in _questions(name)]))
        keys = [Key(name, *about) for name, *about in zip(names, answers, answers, answers, strict=False)]
        yield [key for key in keys if key.size is not None and _is_known(key)]
        if cursor == b"0":
            return


def _questions(name: bytes) -> tuple[Command, ...]:
    return (b"TYPE", name), (b"PEXPIRETIME", name), (b"MEMORY", b"USAGE", name)


def _is_known(key: Key) -> bool:
    """Whether the key is still there. Raises MmpError when it has a type that has no commands to write it."""
    if key.type in LENGTH or key.type == b"none":
        return key.type != b"none"
    raise MmpError(
        f"The key {_text(key.name)} has the type {_text(key.type)}. Only strings, hashes, lists, sets, sorted sets "
        f"and streams can be carried over.",
        code="REDIS_TYPE_UNKNOWN",
    )


def _by_size(keys: Iterable[Key]) -> Iterator[list[Key]]:
    some: list[Key] = []
    size = 0
    for key in keys:
        some.append(key)
        size += key.size
        if size > BATCH_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _together(connection: RawConnection, keys: Sequence[Key], *, fields_expire: bool) -> tuple[int, list[Command]]:
    values = ask(connection, [_whole(key) for key in keys])
    there = [(key, value) for key, value in zip(keys, values, strict=True) if value is not None and value != []]
    commands = [command for key, value in there for command in (*_written(key, value), *_expiry(key))]
    if fields_expire:
        fields = [(key.name, value[::2]) for key, value in there if key.type == b"hash"]
        commands += _fields_expiry(connection, fields)
    return len(there), commands


def _by_itself(connection: RawConnection, key: Key, *, fields_expire: bool) -> Iterator[tuple[int, list[Command]]]:
    written = 0
    yield 0, [(b"DEL", key.name)]  # SCAN may have given it before
    for piece in _in_pieces(connection, key, fields_expire=fields_expire):
        written += len(piece)
        yield 0, piece
    yield min(written, 1), _expiry(key)


def _whole(key: Key) -> Command:
    verb, arguments = WHOLE[key.type]
    return (verb, key.name, *arguments)


def _written(key: Key, value: Any) -> list[Command]:
    """The commands that write a value as it was read, and write it again without harm."""
    match key.type:
        case b"string":
            return [(b"SET", key.name, value)]
        case b"hash":
            return [(b"HSET", key.name, *value)]
        case b"set":
            return [(b"SADD", key.name, *value)]
        case b"zset":
            return [(b"ZADD", key.name, *chain.from_iterable(zip(value[1::2], value[::2], strict=True)))]
        case _:
            return [(b"DEL", key.name), (b"RPUSH", key.name, *value)]


def _expiry(key: Key) -> list[Command]:
    """Behind all that writes the key: a moment in the past deletes it."""
    return [(b"PEXPIREAT", key.name, key.expires)] if key.expires >= 0 else []


def _fields_expiry(connection: RawConnection, hashes: Iterable[tuple[bytes, Sequence[bytes]]]) -> list[Command]:
    hashes = list(hashes)
    moments = ask(connection, [(b"HPEXPIRETIME", name, b"FIELDS", len(fields), *fields) for name, fields in hashes])
    return [
        (b"HPEXPIREAT", name, moment, b"FIELDS", 1, field)
        for (name, fields), times in zip(hashes, moments, strict=True)
        for field, moment in zip(fields, times or [], strict=False)  # the key may be gone, then there are none
        if moment >= 0
    ]


def _in_pieces(connection: RawConnection, key: Key, *, fields_expire: bool) -> Iterator[list[Command]]:
    length = ask_one(connection, LENGTH[key.type], key.name)
    items = max(1, min(PIECE_ITEMS, PIECE_BYTES * length // max(key.size, 1)))
    match key.type:
        case b"string":
            yield from _string(connection, key)
        case b"hash":
            yield from _hash(connection, key, items, fields_expire=fields_expire)
        case b"set":
            yield from (_written(key, piece) for piece in _by_cursor(connection, b"SSCAN", key, items))
        case b"zset":
            yield from (_written(key, piece) for piece in _by_index(connection, b"ZRANGE", key, items, b"WITHSCORES"))
        case b"list":
            yield from _list(connection, key, items)
        case _:
            yield from _stream_while_there(connection, key, items)


def _by_cursor(connection: RawConnection, verb: bytes, key: Key, items: int) -> Iterator[Any]:
    cursor = b"0"
    while True:
        cursor, piece = ask_one(connection, verb, key.name, cursor, b"COUNT", items)
        if piece:
            yield piece
        if cursor == b"0":
            return


def _by_index(connection: RawConnection, verb: bytes, key: Key, items: int, *options: bytes) -> Iterator[Any]:
    for start in count(0, items):
        piece = ask_one(connection, verb, key.name, start, start + items - 1, *options)
        if not piece:
            return
        yield piece


def _string(connection: RawConnection, key: Key) -> Iterator[list[Command]]:
    for piece in _by_index(connection, b"GETRANGE", key, PIECE_BYTES):
        yield [(b"APPEND", key.name, piece)]


def _list(connection: RawConnection, key: Key, items: int) -> Iterator[list[Command]]:
    for piece in _by_index(connection, b"LRANGE", key, items):
        yield [(b"RPUSH", key.name, *piece)]


def _hash(connection: RawConnection, key: Key, items: int, *, fields_expire: bool) -> Iterator[list[Command]]:
    for piece in _by_cursor(connection, b"HSCAN", key, items):
        yield _written(key, piece)
        if fields_expire:
            yield _fields_expiry(connection, [(key.name, piece[::2])])


def _stream_while_there(connection: RawConnection, key: Key, items: int) -> Iterator[list[Command]]:
    """Asking about a stream that is gone is an error, other than with all other types."""
    try:
        yield from _stream(connection, key, items)
    except Refused as error:
        # Whether it exists would not tell: it may be there again.
        if not re.search(r": (no such key|NOGROUP)\b", error.message):
            raise


def _stream(connection: RawConnection, key: Key, items: int) -> Iterator[list[Command]]:
    """As the servers write their own log of commands: entries, counters, groups, consumers, pending entries.

    The counters are read first, and entries up to them: XSETID refuses counters that are behind the entries.
    """
    about = _pairs(ask_one(connection, b"XINFO", b"STREAM", key.name))
    last, added, deleted = (about[name] for name in (b"last-generated-id", b"entries-added", b"max-deleted-entry-id"))
    is_empty = True
    for entries in _entries(connection, key, last, items):
        yield [(b"XADD", key.name, identity, *fields) for identity, fields in entries]
        is_empty = False
    if is_empty:  # what makes it is an entry that does not stay; no entry can have the id 0-0
        yield [(b"XADD", key.name, b"MAXLEN", 0, b"0-1" if last == b"0-0" else last, b"x", b"y")]
    yield [(b"XSETID", key.name, last, b"ENTRIESADDED", added, b"MAXDELETEDID", deleted)]
    for group in map(_pairs, ask_one(connection, b"XINFO", b"GROUPS", key.name)):
        yield from _group(connection, key, group, items)


def _entries(connection: RawConnection, key: Key, last: bytes, items: int) -> Iterator[Any]:
    start = b"-"
    while entries := ask_one(connection, b"XRANGE", key.name, start, last, b"COUNT", items):
        yield entries
        start = b"(" + entries[-1][0]


def _group(connection: RawConnection, key: Key, group: Mapping[bytes, Any], items: int) -> Iterator[list[Command]]:
    name, read = group[b"name"], group[b"entries-read"]
    known = (b"ENTRIESREAD", read) if read is not None else ()
    yield [(b"XGROUP", b"CREATE", key.name, name, group[b"last-delivered-id"], *known)]
    consumers = map(_pairs, ask_one(connection, b"XINFO", b"CONSUMERS", key.name, name))
    yield [(b"XGROUP", b"CREATECONSUMER", key.name, name, consumer[b"name"]) for consumer in consumers]
    start = b"-"
    while True:
        seconds, micros = map(int, ask_one(connection, b"TIME"))
        pending = ask_one(connection, b"XPENDING", key.name, name, start, b"+", items)
        if not pending:
            return
        yield _claims(connection, key, name, pending, now=seconds * 1000 + micros // 1000)
        start = b"(" + pending[-1][0]


def _claims(connection: RawConnection, key: Key, group: bytes, pending: Sequence[Any], *, now: int) -> list[Command]:
    """Nobody can claim a deleted message, so those are left out."""
    found = ask(connection, [(b"XRANGE", key.name, identity, identity) for identity, *_ in pending])
    flags = (b"FORCE", b"JUSTID")
    return [
        (b"XCLAIM", key.name, group, consumer, 0, identity, b"TIME", now - idle, b"RETRYCOUNT", deliveries, *flags)
        for (identity, consumer, idle, deliveries), message in zip(pending, found, strict=True)
        if message
    ]


def _pairs(flat: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
