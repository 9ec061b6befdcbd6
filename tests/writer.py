"""Somebody who writes all the time, and remembers what was acknowledged: for the tests that kill servers meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import psycopg
import redis

from conftest import Dev


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def kept(dev: Dev) -> bool:
    return dev("check", code=None).returncode == 0


def connect(env: Mapping[str, str]) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the published user."""
    return psycopg.connect(
        host="127.0.0.1",
        port=env["POSTGRES_PORT"],
        user=env["POSTGRES_USER"],
        password=env["POSTGRES_PASSWORD"],
        dbname=env["POSTGRES_DB"],
        autocommit=True,
    )


class Writer:
    """Logs runs, rows and keys until stopped, and remembers what was acknowledged."""

    def __init__(self, dev: Dev) -> None:
        self.env = dev.env()
        self.runs: list[str] = []
        self.rows: list[int] = []
        self.keys: list[str] = []
        self._stop = threading.Event()
        with connect(self.env) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS written (n integer)")
        self._threads = [threading.Thread(target=self._write, args=(kind,)) for kind in ("run", "row", "key")]

    def __enter__(self) -> Writer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def missing(self) -> list[str]:
        """What was acknowledged and is not there."""
        with connect(self.env) as connection:
            there = {row[0] for row in connection.execute("SELECT n FROM written").fetchall()}
        client = redis.Redis(port=int(self.env["REDIS_PORT"]))
        lost = [f"row {n}" for n in self.rows if n not in there]
        lost += [f"key {key}" for key in self.keys if not client.exists(key)]
        return lost + [f"run {run}" for run in self.runs if self._call("GET", f"runs/get?run_id={run}") is None]

    def _write(self, kind: str) -> None:
        n = 0
        while not self._stop.is_set():
            n += 1
            try:
                getattr(self, f"_write_{kind}")(n)
            except (psycopg.Error, redis.RedisError, OSError):
                time.sleep(0.02)

    def _write_run(self, _n: int) -> None:
        answer = self._call("POST", "runs/create", {"experiment_id": "0"})
        if answer is not None:
            self.runs.append(answer["run"]["info"]["run_id"])

    def _write_row(self, n: int) -> None:
        with connect(self.env) as connection:
            connection.execute("INSERT INTO written VALUES (%s)", [n])
        self.rows.append(n)

    def _write_key(self, n: int) -> None:
        redis.Redis(port=int(self.env["REDIS_PORT"])).set(f"key-{n}", n)
        self.keys.append(f"key-{n}")

    def _call(self, method: str, path: str, body: object = None) -> dict[str, dict[str, dict[str, str]]] | None:
        import http.client
        import json

        connection = http.client.HTTPConnection("127.0.0.1", int(self.env["MLFLOW_PORT"]), timeout=10)
        try:
            connection.request(
                method,
                f"/api/2.0/mlflow/{path}",
                json.dumps(body) if body else None,
                {"Content-Type": "application/json"},
            )
            response = connection.getresponse()
            answer = response.read()
            return json.loads(answer) if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
