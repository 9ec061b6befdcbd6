"""Feast as a consumer uses it: a feature store made of the environment's values alone, and its two ways to read."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from mmp_local_dev.errors import MmpError, NotReady, Repair
from mmp_local_dev.services import feast_registry

if TYPE_CHECKING:
    from feast import RepoConfig

Keys = Mapping[str, Any]  # values by join key
Row = Mapping[str, Any]  # values by feature; None for what is not there

_NUMBER = "mmp_row"  # a column of our own, which Feast hands back as it is


class FeatureReader:
    """Reads features as a consumer does. Any thread may call it; of each store it makes one read at a time.

    Raises MmpError, FEAST_NOT_INSTALLED, when this Python has no Feast; what Feast itself raises leaves as it is.
    """

    def __init__(self, env: Mapping[str, str], project: str, *, key_version: int) -> None:
        try:
            from feast import FeatureStore
        except ImportError as error:
            raise not_installed(str(error)) from None
        self._offline, self._online = Lock(), Lock()
        self._store = FeatureStore(config=configuration(env, project, key_version))
        self._store.registry.refresh(project)  # here, before two reads do it at once

    def historical(
        self, view: str, features: Sequence[str], keys: Sequence[Keys], at: datetime, *, timeout: float
    ) -> list[Row]:
        """A row of these features of the view for each of `keys`, as of the moment `at`. Raises as `as_of`."""
        return self.as_of(view, features, [(each, at) for each in keys], timeout=timeout)

    def as_of(
        self, view: str, features: Sequence[str], asked: Sequence[tuple[Keys, datetime]], *, timeout: float
    ) -> list[Row]:
        """A row of these features of the view for each pair of keys and the moment as of which they are wanted.

        Raises NotReady when Feast does not answer within `timeout` seconds.
        """
        import pandas as pd

        rows = pd.DataFrame([{_NUMBER: n, **keys, "event_timestamp": at} for n, (keys, at) in enumerate(asked)])

        def read() -> list[Row]:
            job = self._store.get_historical_features(rows, features=_references(view, features))
            found = job.to_df().sort_values(_NUMBER)  # they come in any order
            return [_row(features, values) for values in found.to_dict("records")]

        return _within(timeout, self._offline, read)

    def online(self, view: str, features: Sequence[str], keys: Sequence[Keys], *, timeout: float) -> list[Row]:
        """A row of these features of the view for each of `keys`, as the online store has them. Raises as above."""

        def read() -> list[Row]:
            answer = self._store.get_online_features(_references(view, features), [dict(row) for row in keys])
            found = answer.to_dict()
            return [_row(features, {name: found[name][n] for name in features}) for n in range(len(keys))]

        return _within(timeout, self._online, read)


def _within(timeout: float, lock: Lock, read: Callable[[], list[Row]]) -> list[Row]:
    """Feast has no deadlines: it would wait for a locked table without end. A read that is late is left to itself."""
    answer: Future[list[Row]] = Future()

    def run() -> None:
        with lock:
            try:
                answer.set_result(read())
            except Exception as error:
                answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return answer.result(timeout)
    except TimeoutError:
        raise NotReady(f"Feast did not answer within {timeout:g} seconds.") from None


def _references(view: str, features: Sequence[str]) -> list[str]:
    return [f"{view}:{feature}" for feature in features]


def configuration(
    env: Mapping[str, str],
    project: str,
    key_version: int,
    *,
    online: Mapping[str, Any] | None = None,
    materialization: Mapping[str, Any] | None = None,
) -> RepoConfig:
    """Feast's configuration with the environment's values, as feature_store.yaml has it.

    `online` are further options of the online store, `materialization` those of writing to it. Raises what importing
    Feast raises.
    """
    from feast import RepoConfig

    return RepoConfig(
        project=project,
        provider="local",
        registry={"path": env[feast_registry.PATH]},
        offline_store={
            "type": "postgres",
            "host": env["POSTGRES_HOST"],
            "port": int(env["POSTGRES_PORT"]),
            "database": env["POSTGRES_DB"],
            "db_schema": env.get("FEAST_DB_SCHEMA") or "public",
            "user": env["POSTGRES_USER"],
            "password": env["POSTGRES_PASSWORD"],
            "sslmode": "prefer",
        },
        online_store={"type": "redis", "connection_string": _redis(env), **(online or {})},
        entity_key_serialization_version=key_version,
        materialization=materialization or {},
    )


def misreads(password: str) -> bool:
    """Whether Feast takes another password out of `password=…` in the connection string of its configuration.

    It splits that at commas, and takes what is JSON for what it means: `1e5` for a number, `"x"` for x.
    """
    if "," in password:
        return True
    try:
        meant = json.loads(password)
    except ValueError:
        return False
    return isinstance(meant, bool) or not isinstance(meant, int | float) or str(meant) != password


def _redis(env: Mapping[str, str]) -> str:
    """Host, port and options. Feast splits them at commas and takes their values for JSON, a bare 123 for a number."""
    password = json.dumps(env.get("REDIS_PASSWORD") or "").replace(",", r"\u002c")
    options = [f"password={password}"] if env.get("REDIS_PASSWORD") else []
    return ",".join([f"{env['REDIS_HOST']}:{env['REDIS_PORT']}", *options])


def _row(features: Sequence[str], values: Mapping[str, Any]) -> Row:
    return {feature: _plain(values[feature]) for feature in features}


def _plain(value: Any) -> Any:
    """A value as Python has it; pandas writes NaN or NaT for what is not there, and they differ from themselves."""
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    return None if value != value else value


def not_installed(why: str) -> MmpError:
    """The error for a Python that has no Feast, or not all of it."""
    python = shlex.quote(sys.executable)
    return MmpError(
        f"Feast cannot be used in this Python: {why}.",
        repairs=[Repair(f"{python} -m pip install 'mmp-local-dev[features]'", "brings it with both stores")],
        code="FEAST_NOT_INSTALLED",
    )
