"""The services that keep data of their own: how all of it is written to files, read back, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmp_local_dev.environment import Environment
from mmp_local_dev.files import private_file
from mmp_local_dev.services import postgresql_data, redis_data
from mmp_local_dev.services.base import Counted, Home, Programs, Store

_REDIS_FILE = "commands.resp"


class _PostgreSQL:
    unit = "bytes"

    def dump(
        self, env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Counted
    ) -> None:
        postgresql_data.dump(env, home, programs, folder, timeout=timeout, progress=progress)

    def restore(
        self, env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Counted
    ) -> None:
        postgresql_data.restore(env, home, programs, folder, timeout=timeout, progress=progress)

    def fingerprint(
        self, env: Environment, home: Home, *, timeout: float, lasting_until: float
    ) -> Mapping[str, object]:
        return postgresql_data.fingerprint(env, home, timeout=timeout)


class _Redis:
    unit = "keys"

    def dump(
        self, env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Counted
    ) -> None:
        folder.mkdir(mode=0o700)
        with private_file(folder / _REDIS_FILE) as file:
            redis_data.dump(env, file, timeout=timeout, progress=progress)

    def restore(
        self, env: Environment, home: Home, programs: Programs, folder: Path, *, timeout: float, progress: Counted
    ) -> None:
        with (folder / _REDIS_FILE).open("rb") as file:
            redis_data.restore(env, file, timeout=timeout, progress=progress)

    def fingerprint(
        self, env: Environment, home: Home, *, timeout: float, lasting_until: float
    ) -> Mapping[str, object]:
        return redis_data.fingerprint(env, timeout=timeout, lasting_until=lasting_until)


STORES: Mapping[str, Store] = {"postgresql": _PostgreSQL(), "redis": _Redis()}
