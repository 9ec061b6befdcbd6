"""What is measured, and how: whole processes, in rounds, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LONGEST = 600  # seconds that any one command may take, the build of an image included


class MeasureFailed(Exception):
    """A figure could not be taken; the message says why."""


@dataclass(frozen=True)
class Figure:
    """One row of the table: what is measured, what it must reach ("" for a plain alternative), and how it is taken."""

    name: str
    reach: str
    unit: str
    how: str
    at_least: bool = False


@dataclass(frozen=True)
class Result:
    """A figure's values, one a round, and what each had to reach in its round. `trouble` says why there are none."""

    figure: Figure
    values: Sequence[float] = ()
    limits: Sequence[float] = ()
    trouble: str = ""

    @property
    def shares(self) -> list[float]:
        """Each value as a share of its round's limit; none where the limit is nought."""
        return [value / limit for value, limit in zip(self.values, self.limits, strict=False) if limit]

    @property
    def met(self) -> bool | None:
        """Whether the median reaches its limit; None for a plain alternative and where nothing was measured."""
        if not self.values or not self.limits:
            return None
        if not self.shares:
            return max(self.values) <= max(self.limits)
        share = statistics.median(self.shares)
        return share >= 1 if self.figure.at_least else share <= 1


def say(text: str) -> None:
    """Tell the person who waits what is going on."""
    print(text, file=sys.stderr, flush=True)


def rounds(steps: Mapping[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Take each figure once a round, `count` rounds: the values of each step, in the rounds' order."""
    values: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(1, count + 1):
        for name, step in steps.items():
            values[name].append(step())
            say(f"  {number}/{count} {name}: {values[name][-1]:.3f}")
    return values


def timed(argv: Sequence[str], environment: Mapping[str, str], folder: Path) -> float:
    """The seconds from a command's start to its end. Raises MeasureFailed unless it ends well.

    It gets a session of its own: ^C reaches this program alone, which then ends the command with all that it started.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        argv,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=LONGEST)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise MeasureFailed(f"`{_short(argv)}` did not end within {LONGEST} seconds") from None
            raise
    seconds = time.perf_counter() - began
    if process.returncode:
        raise MeasureFailed(f"`{_short(argv)}` ended with exit code {process.returncode}: {_tail(output)}")
    return seconds


def _short(argv: Sequence[str]) -> str:
    return " ".join([Path(argv[0]).name, *argv[1:]])


def _tail(output: str) -> str:
    return " ".join(output.split())[-600:]
