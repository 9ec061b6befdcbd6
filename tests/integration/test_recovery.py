"""Crashes at every place: afterwards everything acknowledged is there, and the next command finds its way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import Dev
from writer import Writer, eventually, kept

pytestmark = pytest.mark.needs("native")


def test_each_server_comes_back_after_sigkill_and_nothing_acknowledged_is_missing(dev: Dev) -> None:
    dev("up")
    with Writer(dev) as writer:
        for name in ("postgresql", "redis", "mlflow"):
            time.sleep(1)
            os.kill(dev.pids()[name], signal.SIGKILL)
            assert eventually(lambda: kept(dev)), f"{name} did not come back"
        time.sleep(1)
    assert len(writer.runs) > 5
    assert len(writer.rows) > 5
    assert len(writer.keys) > 5
    assert writer.missing() == []


def test_everything_killed_at_once(dev: Dev) -> None:
    dev("up")
    with Writer(dev) as writer:
        time.sleep(2)
        pids = dev.pids()
        for name in ("supervisor", "mlflow", "redis", "postgresql"):
            os.kill(pids[name], signal.SIGKILL)
        dev("up")
        time.sleep(1)
    assert writer.missing() == []


def test_the_supervisor_killed_alone(dev: Dev) -> None:
    dev("up")
    before = dev.pids()
    with Writer(dev) as writer:
        os.kill(before["supervisor"], signal.SIGKILL)
        time.sleep(1)
        dev("up")
    assert writer.missing() == []
    assert dev.pids().keys() == before.keys()
    os.kill(dev.pids()["supervisor"], signal.SIGKILL)
    dev("down")
    assert dev.pids() == {}


@pytest.mark.parametrize("seconds", [0.4, 0.9, 1.4, 2.0, 3.0])
def test_up_killed_at_any_moment(dev: Dev, seconds: float) -> None:
    process = dev.begin("up")
    time.sleep(seconds)
    process.kill()
    process.communicate()
    dev("up")
    assert kept(dev)


def test_up_interrupted_stops_what_it_started(dev: Dev) -> None:
    process = dev.begin("up")
    assert eventually(lambda: (dev.root / ".env").exists() and "mlflow" in dev.pids())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in output
    assert not {"postgresql", "redis", "mlflow"} & dev.pids().keys()
    dev("up")


def test_two_ups_at_once(dev: Dev) -> None:
    first, second = dev.begin("up"), dev.begin("up")
    outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert any("Another mmp-dev command" in output for output in outputs)
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len([line for line in listed if "supervisord" in line and dev.env()["MMP_STACK_ID"] in line]) == 1


def test_a_stale_postmaster_pid_of_somebody_elses_process(dev: Dev) -> None:
    dev("up")
    data = dev.root / ".mmp-dev/stacks/default/postgresql/data"
    pid_file = (data / "postmaster.pid").read_text()
    dev("down")
    (data / "postmaster.pid").write_text(pid_file.replace(pid_file.split()[0], str(os.getpid()), 1))
    dev("up")


def test_a_service_that_cannot_start_is_shown_with_its_log(dev: Dev) -> None:
    dev("up")
    dev("down")
    broken = dev.root / ".mmp-dev/stacks/default/postgresql/data/postgresql.conf"
    broken.write_text("no_such_parameter = 1\n")
    error = dev.json("up", code=3)["error"]
    assert error["code"] == "SERVICE_NOT_READY"
    assert "no_such_parameter" in error["detail"]
    assert error["actions"]
    assert not {"postgresql", "redis", "mlflow"} & dev.pids().keys()


def test_lost_secrets_are_made_anew(dev: Dev) -> None:
    dev("up", "postgresql")
    dev("down")
    shutil.rmtree(dev.root / ".mmp-dev/stacks/default/secrets")
    dev("up")


def test_down_finds_what_runs_after_its_folder_was_deleted(dev: Dev) -> None:
    dev("up", "redis")
    shutil.rmtree(dev.root / ".mmp-dev")
    assert "redis" in dev.pids()
    dev("down")
    assert dev.pids() == {}


def test_down_works_without_contract_and_env(dev: Dev) -> None:
    dev("up")
    (dev.root / "dev-contract.yml").write_text("version: [")
    shutil.move(dev.root / ".env", dev.root / "env")
    dev("down")
    shutil.move(dev.root / "env", dev.root / ".env")
    assert dev.pids() == {}
