"""`python -m benchmarks`: take every figure, print one table, and write RESULTS.md."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import clients, commands, compose, contract, features, materialize, memory, start, verify
from benchmarks.dev import Bench, bench
from benchmarks.measure import Figure, MeasureFailed, Result, say
from benchmarks.table import document, table

RESULTS = Path(__file__).with_name("RESULTS.md")
LEAST_RUNS = 5

# name -> its figures, and the function that takes them. To add one: its module, and a line here.
MEASURES: Mapping[str, tuple[Sequence[Figure], Callable[[Bench, int], list[Result]]]] = {
    "start": (start.FIGURES, start.take),
    "commands": (commands.FIGURES, commands.take),
    "contract": (contract.FIGURES, contract.take),
    "features": (features.FIGURES, features.take),
    "materialize": (materialize.FIGURES, materialize.take),
    "verify": (verify.FIGURES, verify.take),
    "memory": (memory.FIGURES, memory.take),
    "clients": (clients.FIGURES, clients.take),
    "compose": (compose.FIGURES, compose.take),
}


def main() -> int:
    """Exit codes: 0 every limit is met, 1 one is missed, 3 something could not be measured, 130 interrupted."""
    given = _arguments()
    names = given.only or list(MEASURES)
    load = os.getloadavg()[0]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # takes everything down, as ^C does
    try:
        with bench() as folder:
            results = [result for name in names for result in _take(name, folder, given.runs)]
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    print(table(results))
    if given.only or given.runs < LEAST_RUNS:
        say(f"{RESULTS.name} stays as it is: only a whole run of at least {LEAST_RUNS} rounds writes it.")
    else:
        RESULTS.write_text(document(results, f"python -m benchmarks --runs {given.runs}", load), encoding="utf-8")
    if any(result.trouble and not result.trouble.startswith("skipped") for result in results):
        return 3
    return 1 if any(result.met is False for result in results) else 0


def _take(name: str, folder: Bench, runs: int) -> list[Result]:
    figures, take = MEASURES[name]
    say(f"{name}: {runs} rounds")
    try:
        return take(folder, runs)
    except MeasureFailed as error:
        return [Result(figure, trouble=f"not measured: {error}") for figure in figures]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, epilog=main.__doc__)
    parser.add_argument("--runs", type=_positive, default=LEAST_RUNS, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help=f"{', '.join(MEASURES)}")
    return parser.parse_args()


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
