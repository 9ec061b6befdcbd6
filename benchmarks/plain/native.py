"""MLflow without this project: the plain alternative, run by hand beside a stack's own PostgreSQL."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measure import LONGEST, MeasureFailed

MARKER = "MMP_BENCHMARK"  # in the environment of every process of a plain server, whoever its parent has become


@dataclass(frozen=True)
class Server:
    """A running server: the seconds from its start to the first 200 on /health, and how to find its processes."""

    port: int
    seconds: float
    mark: str


def bare(port: int) -> list[str]:
    """uvicorn with one worker on MLflow's application: nothing that serves MLflow can start faster."""
    listen = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    return [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", *listen]


def mlflow_server(port: int, environment: Mapping[str, str], *options: str) -> list[str]:
    """`mlflow server` on the database and the artifacts of that environment."""
    stores = (
        "--backend-store-uri",
        environment["MLFLOW_BACKEND_STORE_URI"],
        "--artifacts-destination",
        environment["MLFLOW_ARTIFACTS_DESTINATION"],
    )
    return [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *stores, *options]


def client_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What reaches the database, and no telemetry; the rest is left to `mlflow server`, as its users do."""
    passed = ("PATH", "LANG", "HOME", "PGPASSFILE", "PGSSLMODE", "MLFLOW_DISABLE_TELEMETRY")
    return {name: environment[name] for name in passed if name in environment}


@contextmanager
def serving(argv: Sequence[str], environment: Mapping[str, str], port: int, folder: Path) -> Iterator[Server]:
    """The server, from its first 200 on /health on; ended with all its processes afterwards."""
    mark, log = f"{folder.parent}/{port}/", folder / "plain.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            argv,
            env={**environment, MARKER: mark},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _await_health(process, port, log)
            yield Server(port, time.perf_counter() - began, mark)
        finally:
            started = marked(mark)
            leftovers = _job_folders(started)
            end(started)
            process.wait()
            for leftover in leftovers:
                shutil.rmtree(leftover, ignore_errors=True)


def marked(mark: str) -> list[psutil.Process]:
    """Every process whose mark begins so, children that outlived their parents included."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARKER, "").startswith(mark):
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process]) -> None:
    """Terminate them, wait, and kill what is left."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=15)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _job_folders(processes: Sequence[psutil.Process]) -> set[str]:
    """The folders of `mlflow server`'s job queue, which it makes in shared memory and never deletes."""
    found = set()
    for process in processes:
        with suppress(psutil.Error):
            found.add(process.environ().get("_MLFLOW_HUEY_STORAGE_PATH", ""))
    return found - {""}


def _await_health(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + LONGEST
    while not _healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            said = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-600:]
            raise MeasureFailed(f"the plain MLflow did not come up: {said}")
        time.sleep(0.02)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
