"""How MLflow holds up under many clients that log at once."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any
from uuid import uuid4

from benchmarks.dev import Bench, free_ports
from benchmarks.measure import Figure, MeasureFailed, Result, rounds
from benchmarks.plain import native as plain

CLIENTS, RUNS_EACH = 32, 3
_METRICS = [{"key": f"metric-{n}", "value": n / 7, "step": 0, "timestamp": 1_700_000_000_000} for n in range(5)]
_PARAMS = [{"key": f"param-{n}", "value": str(n)} for n in range(5)]

PLAIN = Figure(
    f"`mlflow server --workers 1`, {CLIENTS} clients logging at once",
    "",
    "runs/s",
    "Jobs off, on the stack's own PostgreSQL, beside the stack's MLflow, which is idle meanwhile.",
)
STACK = Figure(
    f"the stack's MLflow, {CLIENTS} clients logging at once",
    "≥ 0.9 x the plain one",
    "runs/s",
    f"{CLIENTS} threads with one connection each log {RUNS_EACH} runs each, a run being `runs/create` and one "
    f"`log-batch` of {len(_METRICS)} metrics and {len(_PARAMS)} params; runs acknowledged per second, against the "
    "plain one of the same round.",
    at_least=True,
)
LOST = Figure(
    "acknowledged runs that are lost",
    "0",
    "",
    "Afterwards `runs/search` must give every acknowledged run with all its metrics and params; both servers, all "
    "rounds together.",
)
PLAIN_REFUSED = Figure(
    "runs that `mlflow server` refused",
    "",
    "",
    "Runs that one of the two calls answered with anything but 200, in all rounds together. The client goes on with "
    "its next run; they do not count in the throughput.",
)
STACK_REFUSED = Figure("runs that the stack's MLflow refused", "", "", "The same.")
FIGURES = (PLAIN, STACK, LOST, PLAIN_REFUSED, STACK_REFUSED)


def take(bench: Bench, runs: int) -> list[Result]:
    """Both servers run at once, and are loaded in turn; an uncounted small load before."""
    with bench.dev() as dev:
        dev("up")
        environment = dev.server_environment
        (port,) = free_ports(1)
        argv = plain.mlflow_server(port, environment, "--workers", "1")
        off = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with plain.serving(argv, plain.client_environment(environment) | off, port, dev.root):
            loads = {"plain": Load(port), "stack": Load(int(dev.ports["MLFLOW_PORT"]))}
            for load in loads.values():
                load.take(runs_each=1)
            values = rounds({name: load.take for name, load in loads.items()}, runs)
    return [
        Result(PLAIN, values["plain"]),
        Result(STACK, values["stack"], [0.9 * each for each in values["plain"]]),
        Result(LOST, [sum(load.lost for load in loads.values())], [0]),
        Result(PLAIN_REFUSED, [loads["plain"].refused]),
        Result(STACK_REFUSED, [loads["stack"].refused]),
    ]


class Refused(Exception):
    """MLflow answered with anything but 200."""


@dataclass
class Load:
    """Many clients on one server. `lost` counts the acknowledged runs that were not whole afterwards."""

    port: int
    lost: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)

    def take(self, runs_each: int = RUNS_EACH) -> float:
        """Log runs from all clients at once; how many a second were acknowledged. Raises MeasureFailed."""
        try:
            with self._api() as api:
                experiment = api.post("experiments/create", {"name": uuid4().hex})["experiment_id"]
            acknowledged, seconds = self._logged(experiment, runs_each)
            self.lost += len(acknowledged - self._whole(experiment))
        except (OSError, http.client.HTTPException, Refused) as error:
            raise MeasureFailed(f"MLflow did not hold up: {error!r}") from None
        self.refused += CLIENTS * runs_each - len(acknowledged)
        return len(acknowledged) / seconds

    def _logged(self, experiment: str, runs_each: int) -> tuple[set[str], float]:
        """The acknowledged runs, and the seconds from when all clients were ready until the last was done."""
        start = Barrier(CLIENTS + 1)
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self._client, experiment, runs_each, start) for _ in range(CLIENTS)]
            start.wait()
            began = time.perf_counter()
            acknowledged = {run for client in clients for run in client.result()}
        return acknowledged, time.perf_counter() - began

    def _client(self, experiment: str, runs: int, start: Barrier) -> list[str]:
        acknowledged = []
        with self._api() as api:
            start.wait()
            for _ in range(runs):
                with suppress(Refused):
                    acknowledged.append(_log_run(api, experiment))
        return acknowledged

    def _whole(self, experiment: str) -> set[str]:
        """The runs that are there with everything that was logged to them."""
        found, page = set(), ""
        with self._api() as api:
            while True:
                query = {"experiment_ids": [experiment], "max_results": 1000, "page_token": page}
                answer = api.post("runs/search", query)
                for run in answer.get("runs", []):
                    data = run["data"]
                    if (len(data.get("metrics", [])), len(data.get("params", []))) == (len(_METRICS), len(_PARAMS)):
                        found.add(run["info"]["run_id"])
                page = answer.get("next_page_token", "")
                if not page:
                    return found

    @contextmanager
    def _api(self) -> Iterator[Api]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            yield Api(connection)
        finally:
            connection.close()


@dataclass(frozen=True)
class Api:
    """MLflow's REST interface over one connection that stays open."""

    connection: http.client.HTTPConnection

    def post(self, path: str, body: object) -> dict[str, Any]:
        """The answer to one call. Raises Refused."""
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", f"/api/2.0/mlflow/{path}", json.dumps(body), headers)
        response = self.connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise Refused(f"{path}: {response.status}: {content[:300].decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(content)
        return answer


def _log_run(api: Api, experiment: str) -> str:
    start = {"experiment_id": experiment, "start_time": int(time.time() * 1000)}
    run = str(api.post("runs/create", start)["run"]["info"]["run_id"])
    api.post("runs/log-batch", {"run_id": run, "metrics": _METRICS, "params": _PARAMS})
    return run
