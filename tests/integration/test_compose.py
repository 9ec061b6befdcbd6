"""The stack on Docker Compose: what it shares with nobody else's, and one clear error for what is in its way."""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from conftest import Dev, workspace
from containers import (
    container,
    docker,
    inspected,
    listed,
    make_volume,
    project,
    remove,
    remove_containers,
    running,
)
from mmp_local_dev.runtimes.compose_names import PROJECT, VOLUMES
from mmp_local_dev.runtimes.docker_engine import STACK_LABEL
from writer import Writer, connect, eventually, kept

pytestmark = pytest.mark.needs("docker")

SERVICES = ("postgresql", "redis", "mlflow")
KEPT = {"passed", "skipped"}
REDIS_PASSWORD = "shared-S3cret"


@pytest.fixture
def dev(base: Path) -> Iterator[Dev]:
    with workspace(base, "compose") as made:
        yield made


@pytest.fixture(scope="module")
def stack(base: Path) -> Iterator[Dev]:
    """A running stack with a password for Redis, which the tests leave as they found it."""
    with workspace(base, "compose") as made:
        made.extra["REDIS_PASSWORD"] = REDIS_PASSWORD
        made("up")
        yield made


def set_in_env_file(dev: Dev, **lines: str) -> None:
    """Set variables as a user who edits `.env` does; the values are written as they are given."""
    path = dev.root / ".env"
    others = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in lines]
    path.write_text("\n".join([*others, *(f"{name}={value}" for name, value in lines.items()), ""]))


def refused(dev: Dev, *arguments: str, code: str) -> dict[str, object]:
    """The error of an `up` that could not do it, after which nothing runs."""
    error: dict[str, object] = dev.json("up", *arguments, code=3)["error"]
    assert error["code"] == code, error
    assert error["actions"]
    assert running(dev) == []
    return error


# By itself, and after `up`


def test_compose_alone_starts_the_same_stack(dev: Dev) -> None:
    dev("env", "--write")
    argv = ["docker", "compose", "--env-file", ".env", "up", "--detach", "--wait"]
    subprocess.run(argv, cwd=dev.root, check=True, capture_output=True)
    servers = ("env.", "service.", "mlflow.")  # tables and definitions are what `mmp-dev up` adds
    assert {outcome for clause, outcome in dev.outcomes().items() if clause.startswith(servers)} <= KEPT
    assert dev.json("up")["data"]["started"] == []
    assert set(dev.outcomes().values()) <= KEPT
    asked = docker("exec", container(dev, "postgresql"), "pg_isready", "-U", "mlpipeline_user")
    assert "accepting connections" in asked
    assert docker("exec", container(dev, "redis"), "redis-cli", "ping") == "PONG"


def test_all_are_healthy_right_after_up_and_health_checks_fall_quiet(dev: Dev) -> None:
    dev("up")
    assert eventually(lambda: healths(dev) == {"healthy"}, seconds=1)
    before = health_logs(dev)
    time.sleep(3)
    assert health_logs(dev) == before


def healths(dev: Dev) -> set[str]:
    lines = docker("compose", "--project-name", project(dev), "ps", "--format", "json").splitlines()
    assert len(lines) == len(SERVICES)
    return {json.loads(line)["Health"] for line in lines}


def health_logs(dev: Dev) -> list[object]:
    return [inspected(dev, service)["State"]["Health"]["Log"] for service in SERVICES]


def test_nothing_listens_beyond_loopback(stack: Dev) -> None:
    ports = {int(port) for port in stack.ports.values()}
    listening = {tuple(c.laddr) for c in psutil.net_connections("tcp") if c.status == "LISTEN"}
    assert {address for address in listening if address[1] in ports} == {("127.0.0.1", port) for port in ports}


@pytest.mark.needs("native")
def test_artifacts_are_the_callers(stack: Dev) -> None:
    log = "import mlflow; mlflow.start_run(); mlflow.log_text('weights', 'model.txt')"
    stack("run", "--", sys.executable, "-c", log)
    [written] = (stack.root / "mlflow-artifacts").rglob("model.txt")
    assert written.read_text() == "weights"
    assert written.stat().st_uid == os.getuid()
    assert stack.env()["MMP_USER"].partition(":")[0] == str(inspected(stack, "mlflow")["Config"]["User"].split(":")[0])


def test_no_secret_is_in_what_docker_and_ps_show(stack: Dev) -> None:
    published = stack.env()["POSTGRES_PASSWORD"]
    files = (stack.root / ".mmp-dev/stacks/default/secrets").glob("*.env")
    secrets = {line.partition("=")[2] for file in files for line in file.read_text().splitlines()}
    assert len(secrets) == 3
    described = [inspected(stack, service) for service in SERVICES]
    shown = json.dumps([[d["Path"], d["Args"], d["Config"]["Cmd"], d["Config"]["Labels"]] for d in described])
    shown += subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert not [secret for secret in (published, REDIS_PASSWORD, *secrets) if secret in shown]
    assert not [line for each in described for line in each["Config"]["Env"] if published in line]


# What is changed is applied


@pytest.mark.parametrize(
    ("written", "password"),
    [
        (r"""'a b\c $HOME "d" #e'""", r"""a b\c $HOME "d" #e"""),
        (r'''"it's \\ \"q\" %s"''', r"""it's \ "q" %s"""),
    ],
    ids=["single", "double"],
)
def test_a_password_of_redis_is_applied_as_it_is_written(dev: Dev, written: str, password: str) -> None:
    dev("up", "redis")
    set_in_env_file(dev, REDIS_PASSWORD=written)
    findings = dev.json("up", "redis")["data"]["report"]["findings"]
    assert redis.Redis(port=int(dev.ports["REDIS_PORT"]), password=password).ping()
    assert {finding["clause"]: finding["outcome"] for finding in findings}["service.auth[redis]"] == "passed"


def test_a_password_of_postgresql_is_applied_without_a_new_container(dev: Dev) -> None:
    dev("up", "postgresql")
    before = inspected(dev, "postgresql")["Id"]
    set_in_env_file(dev, POSTGRES_PASSWORD="another-Password_9")
    dev("up", "postgresql")
    assert inspected(dev, "postgresql")["Id"] == before
    with connect(dev.env()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (dev.env()["POSTGRES_USER"],)


def test_other_volumes_are_taken_at_once(dev: Dev) -> None:
    dev("up", "redis")
    dev.extra["MMP_VOLUMES"] += "-2"
    dev("up", "redis")
    assert [mount["Name"] for mount in inspected(dev, "redis")["Mounts"]] == [f"{dev.env()['MMP_VOLUMES']}_redis"]


def test_another_project_is_taken_at_once(dev: Dev) -> None:
    dev("up", "redis")
    before = project(dev)
    dev.extra["MMP_PROJECT"] += "-2"
    try:
        dev("up", "redis")
        assert len(running(dev)) == 1
        assert listed("container", before) == listed("network", before) == []
        assert dev.json("up", "redis")["data"]["started"] == []
    finally:
        remove(project(dev))


def test_the_shell_the_file_and_what_runs_agree(dev: Dev, base: Path) -> None:
    dev("up", "postgresql")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        other = str(probe.getsockname()[1])
    dev.ports["POSTGRES_PORT"] = other
    dev.extra |= {"COMPOSE_PROJECT_NAME": "nonsense", "COMPOSE_FILE": str(base / "nonsense.yml")}
    dev("up")
    assert dev.env()["POSTGRES_PORT"] == other
    assert docker("port", container(dev, "postgresql"), "5432") == f"127.0.0.1:{other}"
    assert set(dev.outcomes().values()) <= KEPT


# Names


def test_two_workspaces_with_the_same_stack_name_run_side_by_side(base: Path) -> None:
    name = uuid.uuid4().hex[:8]
    with ExitStack() as cleanup:
        one, two = cleanup.enter_context(workspace(base, "compose")), cleanup.enter_context(workspace(base, "compose"))
        for dev in (one, two):
            del dev.extra["MMP_PROJECT"], dev.extra["MMP_VOLUMES"]
            dev("env", "--write", "--stack", name)
            cleanup.callback(remove, env_of(dev, name)["MMP_PROJECT"])
            dev("up", "redis", "--stack", name)
        first, second = (env_of(dev, name)["MMP_PROJECT"] for dev in (one, two))
        assert first == f"mmp-local-dev-{name}"
        assert second == f"{first}-{env_of(two, name)['MMP_STACK_ID'][:8]}"
        assert env_of(two, name)["MMP_VOLUMES"] == second
        assert [len(listed("container", each)) for each in (first, second)] == [1, 1]
        two("down", "--stack", name)
        assert [len(listed("container", each)) for each in (first, second)] == [1, 0]


def env_of(dev: Dev, stack: str) -> dict[str, str]:
    lines = (dev.root / f".env.{stack}").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_a_container_of_that_name_is_refused_and_can_be_renamed_as_printed(dev: Dev) -> None:
    name = container(dev, "redis")
    foreign = docker("create", "--name", name, "redis:8-alpine")
    try:
        error = refused(dev, "redis", code="NAME_CONFLICT")
        assert name in str(error["message"])
        subprocess.run(shlex.split(commands(error)[0]), check=True, capture_output=True)
        assert commands(error)[0].startswith("docker rename")
        dev("up", "redis")
    finally:
        remove_containers(foreign)


def commands(error: dict[str, object]) -> list[str]:
    actions = error["actions"]
    assert isinstance(actions, list)
    return [action["command"] for action in actions]


def test_older_data_is_not_taken_because_of_a_forgotten_variable(dev: Dev) -> None:
    dev("up", "redis")
    last = dev.extra[VOLUMES]
    dev.extra[VOLUMES] = f"{last}-2"
    make_volume(dev, "redis", "--label", f"{STACK_LABEL}={dev.env()['MMP_STACK_ID']}")
    error = dev.json("up", "redis", code=2)["error"]
    assert error["code"] == "OLDER_DATA"
    assert commands(error)[0] == "env -u MMP_VOLUMES mmp-dev up"
    assert dev.env()[VOLUMES] == last


def test_names_that_are_none_for_compose_are_refused(dev: Dev) -> None:
    dev.extra[PROJECT] = "My Project"
    assert dev.json("up", "redis", code=2)["error"]["code"] == "NAME_INVALID"


def test_a_value_that_compose_cannot_use_is_told(dev: Dev) -> None:
    dev.extra["MMP_MEMORY_REDIS"] = "lots"
    error = dev.json("up", "redis", code=2)["error"]
    assert error["code"] == "COMPOSE_FILE_INVALID"
    assert "lots" in error["message"]


def test_a_paused_container_goes_on(dev: Dev) -> None:
    dev("up", "redis")
    docker("pause", container(dev, "redis"))
    assert dev.json("up", "redis")["data"]["started"] == ["redis"]
    assert inspected(dev, "redis")["State"]["Status"] == "running"


def test_volumes_of_another_stack_are_refused(dev: Dev) -> None:
    volume = make_volume(dev, "redis", "--label", f"{STACK_LABEL}=another")
    assert volume in str(refused(dev, "redis", code="NAME_CONFLICT")["message"])


# Versions and images


def test_data_of_another_major_is_refused_before_anything_starts(dev: Dev) -> None:
    volume = make_volume(dev, "postgresql")
    write = ["--entrypoint", "sh", "postgres:17", "-c", "echo 16 > /data/PG_VERSION"]
    docker("run", "--rm", "--volume", f"{volume}:/data", *write)
    error = refused(dev, code="DATA_VERSION")
    assert "PostgreSQL 16" in str(error["message"])
    assert volume in str(error["message"])
    assert listed("container", project(dev)) == []


def test_an_image_of_another_major_is_refused(dev: Dev) -> None:
    dev.extra["MMP_IMAGE_POSTGRESQL"] = "postgres:18"
    assert "PostgreSQL 18" in str(refused(dev, code="DATA_VERSION")["message"])


def test_an_image_that_cannot_be_pulled_is_named(dev: Dev) -> None:
    dev.extra["MMP_IMAGE_REDIS"] = "registry.invalid/redis:none"
    error = refused(dev, code="IMAGE_UNAVAILABLE")
    assert "registry.invalid/redis:none" in str(error["message"])
    assert commands(error)[0].startswith("MMP_IMAGE_REDIS=")


def test_an_image_that_cannot_be_built_shows_the_end_of_the_build(dev: Dev) -> None:
    dev.extra["MMP_IMAGE_MLFLOW"] = f"{project(dev)}:x"
    recipe = "FROM python:3.13-slim\nRUN echo this-is-the-reason && false\n"
    (dev.root / "mlflow/Dockerfile").write_text(recipe)
    error = refused(dev, code="IMAGE_UNAVAILABLE")
    assert f"{project(dev)}:x" in str(error["message"])
    assert "this-is-the-reason" in str(error["detail"])


# Ports and room


def test_a_port_held_by_a_process_names_it(dev: Dev) -> None:
    with socket.create_server(("127.0.0.1", int(dev.ports["REDIS_PORT"]))):
        error = refused(dev, "redis", code="PORT_CONFLICT")
    assert f"process {os.getpid()}" in str(error["message"])


def test_a_port_held_by_a_container_names_it_and_another_one_sticks(dev: Dev) -> None:
    held = dev.ports["REDIS_PORT"]
    name = f"{project(dev)}-stranger"
    docker("run", "--detach", "--name", name, "--publish", f"127.0.0.1:{held}:6379", "redis:8-alpine")
    try:
        assert f"container {name}" in str(refused(dev, "redis", code="PORT_CONFLICT")["message"])
        dev("up", "redis", "--auto-ports")
        chosen = dev.env()["REDIS_PORT"]
        assert chosen != held
        dev("down")
        del dev.ports["REDIS_PORT"]
        dev("up", "redis")
        assert dev.env()["REDIS_PORT"] == chosen
    finally:
        remove_containers(name)


def test_a_full_disk_is_told_with_the_servers_own_words(dev: Dev) -> None:
    dev("env", "--write")
    tmpfs = ["--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=8m"]
    make_volume(dev, "postgresql", "--label", f"{STACK_LABEL}={dev.env()['MMP_STACK_ID']}", *tmpfs)
    error = refused(dev, "postgresql", code="DISK_FULL")
    assert "No space left on device" in str(error["detail"])
    assert commands(error)[0] == "docker system df"


# No Docker, in all its ways


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder to put first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def unusable(dev: Dev, code: str, **options: Any) -> None:
    """What both ways of asking for Compose say where it cannot be used."""
    result = dev("up", "--runtime", "compose", "--json", code=3, **options)
    error = json.loads(result.stdout)["error"]
    assert error["code"] == code, error
    assert "mmp-dev up --runtime native" in commands(error)


def goes_native(dev: Dev, why: str) -> None:
    """What a new workspace does there of its own accord."""
    dev.runtime = "auto"
    said = dev("up", "--dry-run")
    assert f"because compose cannot be used here: {why}" in said.stderr
    assert "native runtime" in said.stdout


def test_no_docker_command(dev: Dev, path: Path) -> None:
    dev.extra["PATH"] = str(path)
    unusable(dev, "DOCKER_MISSING")


@pytest.mark.needs("native")
def test_no_docker_command_on_a_new_workspace(dev: Dev, path: Path) -> None:
    dev.extra["PATH"] = str(path)
    goes_native(dev, "There is no `docker` command")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_an_engine_that_does_not_answer(dev: Dev, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "docker.sock"))
        dev.extra["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
        unusable(dev, "DOCKER_STOPPED")


@pytest.mark.needs("native")
def test_an_engine_that_does_not_answer_and_a_new_workspace(dev: Dev, folder: Path) -> None:
    dev.extra["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
    goes_native(dev, "The Docker engine at")


def without_roots_privilege() -> None:
    """In a program that is about to start: root, too, is to be bound by the modes of files."""
    drop_from_bounding_set, dac_override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the capabilities of Linux")
def test_an_engine_that_does_not_admit_this_user(dev: Dev, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(folder / "docker.sock"))
        closed.listen()
        (folder / "docker.sock").chmod(0)
        dev.extra["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
        unusable(dev, "DOCKER_PERMISSION", preexec_fn=without_roots_privilege)


@pytest.mark.parametrize(
    ("answer", "code"),
    [("echo no such command >&2; exit 1", "COMPOSE_MISSING"), ("echo 2.10.2", "DOCKER_OLD")],
)
def test_a_compose_that_cannot_be_used(dev: Dev, path: Path, answer: str, code: str) -> None:
    fake = path / "docker"
    fake.write_text(f'#!/bin/sh\n[ "$1" = compose ] || exec {shutil.which("docker")} "$@"\n{answer}\n')
    fake.chmod(0o755)
    dev.extra["PATH"] = f"{path}:{os.environ['PATH']}"
    unusable(dev, code)


# `down`, and crashes


def stop_by_hand(dev: Dev) -> None:
    docker("stop", *running(dev))


def remove_by_hand(dev: Dev) -> None:
    remove_containers(*running(dev))


def lose_network(dev: Dev) -> None:
    docker("network", "disconnect", "--force", project(dev), container(dev, "redis"))
    docker("network", "rm", project(dev))


def delete_env_file(dev: Dev) -> None:
    (dev.root / ".env").unlink()


def delete_folder(dev: Dev) -> None:
    shutil.rmtree(dev.root / ".mmp-dev")


@pytest.mark.parametrize("spoil", [stop_by_hand, remove_by_hand, lose_network, delete_env_file, delete_folder])
def test_down_from_a_half_state(dev: Dev, spoil: Callable[[Dev], None]) -> None:
    dev("up", "redis")
    volumes = listed("volume", project(dev))
    spoil(dev)
    dev("down")
    assert listed("container", project(dev)) == []
    assert listed("network", project(dev)) == []
    assert listed("volume", project(dev)) == volumes


def test_down_while_a_consumers_container_is_on_the_network(dev: Dev) -> None:
    dev("up", "redis")
    consumer = docker("run", "--detach", "--network", project(dev), "redis:8-alpine", "sleep", "60")
    try:
        dev("down")
        assert listed("container", project(dev)) == []
        dev("up", "redis")
    finally:
        remove_containers(consumer)


def test_a_first_start_is_interrupted_within_seconds_and_can_be_done_again(dev: Dev) -> None:
    """PostgreSQL's image makes the database at that moment, and takes no signal."""
    process = dev.begin("up", "postgresql")
    assert eventually(lambda: running(dev) != [])
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert running(dev) == []
    dev("up", "postgresql")


def has_come_back(dev: Dev, service: str) -> bool:
    found = inspected(dev, service)
    return (found["RestartCount"], found["State"]["Health"]["Status"]) == (1, "healthy")


def test_servers_come_back_after_sigkill_and_nothing_acknowledged_is_missing(dev: Dev) -> None:
    dev("up")
    with Writer(dev) as writer:
        for service in ("mlflow", "postgresql"):
            time.sleep(1)
            os.kill(inspected(dev, service)["State"]["Pid"], signal.SIGKILL)
            assert eventually(partial(has_come_back, dev, service)), f"{service} did not come back"
        assert kept(dev)
        time.sleep(1)
    assert min(len(writer.runs), len(writer.rows), len(writer.keys)) > 5
    assert writer.missing() == []
