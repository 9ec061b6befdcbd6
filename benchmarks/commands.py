"""How long the commands take on a stack that runs."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.dev import Bench
from benchmarks.measure import Figure, Result, rounds, timed

UP = Figure("`up` when everything already runs", "≤ 1 s", "s", "`mmp-dev up` on a running stack.")
CHECK = Figure("`check`, live", "≤ 1 s", "s", "`mmp-dev check` on a running stack, every clause of the contract.")
STATUS = Figure("`status`", "≤ 0.5 s", "s", "`mmp-dev status` on a running stack.")
CLICK = Figure("`python -c 'import click'`", "", "s", "The same Python, with the same environment.")
HELP = Figure(
    "`--help`", "≤ 2 x import click + 0.1 s", "s", "`mmp-dev --help`, against `import click` of the same round."
)
FIGURES = (UP, CHECK, STATUS, CLICK, HELP)
MORE = 3  # these take so little time that more of them are run


def take(bench: Bench, runs: int) -> list[Result]:
    """The five commands in turn; an uncounted round before."""
    with bench.dev() as dev:
        dev("up")
        steps: dict[str, Callable[[], float]] = {
            "up": lambda: dev("up"),
            "check": lambda: dev("check"),
            "status": lambda: dev("status"),
            "import click": lambda: timed([sys.executable, "-c", "import click"], dev.environment, dev.root),
            "help": lambda: dev("--help"),
        }
        for step in steps.values():
            step()
        values = rounds(steps, MORE * runs)
    each = MORE * runs
    return [
        Result(UP, values["up"], [1.0] * each),
        Result(CHECK, values["check"], [1.0] * each),
        Result(STATUS, values["status"], [0.5] * each),
        Result(CLICK, values["import click"]),
        Result(HELP, values["help"], [2 * seconds + 0.1 for seconds in values["import click"]]),
    ]
