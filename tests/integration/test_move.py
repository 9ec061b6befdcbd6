"""From one runtime to the other and back, with data in all three services; and moves that do not come to their end."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from conftest import Dev, workspace
from consumer import train
from containers import listed, project
from mmp_local_dev.runtimes.compose_names import VOLUMES
from writer import connect

pytestmark = pytest.mark.needs("docker", "native")

RUNS, ROWS, HASHES = 40, 100_000, 20_000

LOG_RUNS = f"""
import os, pathlib, tempfile
import mlflow
client = mlflow.MlflowClient()
experiment = client.create_experiment("moved")
file = pathlib.Path(tempfile.mkdtemp(), "weights.bin")
for number in range({RUNS}):
    run = client.create_run(experiment, tags={{"number": str(number)}}).info.run_id
    client.log_metric(run, "loss", 1 / (1 + number))
    if number % 10 == 0:
        file.write_bytes(os.urandom(1_000_000))
        client.log_artifact(run, str(file), "files")
    client.set_terminated(run)
"""

FIND_RUNS = """
import hashlib, pathlib
import mlflow
client = mlflow.MlflowClient()
for name in ("moved", "fraud"):
    experiment = client.get_experiment_by_name(name).experiment_id
    for run in client.search_runs([experiment], order_by=["attributes.run_id"]):
        print(run.info.run_id, run.info.status, run.data.tags.get("number"), run.data.metrics)
        for artifact in client.list_artifacts(run.info.run_id, "files"):
            local = client.download_artifacts(run.info.run_id, artifact.path)
            print(artifact.path, hashlib.sha256(pathlib.Path(local).read_bytes()).hexdigest())
print(mlflow.pyfunc.load_model("models:/fraud-model/1").predict([[0.1, 0.2], [0.9, 0.3]]))
"""


@pytest.fixture(scope="module")
def stack(base: Path) -> Iterator[Dev]:
    """A stack that runs natively and is full of data; the tests leave it so."""
    with workspace(base, "compose") as made:
        made.runtime = "auto"
        del made.extra[VOLUMES]
        try:
            made("up", "--runtime", "native")
            fill(made)
            yield made
        finally:
            made("down", code=None)


@pytest.fixture(scope="module")
def data(stack: Dev) -> list[str]:
    """What PostgreSQL and Redis hold."""
    return held(stack)


def fill(dev: Dev) -> None:
    train(dev.env(), home=dev.root)
    dev("run", "--", sys.executable, "-c", LOG_RUNS)
    with connect(dev.env()) as connection:
        connection.execute("CREATE TABLE features.trips (id integer PRIMARY KEY, rate float, at timestamptz)")
        connection.execute(
            "INSERT INTO features.trips SELECT i, sqrt(i), to_timestamp(i) FROM generate_series(1, %s) AS i", [ROWS]
        )
    pipeline = client_of(dev).pipeline(transaction=False)
    for number in range(HASHES):
        pipeline.hset(f"driver:{number}", mapping={"rate": number / 7, "raw": bytes([number % 256, 0, 255])})
        if number % 100 == 0:
            pipeline.expire(f"driver:{number}", 86_400)
    pipeline.execute()


def client_of(dev: Dev) -> redis.Redis:
    return redis.Redis(port=int(dev.env()["REDIS_PORT"]))


def held(dev: Dev) -> list[str]:
    """Digests of the rows and of the keys."""
    with connect(dev.env()) as connection:
        rows = connection.execute(
            "SELECT count(*), md5(string_agg(trips::text, ',' ORDER BY id)) FROM features.trips"
        ).fetchone()
    client = client_of(dev)
    keys = sorted(client.scan_iter(count=5000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hgetall(key)
        pipeline.ttl(key)
    answers = pipeline.execute()
    hashes, expiring = answers[::2], [ttl > 0 for ttl in answers[1::2]]
    assert (len(keys), sum(expiring)) == (HASHES, HASHES // 100)
    digest = hashlib.sha256(repr([(key, sorted(h.items())) for key, h in zip(keys, hashes, strict=True)]).encode())
    return [str(rows), digest.hexdigest()]


def runtime(dev: Dev) -> str:
    """Which one `up` keeps, with everything running already."""
    up = dev.json("up")["data"]
    assert up["started"] == []
    return str(up["runtime"])


def test_what_is_wished_for_new_stacks_moves_none_with_data(stack: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "runtime", "compose")
    said = stack("up", "--dry-run")
    assert "native runtime" in said.stdout
    assert "Moving" not in said.stderr


def test_a_dry_run_tells_the_plan_and_changes_nothing(stack: Dev, data: list[str]) -> None:
    state, env = stack.root / ".mmp-dev/stacks/default/stack.json", stack.root / ".env"
    before = state.read_bytes(), env.read_bytes(), stack.pids()
    refused = stack("env", "--write", "--runtime", "compose", code=2)
    assert "mmp-dev up --runtime compose" in refused.stderr
    said = stack("up", "--runtime", "compose", "--dry-run")
    assert "Moving it to compose" in said.stdout + said.stderr
    assert (state.read_bytes(), env.read_bytes(), stack.pids()) == before
    assert nothing_of_it_is_in_docker(stack)


def nothing_of_it_is_in_docker(dev: Dev) -> bool:
    return not any(listed(kind, project(dev)) for kind in ("container", "volume", "network"))


def test_a_target_that_cannot_be_used_leaves_the_source_running(stack: Dev, data: list[str]) -> None:
    before = stack.pids()
    stack.extra["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    try:
        assert stack.json("up", "--runtime", "compose", code=3)["error"]["code"] == "DOCKER_STOPPED"
    finally:
        del stack.extra["DOCKER_HOST"]
    assert stack.pids() == before
    assert held(stack) == data


def dumps(dev: Dev) -> bool:
    return (dev.root / ".mmp-dev/stacks/default/move/postgresql").exists()


def has_dumped(dev: Dev) -> bool:
    return (dev.root / ".mmp-dev/stacks/default/move/redis").exists()


def restores(dev: Dev) -> bool:
    return len(listed("container", project(dev))) == 2


@pytest.mark.parametrize("moment", [dumps, has_dumped, restores])
def test_a_move_that_is_killed_is_undone(stack: Dev, data: list[str], moment: Callable[[Dev], bool]) -> None:
    process = stack.begin("up", "--runtime", "compose")
    while not moment(stack):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert stack.json("up")["data"]["runtime"] == "native"
    assert held(stack) == data
    assert nothing_of_it_is_in_docker(stack)
    assert not (stack.root / ".mmp-dev/stacks/default/move").exists()
    assert old_data(stack) == []


def test_there_and_back(stack: Dev, data: list[str]) -> None:
    runs = found(stack)
    assert runs.count("FINISHED") == RUNS + 1
    for source, target in (("native", "compose"), ("compose", "native")):
        stack("up", "--runtime", target)
        assert held(stack) == data
        assert found(stack) == runs
        assert runtime(stack) == target
        [old] = old_data(stack)
        assert old["runtime"] == source
        assert stack.json("old-data", "--delete", code=2)["error"]["code"] == "CONFIRMATION_REQUIRED"
        assert old_data(stack) == [old]
        stack("old-data", "--delete", "--yes")
        assert old_data(stack) == []
        assert held(stack) == data
        assert runtime(stack) == target
    assert nothing_of_it_is_in_docker(stack)


def found(dev: Dev) -> str:
    """Every run and artifact, as MLflow's client finds and downloads them."""
    return dev("run", "--", sys.executable, "-c", FIND_RUNS).stdout


def old_data(dev: Dev) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = dev.json("old-data")["data"]["old_data"]
    return listed
