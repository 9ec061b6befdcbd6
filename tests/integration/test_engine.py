"""The Docker engine restarts, or dies while `up` waits. Only where it can be started again: see `needs("engine")`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from conftest import Dev, dockerd
from writer import Writer, eventually, kept

pytestmark = pytest.mark.needs("docker", "engine")


class Engine:
    """The engine of this machine, which a test may end, and starts again as it was started."""

    def __init__(self) -> None:
        process = dockerd()
        assert process
        self._argv, self._environment, self._cwd = process.cmdline(), process.environ(), process.cwd()

    def end(self, number: signal.Signals) -> None:
        process = dockerd()
        assert process
        process.send_signal(number)
        process.wait(60)

    def start(self) -> None:
        if dockerd() is None:
            subprocess.Popen(
                self._argv,
                env=self._environment,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert eventually(
            lambda: subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0
        )


@pytest.fixture
def engine() -> Iterator[Engine]:
    found = Engine()
    yield found
    found.start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_everything_comes_back_with_the_engine(dev: Dev, engine: Engine, number: signal.Signals) -> None:
    dev("up")
    with Writer(dev) as writer:
        assert eventually(lambda: min(map(len, (writer.runs, writer.rows, writer.keys))) > 5)
        engine.end(number)
        assert dev("status", code=3).stderr.startswith("Error: The Docker engine")
        engine.start()
        assert eventually(lambda: kept(dev)), dev("check", code=None).stdout
    assert writer.missing() == []
    assert dev.json("up")["data"]["started"] == []


def test_the_engine_dies_while_up_waits(dev: Dev, engine: Engine) -> None:
    dev("up")
    dev("down")
    waiting = dev.begin("up")
    assert eventually(lambda: bool(dev.containers()))
    engine.end(signal.SIGKILL)
    said, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 3, said
    assert "The Docker engine" in said
    assert "Traceback" not in said
    engine.start()
    dev("up")
    assert kept(dev)


def test_the_engine_is_known() -> None:
    """Guards the guard: this machine's engine is the one that answers."""
    process = dockerd()
    assert process
    assert process.is_running()
    assert psutil.Process(process.pid).name() == "dockerd"
    assert os.geteuid() == 0
