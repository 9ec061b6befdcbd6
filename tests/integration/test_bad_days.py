"""Taken ports, strangers, edited files, odd folders: one clear error with a repair that works, or no error at all."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
import redis

from conftest import Dev, make_dev
from own import VERSION

pytestmark = pytest.mark.needs("native")


class Healthy(BaseHTTPRequestHandler):
    """A stranger that says 200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"OK")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def stranger(port: str, host: str = "127.0.0.1") -> Iterator[None]:
    server = ThreadingHTTPServer((host, int(port)), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def test_a_taken_port_names_its_owner_and_both_ways_out(dev: Dev) -> None:
    with stranger(dev.ports["MLFLOW_PORT"]):
        error = dev.json("up", code=3)["error"]
        assert error["code"] == "PORT_CONFLICT"
        assert f"process {os.getpid()}" in error["message"]
        assert Path(sys.executable).name in error["message"]
        commands = [action["command"] for action in error["actions"]]
        assert commands[0] == "mmp-dev up --auto-ports"
        assert commands[1].startswith("MLFLOW_PORT=")
        assert not (dev.root / ".env").exists()
        dev("up", "--auto-ports")
        chosen = dev.env()["MLFLOW_TRACKING_URI"]
        assert dev.ports["MLFLOW_PORT"] not in chosen
        assert set(dev.outcomes().values()) <= {"passed", "skipped"}
    dev.ports.clear()
    dev("down")
    dev("up")
    assert dev.env()["MLFLOW_TRACKING_URI"] == chosen


def test_all_problems_are_told_at_once(dev: Dev) -> None:
    with stranger(dev.ports["MLFLOW_PORT"]), stranger(dev.ports["REDIS_PORT"]):
        message = dev.json("up", code=3)["error"]["message"]
    assert dev.ports["MLFLOW_PORT"] in message
    assert dev.ports["REDIS_PORT"] in message


def test_a_strangers_health_page_fools_neither_up_nor_check(dev: Dev) -> None:
    dev("up")
    dev("down")
    with stranger(dev.ports["MLFLOW_PORT"]):
        assert dev.json("up", code=3)["error"]["code"] == "PORT_CONFLICT"
        dev("up", "postgresql", "redis")
        report = dev.json("check", code=1)["data"]
    found = {finding["clause"]: finding for finding in report["findings"]}
    assert found["service.ready[mlflow]"]["outcome"] == "failed"
    assert "not this stack's mlflow" in found["service.ready[mlflow]"]["message"]
    assert found["mlflow.artifact_proxy[round_trip]"]["outcome"] == "blocked"
    assert found["service.ready[redis]"]["outcome"] == "passed"


def test_a_stranger_on_the_other_loopback_address_is_noticed(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    if "::1" not in {entry[4][0] for entry in socket.getaddrinfo("localhost", 80)}:
        pytest.skip("localhost is not ::1 on this machine")
    monkeypatch.setattr(ThreadingHTTPServer, "address_family", socket.AF_INET6)
    with stranger(dev.ports["MLFLOW_PORT"], "::1"):
        assert dev.json("up", code=3)["error"]["code"] == "PORT_CONFLICT"


def test_a_stopped_postgresql_is_one_failure_and_the_rest_blocked(dev: Dev) -> None:
    dev("up", "redis")
    outcomes = dev.outcomes()
    failed = [clause for clause, outcome in outcomes.items() if outcome == "failed"]
    assert failed == ["service.ready[postgresql]", "feast.registry[mmp_local_dev]"]  # nothing was applied without it
    assert outcomes["service.ready[mlflow]"] == "blocked"
    assert outcomes["service.ready[redis]"] == "passed"
    text = dev("check", code=1).stdout
    assert "mmp-dev up" in text
    assert "dev-contract.yml:" in text


def test_passwords_changed_in_env_are_applied(dev: Dev) -> None:
    dev("up")
    old = dev.env()["POSTGRES_PASSWORD"]
    edit(
        dev.root / ".env",
        (old, "another-Password_9"),
        ("REDIS_PASSWORD=\n", "# mine\nMY_OWN=1\nREDIS_PASSWORD=s3cret~x\n"),
    )
    assert "POSTGRES_PASSWORD has changed" in dev.json("up")["warnings"][0]
    env = dev.env()
    assert (env["POSTGRES_PASSWORD"], env["MY_OWN"]) == ("another-Password_9", "1")
    assert "# mine\nMY_OWN=1\n" in (dev.root / ".env").read_text()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(
            host="127.0.0.1",
            port=env["POSTGRES_PORT"],
            user=env["POSTGRES_USER"],
            password=old,
            dbname=env["POSTGRES_DB"],
        )
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=int(env["REDIS_PORT"])).ping()
    assert redis.Redis(port=int(env["REDIS_PORT"]), password="s3cret~x").ping()
    assert dev.outcomes()["service.auth[redis]"] == "passed"
    edit(dev.root / ".env", ("REDIS_PASSWORD=s3cret~x\n", "REDIS_PASSWORD=true\n"), ("another-Password_9", "12345678"))
    warnings = " ".join(dev.json("up")["warnings"])
    assert "POSTGRES_PASSWORD looks like a number" in warnings
    assert "REDIS_PASSWORD cannot stand in Feast's connection string" in warnings
    assert redis.Redis(port=int(env["REDIS_PORT"]), password="true").ping()
    edit(dev.root / ".env", ("REDIS_PASSWORD=true\n", ""))
    dev("up", "redis")
    assert dev.env()["REDIS_PASSWORD"] == ""
    assert redis.Redis(port=int(env["REDIS_PORT"])).ping()


def test_env_deleted_comes_back_the_same(dev: Dev) -> None:
    dev("up", "postgresql")
    before = dev.env()
    (dev.root / ".env").unlink()
    assert dev.json("check", code=3)["error"]["code"] == "NO_ENVIRONMENT"
    dev("up", "postgresql")
    assert dev.env() == before


def test_env_with_windows_line_ends_and_quotes(dev: Dev) -> None:
    dev("up", "redis")
    path = dev.root / ".env"
    text = path.read_text().replace("REDIS_HOST=localhost", "REDIS_HOST='localhost'").replace("\n", "\r\n")
    path.write_bytes(text.encode())
    dev("up", "redis")
    assert dev.env()["REDIS_HOST"] == "localhost"
    assert b"\r\n" in path.read_bytes()


def test_a_port_changed_in_env_moves_the_service(dev: Dev) -> None:
    dev("up", "redis")
    new = str(int(dev.ports["REDIS_PORT"]) + 1)
    edit(dev.root / ".env", (f"REDIS_PORT={dev.ports['REDIS_PORT']}", f"REDIS_PORT={new}"))
    del dev.ports["REDIS_PORT"]
    dev("up", "redis")
    assert redis.Redis(port=int(new)).ping()


def test_values_that_cannot_be_used(dev: Dev) -> None:
    dev("up", "redis")
    path = dev.root / ".env"
    good = path.read_text()
    edit(path, (f"MLFLOW_PORT={dev.ports['MLFLOW_PORT']}", "MLFLOW_PORT=1234"))
    del dev.ports["MLFLOW_PORT"]
    error = dev.json("up", code=2)["error"]
    assert "MLFLOW_TRACKING_URI" in error["message"]
    path.write_text(good.replace("REDIS_PORT=", "REDIS_PORT=x"))
    del dev.ports["REDIS_PORT"]
    assert "REDIS_PORT" in dev.json("up", code=2)["error"]["message"]
    path.write_text(good)
    dev.extra["MLFLOW_TRACKING_URI"] = "http://mlflow.example.com:5000"
    error = dev.json("up", code=2)["error"]
    assert error["code"] == "HOST_NOT_LOCAL"
    assert "env -u MLFLOW_TRACKING_URI" in error["actions"][0]["command"]
    assert path.read_text() == good


def test_a_broken_contract_names_file_and_line(dev: Dev) -> None:
    edit(dev.root / "dev-contract.yml", (f'version: "{VERSION}"', "version: 1.10"))
    error = dev.json("up", code=2)["error"]
    assert error["code"] == "CONTRACT_INVALID"
    assert "dev-contract.yml:6" in error["message"]


def test_a_folder_with_spaces_and_other_scripts_deep_down(base: Path) -> None:
    root = base / "내 프로젝트 100%" / ("deep-" * 20) / ("er-" * 30)
    root.mkdir(parents=True)
    dev = make_dev(root)
    try:
        dev("up")
        assert set(dev.outcomes().values()) <= {"passed", "skipped"}
    finally:
        dev("down")


@pytest.mark.needs("root")
def test_as_root_in_a_folder_closed_to_others(tmp_path: Path) -> None:
    """PostgreSQL's own user cannot enter; the data goes where it can, behind a link."""
    tmp_path.chmod(0o700)
    dev = make_dev(tmp_path)
    link = tmp_path / ".mmp-dev/stacks/default/postgresql"
    try:
        dev("up", "postgresql")
        dev("down")
        dev("up", "postgresql")
        assert link.is_symlink()
    finally:
        dev("down")
        shutil.rmtree(link.resolve().parent)


def test_two_stacks_side_by_side(dev: Dev) -> None:
    dev("up", "redis")
    dev("up", "redis", "--stack", "second", "--auto-ports")
    assert (dev.root / ".env.second").exists()
    try:
        dev("check", "--stack", "second", code=1)  # only its Redis runs, and that one is its own
        assert dev.outcomes()["service.ready[redis]"] == "passed"
        dev("down")
        assert "running" in dev("status", "--stack", "second", code=1).stdout
    finally:
        dev("down", "--stack", "second")


def test_a_moved_workspace_keeps_its_identity_and_a_copied_one_gets_its_own(dev: Dev, base: Path) -> None:
    dev("up", "redis")
    identity = dev.env()["MMP_STACK_ID"]
    dev("down")
    moved, copied = base / "moved", base / "copied"
    dev.root.rename(moved)
    dev.root = moved
    dev("up", "redis")
    assert dev.env()["MMP_STACK_ID"] == identity
    assert dev.env()["FEAST_REGISTRY_PATH"].startswith(str(moved))
    dev("down")
    shutil.copytree(moved, copied, symlinks=True)
    other = Dev(copied, dev.ports)
    other("up", "redis")
    other("down")
    assert other.env()["MMP_STACK_ID"] != identity


def test_dry_run_changes_nothing(dev: Dev) -> None:
    before = sorted(path for path in dev.root.rglob("*"))
    assert "Dry run" in dev("up", "--dry-run").stdout
    assert sorted(path for path in dev.root.rglob("*")) == before


def test_a_read_only_workspace_is_told(dev: Dev) -> None:
    if os.geteuid() == 0:
        (dev.root / ".mmp-dev").write_text("a file where a folder must be")
    else:
        dev.root.chmod(0o555)
    error = dev.json("up", code=3)["error"]
    dev.root.chmod(0o755)
    assert error["code"] == "WORKSPACE_NOT_WRITABLE"
    assert error["actions"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_USER", "postgres"),
        ("POSTGRES_USER", "mlflow"),
        ("POSTGRES_DB", "mlflow"),
        ("POSTGRES_DB", "mmp_dev_template"),
    ],
)
def test_names_that_the_servers_need_themselves(dev: Dev, name: str, value: str) -> None:
    dev.extra[name] = value
    error = dev.json("up", code=2)["error"]
    assert error["code"] == "NAME_RESERVED"
    assert value in error["message"]
    assert not (dev.root / ".env").exists()
