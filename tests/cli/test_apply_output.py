"""How an apply is told, to people and to programs, however it ends."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.cli import main
from mmp_local_dev.contract.compare.changes import Change, Subject, Weight
from mmp_local_dev.events import Began, Done, Emit
from mmp_local_dev.operations.features_apply import FeaturesApplied
from mmp_local_dev.operations.init import init
from mmp_local_dev.workspace import Stack

GONE = Change(
    *("feature-removed", Subject("feature", "users:job"), "feast", "users:job", "users:job: is gone"),
    severity=Weight.ERR,
)
NEW = Change(
    *("view-added", Subject("view", "shops"), "feast", "shops", "shops: is new"),
    severity=Weight.INFO,
)
SKIPPED = FeaturesApplied("shop", "/registry.db", skipped=True)
DONE = FeaturesApplied("shop", "/registry.db", tables_made=True, changes=(NEW, GONE), values_removed=3)
REFUSED = FeaturesApplied("shop", "/registry.db", changes=(NEW, GONE), refused=(GONE,))


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the command end so; what it was asked is in the list that comes back."""
    init(tmp_path)
    monkeypatch.chdir(tmp_path)

    def end(result: FeaturesApplied) -> list[bool]:
        asked: list[bool] = []

        def operation(_stack: Stack, *, allow_breaking: bool, emit: Emit) -> FeaturesApplied:
            asked.append(allow_breaking)
            emit(Began("features", "apply"))
            emit(Done("features", "apply", 1.5))
            return result

        monkeypatch.setattr(import_module("mmp_local_dev.cli.features.apply"), "features_apply", operation)
        return asked

    return end


def test_unchanged(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(SKIPPED) == []
    assert main.run(["features", "apply"]) == 0
    assert capsys.readouterr().out == "shop is unchanged.\n"


def test_applied(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ends(DONE)
    assert main.run(["features", "apply", "--allow-breaking"]) == 0
    said = capsys.readouterr()
    assert asked == [True]
    assert said.out.splitlines() == [
        "scripts/feature_tables.sql was run.",
        "  INFO shops: is new  view-added",
        "  ERR  users:job: is gone  feature-removed",
        "shop is applied: 2 changes for consumers.",
        "Old values were removed from 3 rows in Redis.",
    ]
    assert "features    definitions applied, 1.5 s" in said.err


def test_refused(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ends(REFUSED)
    assert main.run(["features", "apply"]) == 1
    assert asked == [False]
    out = capsys.readouterr().out
    assert out.startswith("  ERR  users:job: is gone  feature-removed\nRefused")
    assert "-> mmp-dev features apply --allow-breaking" in out
    assert "shops" not in out


@pytest.mark.parametrize(
    ("result", "code"), [(SKIPPED, 0), (DONE, 0), (REFUSED, 1)], ids=["skipped", "done", "refused"]
)
def test_for_programs(ends: Any, capsys: pytest.CaptureFixture[str], result: FeaturesApplied, code: int) -> None:
    ends(result)
    assert main.run(["features", "apply", "--json"]) == code
    envelope = json.loads(capsys.readouterr().out)
    assert (envelope["command"], envelope["status"]) == ("features apply", "error" if code else "ok")
    data = envelope["data"]
    assert (data["project"], data["registry"], data["skipped"]) == ("shop", "/registry.db", result.skipped)
    assert [change["id"] for change in data["refused"]] == [change.id for change in result.refused]
    assert [change["severity"] for change in data["changes"]] == [change.severity.name for change in result.changes]
