"""The digest of a Feast repository changes with what an apply reads, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mmp_local_dev.features import definitions

ENV = {"FEAST_PROJECT": "shop", "FEAST_REGISTRY_PATH": "/registry.db", "POSTGRES_PASSWORD": "one"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    for name in ("feature_store.yaml", "definitions.py", "deep/more.py", "deep/query.sql"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "definitions.py").write_text("x"),
        lambda folder: (folder / "deep" / "query.sql").write_text("x"),
        lambda folder: (folder / "feature_store.yaml").unlink(),
        lambda folder: (folder / "definitions.py").rename(folder / "defined.py"),
        lambda folder: (folder / ".feastignore").write_text("deep"),
        lambda folder: (folder / "new.py").write_text(""),
    ],
    ids=["text", "a file that definitions read", "gone", "renamed", "ignored", "an empty one"],
)
def test_what_counts(folder: Path, change: Callable[[Path], object]) -> None:
    before = definitions.digest(folder, ENV)
    assert definitions.digest(folder, ENV) == before
    change(folder)
    assert definitions.digest(folder, ENV) != before


def test_what_does_not_count(folder: Path) -> None:
    before = definitions.digest(folder, ENV)
    for name in ("__pycache__", ".ipynb_checkpoints", ".venv"):
        (folder / name).mkdir()
        (folder / name / "definitions.py").write_text("x")
    (folder / "data.parquet").write_bytes(b"x" * 100)
    assert definitions.digest(folder, {**ENV, "POSTGRES_PASSWORD": "another"}) == before


def test_another_project_is_another_apply(folder: Path) -> None:
    assert definitions.digest(folder, ENV) != definitions.digest(folder, {**ENV, "FEAST_PROJECT": "lab"})


def test_there_need_not_be_a_folder(tmp_path: Path) -> None:
    assert list(definitions.files(tmp_path / "nowhere")) == []
    assert definitions.digest(tmp_path / "nowhere", ENV)
