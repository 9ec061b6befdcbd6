"""The README's two commands in a fresh clone, then a pipeline that reads only `.env`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY, Dev, free_ports
from consumer import train

pytestmark = pytest.mark.needs("native")


def test_from_a_fresh_clone_to_a_trained_and_registered_model(base: Path) -> None:
    clone = base / "fresh clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    names = ("POSTGRES_PORT", "REDIS_PORT", "MLFLOW_PORT")
    ports = dict(zip(names, map(str, free_ports(3)), strict=True))
    # What installers need of this machine (certificates, mirrors) and nothing of the tests' own environment.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "VIRTUAL_ENV", "PYTEST"))}
    python = sys._base_executable  # type: ignore[attr-defined]
    setup = subprocess.run(
        [clone / "setup-dev-environment.sh"],
        cwd="/",
        env={**inherited, **ports, "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    dev = Dev(clone, ports)
    try:
        assert setup.returncode == 0, setup.stdout + setup.stderr
        assert f"http://localhost:{ports['MLFLOW_PORT']}" in setup.stdout
        assert "is kept" in setup.stdout
        env = dev.env()
        _, model_id, experiment_id = train(env, home=clone, python=str(clone / ".venv/bin/python"))
        artifacts = clone / "mlflow-artifacts" / experiment_id / "models" / model_id / "artifacts"
        assert (artifacts / "MLmodel").is_file()
    finally:
        dev("down")
