"""How long it takes until everything is up."""

from __future__ import annotations

from benchmarks.dev import Bench, Dev
from benchmarks.measure import Figure, Result, rounds
from benchmarks.plain import native as plain

BARE = Figure(
    "F: bare MLflow until it answers",
    "",
    "s",
    "From the process's start to the first 200 on /health: uvicorn, one worker, on MLflow's application, with the "
    "variables that the stack gives its own server (jobs and telemetry off); PostgreSQL runs, with MLflow's database.",
)
AGAIN = Figure(
    "native `up`, stack stopped, data there",
    "≤ 1.25 F + 0.5 s",
    "s",
    "`mmp-dev up` after `mmp-dev down`, to its end; the contract is verified within. F is the same round's.",
)
FIRST = Figure(
    "native `up`, first time in a new workspace",
    "≤ 2 F + 1 s",
    "s",
    "`mmp-dev up` after `mmp-dev init` in a new folder with a new HOME, to its end; the package is installed with "
    "its bytecode. F is the same round's.",
)
FIGURES = (BARE, AGAIN, FIRST)


def take(bench: Bench, runs: int) -> list[Result]:
    """F, `up`, first `up`, F, `up`, first `up`, …; a first, uncounted `up` fills the main workspace."""
    with bench.dev() as dev:
        dev("up")
        dev("down")
        steps = {"F": lambda: _bare(dev), "up": lambda: _again(dev), "first up": lambda: _first(bench)}
        values = rounds(steps, runs)
    floor = values["F"]
    return [
        Result(BARE, floor),
        Result(AGAIN, values["up"], [1.25 * each + 0.5 for each in floor]),
        Result(FIRST, values["first up"], [2 * each + 1 for each in floor]),
    ]


def _bare(dev: Dev) -> float:
    dev("up", "postgresql")
    port = int(dev.ports["MLFLOW_PORT"])
    with plain.serving(plain.bare(port), dev.server_environment, port, dev.root) as server:
        seconds = server.seconds
    dev("down")
    return seconds


def _again(dev: Dev) -> float:
    seconds = dev("up")
    dev("down")
    return seconds


def _first(bench: Bench) -> float:
    with bench.dev() as new:
        return new("up")
