"""What `features materialize` says, to people and to programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mmp_local_dev.cli import main, render
from mmp_local_dev.features.materialize import MaterializedView
from mmp_local_dev.operations.features_materialize import FeaturesMaterialized

UNTIL = datetime(2025, 6, 30, 12, tzinfo=UTC)
SINCE = datetime(2025, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
RESULT = FeaturesMaterialized(
    "shop",
    UNTIL,
    [
        MaterializedView("users", 12_345, 0, 1.0, SINCE, UNTIL, "asked for"),
        MaterializedView("shops", 1, 2_000, 0.1, UNTIL, UNTIL, "asked for"),
        MaterializedView("visits", 0, 0, 0.0, None, UNTIL, ""),
    ],
    {"quiet_ones": "is not served online"},
    4.2,
)


def test_a_line_for_each_view(capsys: pytest.CaptureFixture[str]) -> None:
    with render.output("features materialize") as out:
        out.features_materialized(RESULT)
    assert capsys.readouterr().out.splitlines() == [
        "✓ users       12,345 rows, since 2025-01-01 00:00:00",
        "✓ shops       1 row, 2,000 removed, since 2025-06-30 12:00:00",
        "✓ visits      nothing new",
        "- quiet_ones  is not served online",
        "12,346 rows written in 4.2 s. Online features are those of 2025-06-30 12:00:00 UTC.",
    ]


def test_a_store_without_views(capsys: pytest.CaptureFixture[str]) -> None:
    with render.output("features materialize") as out:
        out.features_materialized(FeaturesMaterialized("shop", UNTIL, [], {}, 0.1))
    assert capsys.readouterr().out == "No feature view is stored online.\n"


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with render.output("features materialize", as_json=True) as out:
        out.features_materialized(RESULT)
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["until"] == "2025-06-30T12:00:00+00:00"
    assert data["views"][2] == {
        "view": "visits",
        "rows": 0,
        "removed": 0,
        "seconds": 0.0,
        "since": None,
        "until": "2025-06-30T12:00:00+00:00",
        "why": "",
    }


def test_its_help_tells_what_is_not_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["features", "materialize", "--help"]) == 0
    assert "`mmp-dev features verify` finds it" in " ".join(capsys.readouterr().out.split())
