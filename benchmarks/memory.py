"""How much memory the running stack takes."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.dev import Bench, Dev, free_ports
from benchmarks.measure import Figure, Result, rounds
from benchmarks.plain import native as plain
from mmp_local_dev import processes

PLAIN = Figure(
    "memory of MLflow's default server + PostgreSQL + Redis",
    "",
    "MB",
    "`mlflow server` with its default workers and jobs on the stack's PostgreSQL; with it that PostgreSQL and Redis, "
    "without their supervisor.",
)
STACK = Figure(
    "memory of the running stack",
    "≤ 0.3 x the plain one",
    "MB",
    "PSS of the stack's processes and their children (supervisor included), summed over /proc/PID/smaps_rollup once "
    "it has settled, against the plain one of the same round.",
)
FIGURES = (PLAIN, STACK)


def take(bench: Bench, runs: int) -> list[Result]:
    """The plain alternative and the stack in turn, never both at once."""
    if sys.platform != "linux":
        return [Result(figure, trouble="skipped: PSS is Linux's") for figure in FIGURES]
    with bench.dev() as dev:
        dev("up")
        dev("down")
        values = rounds({"plain": lambda: _plain(dev), "stack": lambda: _stack(dev)}, runs)
    return [Result(PLAIN, values["plain"]), Result(STACK, values["stack"], [0.3 * each for each in values["plain"]])]


def _stack(dev: Dev) -> float:
    dev("up")
    megabytes = settled(lambda: processes.of_stack(dev.stack_id))
    dev("down")
    return megabytes


def _plain(dev: Dev) -> float:
    dev("up", "postgresql", "redis")
    environment = dev.server_environment
    (port,) = free_ports(1)
    argv = plain.mlflow_server(port, environment)
    with plain.serving(argv, plain.client_environment(environment), port, dev.root) as server:
        megabytes = settled(lambda: [*plain.marked(server.mark), *_servers(dev)])
    dev("down")
    return megabytes


def _servers(dev: Dev) -> list[psutil.Process]:
    """The stack's servers without their supervisor, which the plain alternative does not have."""
    everything = processes.of_stack(dev.stack_id)
    return [process for process in everything if "supervisor.supervisord" not in process.cmdline()]


def settled(find: Callable[[], Iterable[psutil.Process]], *, longest: float = 60) -> float:
    """The processes' memory in MB once it has changed by less than 1 % for five seconds."""
    deadline = time.monotonic() + longest
    before, now = 0.0, pss(find())
    while abs(now - before) > 0.01 * now and time.monotonic() < deadline:
        time.sleep(5)
        before, now = now, pss(find())
    return now


def pss(roots: Iterable[psutil.Process]) -> float:
    """The proportional set size of the processes and all their children, each counted once, in MB."""
    pids: set[int] = set()
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            pids |= {root.pid, *(child.pid for child in root.children(recursive=True))}
    return sum(_pss(pid) for pid in pids) / 1e6


def _pss(pid: int) -> int:
    """In bytes; 0 for a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^Pss: +(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
