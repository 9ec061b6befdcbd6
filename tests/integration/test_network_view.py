"""The stack as containers on its network see it, and as a container on Docker Desktop names the host."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from conftest import Dev, make_dev, workspace
from containers import container, docker, inspected, project
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load

pytestmark = pytest.mark.needs("docker")

CONSUME = """
import os
import mlflow, psycopg, redis
with mlflow.start_run() as run:
    mlflow.log_metric("accuracy", 0.9)
    mlflow.log_text("weights", "model.txt")
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/model.txt") == "weights"
connection = psycopg.connect(
    host=os.environ["POSTGRES_HOST"], port=os.environ["POSTGRES_PORT"], user=os.environ["POSTGRES_USER"],
    password=os.environ["POSTGRES_PASSWORD"], dbname=os.environ["POSTGRES_DB"],
)
assert connection.execute("SELECT current_user").fetchone() == (os.environ["POSTGRES_USER"],)
assert redis.Redis(os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])).ping()
print("consumed", mlflow.get_run(run.info.run_id).data.metrics)
"""


@pytest.fixture(scope="module")
def stack(base: Path) -> Iterator[Dev]:
    """A running stack, which the tests leave as they found it."""
    with workspace(base, "compose") as made:
        made("up")
        yield made


def test_addresses_are_the_networks_and_the_rest_is_the_same(stack: Dev) -> None:
    seen = json.loads(stack("env", "--view", "network", "--format", "json", "--show-secrets").stdout)
    addresses = {
        "POSTGRES_HOST": "postgresql",
        "POSTGRES_PORT": "5432",
        "REDIS_HOST": "redis",
        "REDIS_PORT": "6379",
        "MLFLOW_TRACKING_URI": "http://mlflow:5002",
        "MLFLOW_PORT": "5002",
    }
    assert seen == {**stack.env(), **addresses}


def test_a_part_of_the_contract_is_checked_on_the_network(stack: Dev) -> None:
    report = stack.json("check", "--view", "network", "--only", "service.version[redis]")["data"]
    assert report["findings"][-1]["clause"] == "service.version[redis]"
    assert report["selected"] == ["service.version[redis]"]
    assert stack.json("check", "--view", "network", "--only", "nothing", code=2)["error"]["code"] == "INPUT_INVALID"


def test_what_needs_feast_is_skipped_where_there_is_none_and_the_registry_is_read(stack: Dev) -> None:
    contract = stack.root / "dev-contract.yml"
    before = contract.read_text()
    head, known = "fixtures:\n", "  of_a_test: {entity: user, values: [nobody], in: [online]}\n"
    contract.write_text(before.replace(head, head + known) if head in before else before + head + known)
    slow = {clause.id for clause in clauses_of(load(contract)) if clause.slow}
    try:
        report = stack.json("check", "--view", "network")["data"]
    finally:
        contract.write_text(before)
    found = {finding["clause"]: finding for finding in report["findings"]}
    assert {found[clause]["outcome"] for clause in slow} == {"skipped"}
    assert found["fixture.online[of_a_test]"]["message"].startswith("needs Feast, which the container")
    assert found["feast.registry[mmp_local_dev]"]["outcome"] == "passed"
    assert found["feature.dtype[user_demographics:age]"]["outcome"] == "passed"


@pytest.mark.needs("native")
def test_a_native_stack_has_no_network(tmp_path: Path) -> None:
    dev = make_dev(tmp_path)
    dev("env", "--write", "--runtime", "native")
    assert "--runtime compose" in dev("env", "--view", "network", code=3).stderr
    assert dev.json("check", "--view", "network", code=3)["error"]["code"] == "NO_NETWORK"


def test_the_contract_is_kept_on_the_network_or_what_fails_is_named(stack: Dev) -> None:
    assert stack.json("check", "--view", "network")["status"] == "ok"
    docker("stop", container(stack, "redis"))
    try:
        report = stack.json("check", "--view", "network", code=1)["data"]
    finally:
        stack("up")
    outcomes = {finding["clause"]: finding["outcome"] for finding in report["findings"]}
    assert [clause for clause, outcome in outcomes.items() if outcome == "failed"] == ["service.ready[redis]"]


def test_a_consumers_container_needs_nothing_but_this_environment(stack: Dev, tmp_path: Path) -> None:
    env_file = tmp_path / "network.env"
    env_file.write_text(stack("env", "--view", "network", "--show-secrets").stdout)
    image = inspected(stack, "mlflow")["Config"]["Image"]
    options = ["--rm", "--network", project(stack), "--env-file", str(env_file), "--entrypoint", "python"]
    assert "consumed {'accuracy': 0.9}" in docker("run", *options, image, "-c", CONSUME)


def test_a_consumers_container_has_the_registry_in_a_folder(stack: Dev) -> None:
    """As the README mounts it, for another user than the host's; a registry that is put in its place later is seen."""
    registry = Path(stack.env()["FEAST_REGISTRY_PATH"])
    before = registry.read_bytes()
    mount = ["--volume", f"{registry.parent}:/feast:ro", "--user", "1234:1234", "--network", project(stack)]
    consumer = docker("run", "--detach", *mount, "redis:8-alpine", "sleep", "60")
    try:
        assert docker("exec", consumer, "sha256sum", "/feast/registry.db").split()[0] == sha256(before).hexdigest()
        put(registry, before + before)
        assert docker("exec", consumer, "stat", "-c", "%s", "/feast/registry.db") == str(2 * len(before))
    finally:
        put(registry, before)
        docker("rm", "--force", consumer)


def put(registry: Path, content: bytes) -> None:
    """As `features apply` does: a new file, which is given the name."""
    made = registry.with_suffix(".new")
    made.write_bytes(content)
    made.replace(registry)


@pytest.mark.parametrize(("host", "status"), [("host.docker.internal", 200), ("evil.example", 403)])
def test_hosts_that_mlflow_admits(stack: Dev, host: str, status: int) -> None:
    port = stack.ports["MLFLOW_PORT"]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    connection.request("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"Host": f"{host}:{port}"})
    assert connection.getresponse().status == status
    connection.close()
