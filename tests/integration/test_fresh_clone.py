"""The README's two commands in a fresh clone, then a pipeline that reads only `.env`, on every runtime there is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import containers
from conftest import PRESENT, REPOSITORY, Dev, free_ports
from consumer import train

pytestmark = pytest.mark.needs("native")


@pytest.fixture
def clone(base: Path) -> Iterator[Dev]:
    """A fresh clone with ports of its own; the stack takes the first runtime that this machine has."""
    root = base / "fresh clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(root)], check=True)
    names = ("POSTGRES_PORT", "REDIS_PORT", "MLFLOW_PORT")
    dev = Dev(root, dict(zip(names, map(str, free_ports(3)), strict=True)), runtime="auto")
    yield dev
    dev("down", code=None)
    if project := dev.env().get("MMP_PROJECT"):
        containers.remove(project)


def set_up(dev: Dev) -> str:
    """What `setup-dev-environment.sh` says, called from elsewhere."""
    # What installers need of this machine (certificates, mirrors) and nothing of the tests' own environment.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "MMP_", "VIRTUAL_ENV", "PYTEST"))}
    python = sys._base_executable  # type: ignore[attr-defined]
    setup = subprocess.run(
        [dev.root / "setup-dev-environment.sh"],
        cwd="/",
        env={**inherited, **dev.ports, "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    assert setup.returncode == 0, setup.stdout + setup.stderr
    return setup.stdout


def test_from_a_fresh_clone_to_a_trained_and_registered_model(clone: Dev) -> None:
    expected = "compose" if PRESENT["docker"]() else "native"
    said = set_up(clone)
    assert f"http://localhost:{clone.ports['MLFLOW_PORT']}" in said
    assert "is kept" in said
    assert f"({expected})" in said
    python = str(clone.root / ".venv/bin/python")
    run_id, model_id, experiment_id = train(clone.env(), home=clone.root, python=python)
    artifacts = clone.root / "mlflow-artifacts" / experiment_id / "models" / model_id / "artifacts"
    assert (artifacts / "MLmodel").is_file()
    moved = clone("up", "--runtime", "native")
    assert "(native)" in moved.stdout
    found = clone("run", "--", python, "-c", f"import mlflow; print(mlflow.get_run('{run_id}').data.metrics)")
    assert "accuracy" in found.stdout
