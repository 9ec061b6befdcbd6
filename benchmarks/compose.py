"""The stack on Docker Compose against the compose file that everybody would write."""

from __future__ import annotations

from contextlib import AbstractContextManager

from benchmarks import project
from benchmarks.commands import MORE
from benchmarks.dev import Bench, Dev
from benchmarks.measure import Figure, Result, rounds
from benchmarks.memory import settled
from benchmarks.plain.compose import PlainStack, plain_stack

PLAIN_FIRST = Figure(
    "plain compose file, first `up -d --wait`",
    "",
    "s",
    "`docker compose up` on `benchmarks/plain/docker-compose.yml` with new volumes, its image built: the same "
    "PostgreSQL and Redis, `mlflow server` with its default workers and jobs, a health check every 10 s, each service "
    "waiting for those it needs.",
)
FIRST = Figure(
    "compose `up`, first time in a new workspace",
    "≤ 0.5 x the plain one",
    "s",
    "`mmp-dev up` on Compose after `mmp-dev init` in a new folder with a new HOME, to its end; the image is built, "
    "the contract is verified within. Against the plain one of the same round.",
)
PLAIN_AGAIN = Figure(
    "plain compose file, `up -d --wait`, stopped, data there",
    "",
    "s",
    "The same file after `docker compose down`.",
)
AGAIN = Figure(
    "compose `up`, stack stopped, data there",
    "≤ 0.5 x the plain one",
    "s",
    "`mmp-dev up` after `mmp-dev down`, against the plain one of the same round.",
)
RUNNING = Figure(
    "compose `up` when everything already runs", "≤ 1 s", "s", "`mmp-dev up` on a stack that runs on Compose."
)
PLAIN_MEMORY = Figure(
    "memory of the plain compose file's containers",
    "",
    "MB",
    "PSS of the first process of each container and all its children, summed over /proc/PID/smaps_rollup once it has "
    "settled. Health checks, docker-proxy and containerd-shim are not in it.",
)
MEMORY = Figure(
    "memory of the stack's containers",
    "≤ 0.3 x the plain one",
    "MB",
    "The same of the stack on Compose, against the plain one of the same round.",
)
STARTS = (PLAIN_FIRST, FIRST, PLAIN_AGAIN, AGAIN)
MEMORIES = (PLAIN_MEMORY, MEMORY)
FIGURES = (*STARTS, RUNNING, *MEMORIES)

Stack = Dev | PlainStack


def take(bench: Bench, runs: int) -> list[Result]:
    """The plain file and the stack in turn, never both at once; uncounted, each is up once before."""
    if not project.versions():
        return _skipped(FIGURES, "no Docker engine")
    with plain_stack(bench) as plain, bench.dev("compose") as dev:
        plain("build")
        for stack in (plain, dev):
            _again(stack)
        return [*_starts(bench, plain, dev, runs), _running(dev, runs), *_memories(plain, dev, runs)]


def _starts(bench: Bench, plain: PlainStack, dev: Dev, runs: int) -> list[Result]:
    steps = {
        "plain first up": lambda: _first(plain_stack(bench)),
        "first up": lambda: _first(bench.dev("compose")),
        "plain up": lambda: _again(plain),
        "up": lambda: _again(dev),
    }
    values = rounds(steps, runs)
    return [
        Result(PLAIN_FIRST, values["plain first up"]),
        Result(FIRST, values["first up"], [0.5 * each for each in values["plain first up"]]),
        Result(PLAIN_AGAIN, values["plain up"]),
        Result(AGAIN, values["up"], [0.5 * each for each in values["plain up"]]),
    ]


def _first(new: AbstractContextManager[Stack]) -> float:
    with new as stack:
        return stack("up")


def _again(stack: Stack) -> float:
    seconds = stack("up")
    stack("down")
    return seconds


def _running(dev: Dev, runs: int) -> Result:
    dev("up")
    values = rounds({"up, running": lambda: dev("up")}, MORE * runs)["up, running"]
    dev("down")
    return Result(RUNNING, values, [1.0] * len(values))


def _memories(plain: PlainStack, dev: Dev, runs: int) -> list[Result]:
    if not project.shows_memory():
        return _skipped(MEMORIES, "only root on the engine's own Linux reads it")
    values = rounds({"plain": lambda: _memory(plain), "stack": lambda: _memory(dev)}, runs)
    return [
        Result(PLAIN_MEMORY, values["plain"]),
        Result(MEMORY, values["stack"], [0.3 * each for each in values["plain"]]),
    ]


def _memory(stack: Stack) -> float:
    stack("up")
    megabytes = settled(stack.project.processes)
    stack("down")
    return megabytes


def _skipped(figures: tuple[Figure, ...], why: str) -> list[Result]:
    return [Result(figure, trouble=f"skipped: {why}") for figure in figures]
