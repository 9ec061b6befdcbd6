"""`python -m benchmarks`: take figures, print one table, and write their sections of RESULTS.md."""

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
from benchmarks.table import document, section, sections_of, table

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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # takes everything down, as ^C does
    results: list[Result] = []
    try:
        with bench() as folder:
            for name in given.only or MEASURES:
                load = os.getloadavg()[0]
                found = _take(name, folder, given.runs)
                results += found
                if given.runs >= LEAST_RUNS:
                    command = f"python -m benchmarks --only {name} --runs {given.runs}"
                    _write(name, section(name, found, command, load))
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        return 130
    print(table(results))
    if given.runs < LEAST_RUNS:
        say(f"{RESULTS.name} stays as it is: at least {LEAST_RUNS} rounds write it.")
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


def _write(name: str, text: str) -> None:
    """Put a section in its place in RESULTS.md; the others stay as they are."""
    there = sections_of(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    there[name] = text
    RESULTS.write_text(document({name: there[name] for name in MEASURES if name in there}), encoding="utf-8")


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
