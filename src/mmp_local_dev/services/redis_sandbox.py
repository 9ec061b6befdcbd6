"""Keys that live for one test only: found by a word in them, wherever it stands. Feast puts its project at the end."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.environment import Environment
from mmp_local_dev.services.redis import RawConnection, connect_raw
from mmp_local_dev.services.redis_commands import ask_one

_BATCH = 10_000  # keys that the server looks at for one answer: a few milliseconds


def clear(env: Environment, word: str, *, timeout: float) -> None:
    """Remove every key of database 0 that has the word in it. Raises NotReady."""
    with connect_raw(env, timeout=timeout) as connection:
        for keys in _containing(connection, word):
            ask_one(connection, b"UNLINK", *keys)


def keys_with(env: Environment, word: str, *, timeout: float) -> list[bytes]:
    """The keys of database 0 that have the word in them. Raises NotReady."""
    with connect_raw(env, timeout=timeout) as connection:
        return [key for keys in _containing(connection, word) for key in keys]


def _containing(connection: RawConnection, word: str) -> Iterator[list[bytes]]:
    cursor = b"0"
    while True:
        cursor, keys = ask_one(connection, b"SCAN", cursor, b"MATCH", f"*{word}*".encode(), b"COUNT", _BATCH)
        if keys:
            yield keys
        if cursor == b"0":
            return
