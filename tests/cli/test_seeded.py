"""What people and programs see of `features seed`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import make_dev
from mmp_local_dev.cli import render
from mmp_local_dev.operations.features_seed import FeaturesSeeded

RESULT = FeaturesSeeded(
    data_set="card-fraud 1: 50000 rows, seed 42",
    schema="features",
    rows={"transactions": 50_000, "user_demographics": 1572, "category_stats": 7},
    fraud_share=0.012,
    seconds=1.44,
)


def test_people_see_rows_name_and_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    with render.output("features seed") as out:
        out.features_seeded(RESULT)
    assert capsys.readouterr().out == (
        "  50,000 rows  features.transactions\n"
        "   1,572 rows  features.user_demographics\n"
        "       7 rows  features.category_stats\n"
        "Data set card-fraud 1: 50000 rows, seed 42: 1.20% of the transactions are fraud. Loaded in 1.4 s.\n"
        "Next: mmp-dev features materialize\n"
    )


def test_programs_get_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with render.output("features seed", as_json=True) as out:
        out.features_seeded(RESULT)
    envelope = json.loads(capsys.readouterr().out)
    assert (envelope["command"], envelope["status"]) == ("features seed", "ok")
    assert envelope["data"] == {
        "data_set": "card-fraud 1: 50000 rows, seed 42",
        "schema": "features",
        "rows": {"transactions": 50_000, "user_demographics": 1572, "category_stats": 7},
        "fraud_share": 0.012,
        "seconds": 1.44,
        "next": "mmp-dev features materialize",
    }


WRONG = {
    "--rows 0": "0 is not in the range 1<=x<=100000000",
    "--seed -1": "-1 is not in the range 0<=x<=9223372036854775807",
    "--rows 20 --users 21": "21 users cannot make 20 transactions: each makes 1 to 10,000, on average.",
    "--rows 20001 --users 2": "2 users cannot make 20,001 transactions",
    "--from f.csv --rows 5": "--from imports a file, and --rows is for data that is made up.",
    "--from f.csv --users 5": "--from imports a file, and --users is for data that is made up.",
}


def test_numbers_that_cannot_be_are_wrong_usage(tmp_path: Path) -> None:
    dev = make_dev(tmp_path)
    for arguments, told in WRONG.items():
        assert told in dev("features", "seed", *arguments.split(), code=2).stderr


def test_a_stack_that_was_never_up_is_told_how_to_start(tmp_path: Path) -> None:
    error = make_dev(tmp_path).json("features", "seed", code=3)["error"]
    assert error["code"] == "NO_ENVIRONMENT"
    assert error["actions"][0]["command"] == "mmp-dev up"


def test_a_file_is_looked_at_before_the_stack(tmp_path: Path) -> None:
    error = make_dev(tmp_path).json("features", "seed", "--from", "missing.csv", code=2)["error"]
    assert error["code"] == "FILE_INVALID"
    assert "missing.csv: cannot be read: No such file or directory" in error["message"]
