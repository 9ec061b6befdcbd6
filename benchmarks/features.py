"""How long it takes to fill the feature tables, against PostgreSQL alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.dev import MMP_DEV, Bench, Dev
from benchmarks.measure import Figure, Result, rounds, timed
from mmp_local_dev.features.data_set import TABLES
from mmp_local_dev.operations.opened import contract_of, published
from mmp_local_dev.services import postgresql
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

ROWS = 1_000_000
LEAST = 0.5  # of raw COPY's throughput
MOST_MEMORY = 500  # MB

RAW = Figure(
    f"raw `COPY` of what {ROWS:,} transactions make",
    "",
    "s",
    "All rows of the five feature tables, from CSV files written before, into tables with the same keys and indexes.",
)
SEED = Figure(
    f"`features seed`, {ROWS:,} transactions",
    f"≤ raw `COPY` / {LEAST}",
    "s",
    f"`mmp-dev features seed --rows {ROWS}` to its end: transactions made up, statistics derived, keys and indexes "
    "built, the old tables replaced; against raw `COPY` of the same rows in the same round.",
)
MEMORY = Figure(
    "peak memory of `features seed`", f"≤ {MOST_MEMORY} MB", "MB", "The largest resident set of that command."
)
FIGURES = (RAW, SEED, MEMORY)

_PEAK = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def take(bench: Bench, runs: int) -> list[Result]:
    """Both in turn; the first seed, of which the files are made, is not counted."""
    with bench.dev() as dev:
        dev("up", "postgresql")
        seed = _Seed(dev)
        seed()
        seed.peaks.clear()
        values = rounds({"raw": _raw(dev), "seed": seed}, runs)
    return [
        Result(RAW, values["raw"]),
        Result(SEED, values["seed"], [seconds / LEAST for seconds in values["raw"]]),
        Result(MEMORY, seed.peaks, [MOST_MEMORY] * runs),
    ]


class _Seed:
    """The command; each call gives its seconds, and notes its peak memory in MB."""

    def __init__(self, dev: Dev) -> None:
        self._dev = dev
        self._file = dev.root / "peak"
        self.peaks: list[float] = []

    def __call__(self) -> float:
        command = [MMP_DEV, "features", "seed", "--rows", str(ROWS)]
        argv = [sys.executable, "-c", _PEAK, str(self._file), *command]
        seconds = timed(argv, self._dev.environment, self._dev.root)
        unit = 1e6 if sys.platform == "darwin" else 1e3
        self.peaks.append(int(self._file.read_text(encoding="ascii")) / unit)
        return seconds


def _raw(dev: Dev) -> Callable[[], float]:
    """Into copies of the tables, emptied before each call; returns its seconds."""
    with _connected(dev) as connection:
        connection.execute("CREATE SCHEMA raw")
        for table in TABLES:
            connection.execute(f"CREATE TABLE raw.{table} (LIKE features.{table} INCLUDING ALL)".encode())
            _export(connection, table, _file(dev, table))

    def run() -> float:
        with _connected(dev) as connection:
            connection.execute(f"TRUNCATE {', '.join(f'raw.{table}' for table in TABLES)}".encode())
            began = perf_counter()
            for table in TABLES:
                _copy(connection, table, _file(dev, table))
            return perf_counter() - began

    return run


def _export(connection: Connection, table: str, path: Path) -> None:
    query = f"COPY features.{table} TO STDOUT (FORMAT csv)".encode()
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            file.write(block)


def _copy(connection: Connection, table: str, path: Path) -> None:
    query = f"COPY raw.{table} FROM STDIN (FORMAT csv)".encode()
    with path.open("rb") as file, connection.cursor() as cursor, cursor.copy(query) as copy:
        while block := file.read(2**18):
            copy.write(block)


def _file(dev: Dev, table: str) -> Path:
    return dev.root / f"{table}.csv"


@contextmanager
def _connected(dev: Dev) -> Iterator[Connection]:
    stack = Workspace(dev.root).stack(DEFAULT_STACK)
    with postgresql.connect(published(stack, contract_of(stack)), timeout=10) as connection:
        yield connection
