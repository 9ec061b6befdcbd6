"""The consumer's own tests, as it writes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping

import psycopg
import pytest
import redis

from mmp_local_dev.operations.sandbox import Sandbox


def test_reads_the_environment(mmp_env: Mapping[str, str]) -> None:
    assert mmp_env["MLFLOW_TRACKING_URI"].startswith("http://")
    assert mmp_env["POSTGRES_PASSWORD"] not in repr(mmp_env)


@pytest.mark.parametrize("number", range(3))
def test_writes_into_a_sandbox(mmp_sandbox: Sandbox, number: int) -> None:
    """Each time the same table, key and experiment: nothing of the others is there."""
    with psycopg.connect(mmp_sandbox.postgresql_dsn) as connection:
        connection.execute("CREATE TABLE features.scores (id integer)")
    with redis.Redis(mmp_sandbox.env["REDIS_HOST"], int(mmp_sandbox.env["REDIS_PORT"])) as client:
        assert client.set(f"{mmp_sandbox.redis_prefix}score", number, nx=True)
    address = f"{mmp_sandbox.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/get?experiment_id="
    with urllib.request.urlopen(address + mmp_sandbox.experiment_id) as answer:
        assert json.load(answer)["experiment"]["name"] == mmp_sandbox.experiment_name


def test_runs_a_program_in_a_sandbox(mmp_sandbox: Sandbox) -> None:
    program = [sys.executable, "-c", "import os; print(os.environ['POSTGRES_DB'])"]
    done = subprocess.run(program, env={**os.environ, **mmp_sandbox.env}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == mmp_sandbox.name
