"""`features verify` on the command line: what it refuses, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmp_local_dev.cli.main import run
from mmp_local_dev.operations.init import init


@pytest.fixture(autouse=True)
def _in_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path)
    monkeypatch.chdir(tmp_path)


def test_all_and_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "verify", "--all", "--sample", "5"]) == 2
    assert "--all compares all entities; leave out --sample" in capsys.readouterr().err


def test_a_view_that_is_not_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "verify", "user_demographic"]) == 2
    told = capsys.readouterr().err
    assert "The contract promises no feature view user_demographic; did you mean user_demographics?" in told


def test_a_report_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run(["features", "verify", "--junit", "file/report.xml"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_contract_without_features(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    contract = tmp_path / "dev-contract.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text[: text.index("\nschema:")], encoding="utf-8")
    assert run(["features", "verify"]) == 2
    assert "The contract promises nothing of a feature store" in capsys.readouterr().err


def test_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "verify"]) == 3
    assert "mmp-dev up" in capsys.readouterr().err
