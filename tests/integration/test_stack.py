"""The main job: one command, and a pipeline that reads only `.env` can train, log, register, load and predict."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from conftest import ON_EVERY_RUNTIME, Dev
from consumer import train
from mmp_local_dev.services import SERVICES

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]

STACK = ".mmp-dev/stacks/default"
# The files with secrets that each runtime makes.
PRIVATE = {
    "native": ("supervisord.conf", "redis/redis.conf", "secrets/mlflow.pgpass"),
    "compose": ("secrets/postgresql.env", "secrets/mlflow.env"),
}


def test_up_verifies_everything_and_says_where(running: Dev) -> None:
    result = running("up")
    assert f"http://localhost:{running.ports['MLFLOW_PORT']}" in result.stdout
    assert "is kept" in result.stdout
    assert "mmp-dev run --" in result.stdout
    outcomes = running.outcomes()
    assert set(outcomes.values()) <= {"passed", "skipped"}
    assert outcomes["mlflow.artifact_proxy[round_trip]"] == "passed"
    assert outcomes["service.tls[postgresql]"] == "passed"


def test_a_second_up_starts_and_writes_nothing(running: Dev) -> None:
    before = (running.root / ".env").stat()
    data = running.json("up")["data"]
    assert data["started"] == []
    assert data["env_file_written"] is False
    assert (running.root / ".env").stat().st_mtime_ns == before.st_mtime_ns


def test_train_register_load_predict_and_find_it_after_down_and_up(dev: Dev) -> None:
    dev("up")
    run_id, model_id, experiment_id = train(dev.env(), home=dev.root)
    artifacts = dev.root / "mlflow-artifacts"
    assert (artifacts / experiment_id / "models" / model_id / "artifacts" / "MLmodel").is_file()
    dev("down")
    dev("up")
    found = dev("run", "--", sys.executable, "-c", f"import mlflow; print(mlflow.get_run('{run_id}').data.metrics)")
    assert "accuracy" in found.stdout


def test_the_old_consumers_check_passes(running: Dev) -> None:
    """The 1.0 consumer: every name set, every port open, the version read."""
    import socket

    import yaml

    contract = yaml.safe_load((running.root / "dev-contract.yml").read_text())
    assert contract["version"] >= "1.0"
    assert all(running.env()[name] for name in contract["provides_env_variables"])
    for name in ("POSTGRES_PORT", "REDIS_PORT", "MLFLOW_PORT"):
        socket.create_connection(("localhost", int(running.env()[name])), 2).close()
    assert {s["name"]: s["port"] for s in contract["provides_services"]} == {
        "postgresql": 5432,
        "redis": 6379,
        "mlflow": 5002,
    }


def test_provisioning(running: Dev) -> None:
    env = running.env()
    with psycopg.connect(
        host="127.0.0.1",
        port=env["POSTGRES_PORT"],
        user=env["POSTGRES_USER"],
        password=env["POSTGRES_PASSWORD"],
        dbname=env["POSTGRES_DB"],
        sslmode="require",
        autocommit=True,
    ) as connection:
        query = (
            "SELECT pg_get_userbyid(datdba), rolsuper FROM pg_database, pg_roles WHERE datname = %s AND rolname = %s"
        )
        assert connection.execute(query, [env["POSTGRES_DB"], env["POSTGRES_USER"]]).fetchone() == (
            env["POSTGRES_USER"],
            False,
        )
        connection.execute("CREATE TABLE features.made (id timestamptz)")
        connection.execute("DROP TABLE features.made")
        connection.execute("CREATE TABLE made ()")
        connection.execute("DROP TABLE made")
        assert connection.execute("SHOW max_connections").fetchone() == ("100",)
    client = redis.Redis(port=int(env["REDIS_PORT"]), decode_responses=True)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_the_schema_of_mlflow_is_the_one_its_migrations_make(running: Dev) -> None:
    """The shipped schema against the real migrations: columns, indexes, constraints (as text without casts, which a
    dump writes differently), revision."""
    env = running.env()
    password = (running.root / STACK / "secrets/postgresql-admin").read_text().strip()
    login = f"host=127.0.0.1 port={env['POSTGRES_PORT']} user=postgres password={password}"
    with psycopg.connect(login, autocommit=True) as admin:
        admin.execute("CREATE DATABASE migrated")
    client = {**os.environ, "PGPASSWORD": password}
    uri = f"postgresql+psycopg://postgres@127.0.0.1:{env['POSTGRES_PORT']}/migrated"
    subprocess.run([sys.executable, "-m", "mlflow", "db", "upgrade", uri], env=client, check=True, capture_output=True)
    query = """
        SELECT table_name || '.' || column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conname, regexp_replace(pg_get_constraintdef(oid), '::[a-z ]+|[][()]', '', 'g'), '', ''
            FROM pg_constraint
        UNION ALL SELECT 'alembic', version_num, '', '' FROM alembic_version ORDER BY 1, 2
    """
    with psycopg.connect(login, dbname="migrated") as made, psycopg.connect(login, dbname="mlflow") as shipped:
        assert shipped.execute(query).fetchall() == made.execute(query).fetchall()


def test_nothing_secret_is_shown_and_files_with_secrets_are_private(running: Dev) -> None:
    stack = running.root / STACK
    password = running.env()["POSTGRES_PASSWORD"]
    of_mlflow = (stack / "secrets/mlflow.pgpass").read_text().strip().split(":")[-1]
    secrets = [password, (stack / "secrets/postgresql-admin").read_text().strip(), of_mlflow]
    shown = [running(*words).stdout for words in (["env"], ["status"], ["check", "-v"], ["up", "--json"])]
    shown.append(subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout)
    shown.append(running.said())
    assert not any(secret in text for text in shown for secret in secrets)
    assert password in running("env", "--show-secrets").stdout
    assert password in running("run", "--", "env").stdout
    private = [
        stack / "stack.json",
        *(stack / name for name in PRIVATE[running.runtime]),
        *(stack / "secrets").iterdir(),
    ]
    for path in (running.root / ".env", *private):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((stack / "secrets").stat().st_mode) == 0o700


def test_nothing_listens_beyond_loopback(running: Dev) -> None:
    import psutil

    ports = {int(port) for port in running.ports.values()}
    listening = {tuple(c.laddr) for c in psutil.net_connections("tcp") if c.status == "LISTEN"}
    assert {address for address in listening if address[1] in ports} == {("127.0.0.1", port) for port in ports}


def test_commands_around_the_stack(running: Dev, tmp_path: Path) -> None:
    assert running("psql", "-Atc", "SELECT current_user").stdout.strip() == running.env()["POSTGRES_USER"]
    assert running("redis-cli", "PING").stdout.strip() == "PONG"
    assert "ready to accept connections" in running("logs", "postgresql").stdout
    assert running("status").stdout.count("running") == 3
    below = running.root / "a" / "b"
    below.mkdir(parents=True)
    assert running("status", cwd=below).stdout.count("running") == 3
    assert running("open").stdout.strip() == running.env()["MLFLOW_TRACKING_URI"]
    script = [sys.executable, "scripts/verify_contract.py"]
    assert subprocess.run(script, cwd=running.root, env=running.environment, check=False).returncode == 0


def test_restart_of_one_service(running: Dev) -> None:
    before = running.pids()
    running("restart", "redis")
    after = running.pids()
    assert set(SERVICES) <= set(before)
    assert {name for name in before if after[name] != before[name]} == {"redis"}
