"""How long the contract takes: against files, against another contract, and in the tests of a consumer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.dev import Bench, Dev
from benchmarks.measure import Figure, Result, rounds, timed

START = Figure("`check --help`", "", "s", "The command without the check.")
STATIC = Figure(
    "`check --static`",
    "≤ start-up + 0.3 s",
    "s",
    "`mmp-dev check --static` on tests/static_sample (tables, features, SQL, Compose), against `check --help` of the "
    "same round.",
)
DIFF = Figure(
    "`contract diff`, 2,000 clauses",
    "≤ 1 s",
    "s",
    "`mmp-dev contract diff` of two contracts with 250 tables of 8 columns, every tenth column of another type; both "
    "are loaded within.",
)
BARE = Figure("`pytest`, no test, without the plugin", "", "s", "`pytest -p no:mmp` in an empty folder.")
IDLE = Figure(
    "`pytest`, no test, with the plugin installed",
    "≤ without it + 0.015 s",
    "s",
    "`pytest` in an empty folder, against `-p no:mmp` of the same round.",
)
SANDBOX = Figure(
    "`mmp_sandbox`, per test",
    "≤ 0.1 s",
    "s",
    "`pytest` of 40 tests with a sandbox each, less `pytest` of the same tests without, by 40: a database, a Redis "
    "prefix and an MLflow experiment made and removed.",
)
FIGURES = (START, STATIC, DIFF, BARE, IDLE, SANDBOX)

MORE = 3  # these take so little time that more of them are run
TESTS = 40
SAMPLE = Path(__file__).parents[1] / "tests" / "static_sample"


def take(bench: Bench, runs: int) -> list[Result]:
    """All in turn; an uncounted round before."""
    with bench.dev() as dev:
        dev("up")
        old, new = _write_contracts(dev.root)
        sample, empty = _folders(dev.root)
        in_sample = Dev(sample, {}, "native")
        steps: dict[str, Callable[[], float]] = {
            "help": lambda: in_sample("check", "--help"),
            "static": lambda: in_sample("check", "--static"),
            "diff": lambda: _allowing_one(dev, "contract", "diff", new, "--against", old),
            "pytest, without": lambda: _pytest(dev, empty, "-p", "no:mmp"),
            "pytest, idle": lambda: _pytest(dev, empty),
            "sandbox": lambda: _sandbox(dev),
        }
        for step in steps.values():
            step()
        values = rounds(steps, MORE * runs)
    each = MORE * runs
    return [
        Result(START, values["help"]),
        Result(STATIC, values["static"], [seconds + 0.3 for seconds in values["help"]]),
        Result(DIFF, values["diff"], [1.0] * each),
        Result(BARE, values["pytest, without"]),
        Result(IDLE, values["pytest, idle"], [seconds + 0.015 for seconds in values["pytest, without"]]),
        Result(SANDBOX, values["sandbox"], [0.1] * each),
    ]


def _folders(root: Path) -> tuple[Path, Path]:
    """A workspace with files of every kind, and a folder without any."""
    sample, empty = root / "sample", root / "empty"
    shutil.copytree(SAMPLE, sample)
    (sample / "env").rename(sample / ".env")
    empty.mkdir()
    (empty / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # nothing above it counts
    return sample, empty


def _write_contracts(root: Path) -> tuple[str, str]:
    text = (root / "dev-contract.yml").read_text(encoding="utf-8")
    paths = []
    for name, every_tenth in (("old.yml", "integer"), ("new.yml", "bigint")):
        paths.append(str(root / name))
        Path(paths[-1]).write_text(text + "\n".join(["", "schema:", *_tables(every_tenth)]) + "\n", encoding="utf-8")
    return paths[0], paths[1]


def _tables(every_tenth: str) -> Iterator[str]:
    for table in range(250):
        yield f"  - name: table_{table}"
        yield f"    physicalName: features.table_{table}"
        yield "    properties:"
        for column in range(8):
            kind = every_tenth if (table * 8 + column) % 10 == 0 else "integer"
            yield f"      - {{name: column_{column}, physicalType: {kind}}}"


def _allowing_one(dev: Dev, *arguments: str) -> float:
    """A command whose answer is no, exit code 1, timed with the shell that forgives it."""
    command = " ".join(["mmp-dev", *arguments])
    environment = {**dev.environment, "PATH": f"{Path(sys.executable).parent}:{dev.environment['PATH']}"}
    return timed(["sh", "-c", f"{command} || test $? = 1"], environment, dev.root)


def _pytest(dev: Dev, folder: Path, *arguments: str) -> float:
    """Without a cache, which would be written; exit code 5 says that there is no test."""
    command = " ".join([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments])
    return timed(["sh", "-c", f"{command} || test $? = 5"], dev.environment, folder)


def _sandbox(dev: Dev) -> float:
    """Seconds for each test that one costs."""
    with_one, without = (_many_tests(dev, fixture) for fixture in ("mmp_sandbox", "mmp_env"))
    return (with_one - without) / TESTS


def _many_tests(dev: Dev, fixture: str) -> float:
    folder = dev.root / fixture
    folder.mkdir(exist_ok=True)
    (folder / "pytest.ini").write_text(f"[pytest]\nmmp_contract = {dev.root}/dev-contract.yml\n", encoding="utf-8")
    test = f"import pytest\n\n@pytest.mark.parametrize('n', range({TESTS}))\ndef test_it(n, {fixture}):\n    pass\n"
    (folder / "test_many.py").write_text(test, encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return timed(argv, dev.environment, folder)
