"""The Docker engine restarts, or dies while `up` waits. Only where a test may end it and start it again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Dev, workspace
from engine import Engine
from writer import Writer, eventually, kept

pytestmark = [pytest.mark.needs("docker", "engine"), pytest.mark.alone]


@pytest.fixture
def engine() -> Iterator[Engine]:
    found = Engine()
    yield found
    found.start()


@pytest.fixture
def dev(base: Path, engine: Engine) -> Iterator[Dev]:
    with workspace(base, "compose") as made:
        yield made
        engine.start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_everything_comes_back_with_the_engine(dev: Dev, engine: Engine, number: signal.Signals) -> None:
    dev("up")
    with Writer(dev) as writer:
        assert eventually(lambda: min(len(writer.runs), len(writer.rows), len(writer.keys)) > 5)
        engine.end(number)
        assert dev("status", code=3).stderr.startswith("Error: The Docker engine")
        engine.start()
        if number is signal.SIGKILL:  # an engine that was killed does not always bring back what had been running
            dev("up")
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
    again = dev("up", code=None)
    if "docker-proxy" in again.stderr:  # Docker may go on holding the port of a container that it was about to start
        assert "-> mmp-dev up --auto-ports" in again.stderr
        moved = replace(dev, ports={})  # the shell's ports would go before those that are found
        moved("up", "--auto-ports")
        assert kept(moved)
    else:
        assert again.returncode == 0, again.stderr
        assert kept(dev)
