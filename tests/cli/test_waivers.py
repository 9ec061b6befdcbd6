"""`check` with a waivers file beside the contract: what it names is a warning until its last day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmp_local_dev.cli import main

CLAUSE = "service.version[redis]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose contract promises a Redis that its compose file does not have."""
    monkeypatch.delenv("MMP_DEV_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main.run(["init"]) == 0
    contract = tmp_path / "dev-contract.yml"
    contract.write_text(contract.read_text(encoding="utf-8").replace(">=7.2,<9", ">=99"), encoding="utf-8")
    return tmp_path


def waive(folder: Path, expires: str, *clauses: str) -> None:
    waivers = [f'{{id: "{each}", reason: until we upgrade, expires: "{expires}"}}' for each in clauses or [CLAUSE]]
    text = f"apiVersion: mmp.dev/v2\nkind: ContractWaivers\nwaivers: [{', '.join(waivers)}]\n"
    (folder / "contract-waivers.yml").write_text(text, encoding="utf-8")


def test_without_a_waiver_the_clause_is_broken(folder: Path) -> None:
    assert main.run(["check", "--static"]) == 1


def test_a_waived_clause_is_a_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waive(folder, "2999-12-31")
    assert main.run(["check", "--static"]) == 0
    assert "1 warning" in capsys.readouterr().out


def test_an_expired_waiver_has_no_effect_and_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waive(folder, "2000-01-01")
    assert main.run(["check", "--static"]) == 1
    assert "its waiver expired on 2000-01-01" in capsys.readouterr().out


def test_a_waiver_of_no_clause_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it is checked now or not: another check may be the one that it is for."""
    waive(folder, "2999-12-31", "service.versoin[redis]", CLAUSE, "file.readable[docker-compose.yml]")
    told = "the waiver of service.versoin[redis] (line 3) names no clause of the contract; remove it"
    capsys.readouterr()
    assert main.run(["check", "--static", "--only", "service.port"]) == 0
    assert capsys.readouterr().err == f"Warning: {told}\n"
    assert main.run(["check", "--static", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == [told]


def test_a_waiver_of_a_change_is_none_of_its_business(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waive(folder, "2999-12-31", "service-removed[redis]", CLAUSE)
    assert main.run(["check", "--static"]) == 0
    assert "Warning" not in capsys.readouterr().err


def test_a_wrong_file_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "contract-waivers.yml").write_text("waivers: []\n", encoding="utf-8")
    assert main.run(["check", "--static"]) == 2
    assert "contract-waivers.yml:1: " in capsys.readouterr().err


def test_lint_knows_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waive(folder, "2999-12-31")
    assert main.run(["contract", "lint", "contract-waivers.yml"]) == 0
    waive(folder, "tomorrow")
    assert main.run(["contract", "lint", "contract-waivers.yml"]) == 1
    assert 'contract-waivers.yml:3: waivers[0].expires: "tomorrow" is not a date' in capsys.readouterr().out
