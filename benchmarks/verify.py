"""How long the proof takes that both stores hold the same, of ten million values that real Feast has stored."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import islice
from time import perf_counter
from typing import Any

from benchmarks.dev import MMP_DEV, Bench, Dev
from benchmarks.measure import LONGEST, Figure, MeasureFailed, Result, rounds
from mmp_local_dev.operations.opened import contract_of, published
from mmp_local_dev.services import postgresql
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

ROWS, USERS = 1_200_000, 600_000
VIEWS = ("user_demographics", "user_transaction_stats")
BATCH = 1000  # rows, or hashes
MOST_MEMORY = 300  # MB
SLOWEST = 8.0  # times the plain reading

PLAIN = Figure(
    "reading the same rows of both stores, compared with nothing",
    "",
    "s",
    "`SELECT DISTINCT ON` of both views by psycopg, and HGETALL of all hashes by redis-py, 1,000 at a time.",
)
VERIFY = Figure(
    "`features verify --all`",
    f"≤ {SLOWEST:g} x plain reading",
    "s",
    f"`features seed --rows {ROWS} --users {USERS}`, materialized by Feast; both views of the users, to the command's "
    "end, with Feast's import for the point-in-time joins.",
)
MEMORY = Figure(
    "peak memory of `features verify --all`", f"≤ {MOST_MEMORY} MB", "MB", "The largest resident set of that command."
)
CELLS = Figure("values compared", "≥ 10,000,000", "values", "As the command counts them.", at_least=True)
DIFFERENT = Figure("rows that differ", "0", "rows", "Of all that were compared, as the command counts them.")
FIGURES = (PLAIN, VERIFY, MEMORY, CELLS, DIFFERENT)

_PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def take(bench: Bench, runs: int) -> list[Result]:
    """Plain reading and the command in turn, on one data set."""
    with bench.dev() as dev:
        dev("up", "postgresql", "redis")
        dev("features", "seed", "--rows", str(ROWS), "--users", str(USERS), "--yes")
        for view in VIEWS:
            dev("features", "materialize", view)
        verify = _Verify(dev)
        values = rounds({"plain": lambda: _read_plainly(_published(dev)), "verify": verify}, runs)
    return [
        Result(PLAIN, values["plain"]),
        Result(VERIFY, values["verify"], [SLOWEST * seconds for seconds in values["plain"]]),
        Result(MEMORY, verify.peaks, [MOST_MEMORY] * runs),
        Result(CELLS, verify.cells, [10_000_000] * runs),
        Result(DIFFERENT, verify.different, [0] * runs),
    ]


class _Verify:
    """The command; each call gives its seconds, and notes its peak memory in MB and what it has counted."""

    def __init__(self, dev: Dev) -> None:
        self._dev = dev
        self.peaks: list[float] = []
        self.cells: list[float] = []
        self.different: list[float] = []

    def __call__(self) -> float:
        command = [MMP_DEV, "features", "verify", "--all", "--json", *VIEWS]
        began = perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, *command],
            env=self._dev.environment,
            cwd=self._dev.root,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        seconds = perf_counter() - began
        if done.returncode not in (0, 1):
            raise MeasureFailed(f"`features verify` ended with exit code {done.returncode}: {done.stderr[-600:]}")
        self.peaks.append(int(done.stderr.splitlines()[-1]) / (1e6 if sys.platform == "darwin" else 1e3))
        self._count(json.loads(done.stdout)["data"]["findings"])
        return seconds

    def _count(self, findings: list[dict[str, Any]]) -> None:
        told = [each for each in findings if each["clause"].startswith("online.consistent[")]
        self.cells.append(sum(_first_number(r"([\d,]+) cells", each["actual"]) for each in told))
        self.different.append(sum(_first_number(r"([\d,]+) of [\d,]+ row", each["message"]) for each in told))


def _first_number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found else 0


def _published(dev: Dev) -> Mapping[str, str]:
    stack = Workspace(dev.root).stack(DEFAULT_STACK)
    return published(stack, contract_of(stack))


def _read_plainly(env: Mapping[str, str]) -> float:
    from psycopg.sql import SQL, Identifier

    latest = SQL("SELECT DISTINCT ON (user_id) * FROM {} ORDER BY user_id, event_timestamp DESC")
    began = perf_counter()
    with postgresql.connect(env, timeout=10) as connection, connection.transaction():
        for view in VIEWS:
            with connection.cursor("rows") as cursor:
                cursor.execute(latest.format(Identifier(env["FEAST_DB_SCHEMA"], view)))
                while cursor.fetchmany(BATCH):
                    pass
    _read_redis(env)
    return perf_counter() - began


def _read_redis(env: Mapping[str, str]) -> None:
    from redis import Redis

    client = Redis(port=int(env["REDIS_PORT"]), password=env.get("REDIS_PASSWORD") or None)
    names = client.scan_iter(count=BATCH, _type="hash")
    while batch := list(islice(names, BATCH)):
        pipeline = client.pipeline(transaction=False)
        for name in batch:
            pipeline.hgetall(name)
        pipeline.execute()
