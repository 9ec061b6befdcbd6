"""Crashes at every place: afterwards everything acknowledged is there, and the next command finds its way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
import redis

from conftest import Dev

pytestmark = pytest.mark.needs("native")


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def kept(dev: Dev) -> bool:
    return dev("check", code=None).returncode == 0


class Writer:
    """Logs runs, rows and keys until stopped, and remembers what was acknowledged."""

    def __init__(self, dev: Dev) -> None:
        self.env = dev.env()
        self.runs: list[str] = []
        self.rows: list[int] = []
        self.keys: list[str] = []
        self._stop = threading.Event()
        with self.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS written (n integer)")
        self._threads = [threading.Thread(target=self._write, args=(kind,)) for kind in ("run", "row", "key")]

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.env["POSTGRES_PORT"],
            user=self.env["POSTGRES_USER"],
            password=self.env["POSTGRES_PASSWORD"],
            dbname=self.env["POSTGRES_DB"],
            autocommit=True,
        )

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
        with self.connect() as connection:
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
        with self.connect() as connection:
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


def test_each_server_comes_back_after_sigkill_and_nothing_acknowledged_is_missing(dev: Dev) -> None:
    dev("up")
    with Writer(dev) as writer:
        for name in ("postgresql", "redis", "mlflow"):
            time.sleep(1)
            os.kill(dev.pids()[name], signal.SIGKILL)
            assert eventually(lambda: kept(dev)), f"{name} did not come back"
        time.sleep(1)
    assert len(writer.runs) > 5
    assert len(writer.rows) > 5
    assert len(writer.keys) > 5
    assert writer.missing() == []


def test_everything_killed_at_once(dev: Dev) -> None:
    dev("up")
    with Writer(dev) as writer:
        time.sleep(2)
        pids = dev.pids()
        for name in ("supervisor", "mlflow", "redis", "postgresql"):
            os.kill(pids[name], signal.SIGKILL)
        dev("up")
        time.sleep(1)
    assert writer.missing() == []


def test_the_supervisor_killed_alone(dev: Dev) -> None:
    dev("up")
    before = dev.pids()
    with Writer(dev) as writer:
        os.kill(before["supervisor"], signal.SIGKILL)
        time.sleep(1)
        dev("up")
    assert writer.missing() == []
    assert dev.pids().keys() == before.keys()
    os.kill(dev.pids()["supervisor"], signal.SIGKILL)
    dev("down")
    assert dev.pids() == {}


@pytest.mark.parametrize("seconds", [0.4, 0.9, 1.4, 2.0, 3.0])
def test_up_killed_at_any_moment(dev: Dev, seconds: float) -> None:
    process = dev.begin("up")
    time.sleep(seconds)
    process.kill()
    process.communicate()
    dev("up")
    assert kept(dev)


def test_up_interrupted_stops_what_it_started(dev: Dev) -> None:
    process = dev.begin("up")
    assert eventually(lambda: (dev.root / ".env").exists() and "mlflow" in dev.pids())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in output
    assert not {"postgresql", "redis", "mlflow"} & dev.pids().keys()
    dev("up")


def test_two_ups_at_once(dev: Dev) -> None:
    first, second = dev.begin("up"), dev.begin("up")
    outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert any("Another mmp-dev command" in output for output in outputs)
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len([line for line in listed if "supervisord" in line and dev.env()["MMP_STACK_ID"] in line]) == 1


def test_a_stale_postmaster_pid_of_somebody_elses_process(dev: Dev) -> None:
    dev("up")
    data = dev.root / ".mmp-dev/stacks/default/postgresql/data"
    pid_file = (data / "postmaster.pid").read_text()
    dev("down")
    (data / "postmaster.pid").write_text(pid_file.replace(pid_file.split()[0], str(os.getpid()), 1))
    dev("up")


def test_a_service_that_cannot_start_is_shown_with_its_log(dev: Dev) -> None:
    dev("up")
    dev("down")
    broken = dev.root / ".mmp-dev/stacks/default/postgresql/data/postgresql.conf"
    broken.write_text("no_such_parameter = 1\n")
    error = dev.json("up", code=3)["error"]
    assert error["code"] == "SERVICE_NOT_READY"
    assert "no_such_parameter" in error["detail"]
    assert error["actions"]
    assert not {"postgresql", "redis", "mlflow"} & dev.pids().keys()


def test_lost_secrets_are_made_anew(dev: Dev) -> None:
    dev("up", "postgresql")
    dev("down")
    shutil.rmtree(dev.root / ".mmp-dev/stacks/default/secrets")
    dev("up")


def test_down_finds_what_runs_after_its_folder_was_deleted(dev: Dev) -> None:
    dev("up", "redis")
    shutil.rmtree(dev.root / ".mmp-dev")
    assert "redis" in dev.pids()
    dev("down")
    assert dev.pids() == {}


def test_down_works_without_contract_and_env(dev: Dev) -> None:
    dev("up")
    (dev.root / "dev-contract.yml").write_text("version: [")
    shutil.move(dev.root / ".env", dev.root / "env")
    dev("down")
    shutil.move(dev.root / "env", dev.root / ".env")
    assert dev.pids() == {}
