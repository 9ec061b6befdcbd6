"""examples/card-fraud, run as its README says, in a folder that is no workspace: the values of .env are all it has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from conftest import ON_EVERY_RUNTIME, REPOSITORY, Dev

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]

ROWS = 3000
EXAMPLES = REPOSITORY / "examples"
BARE = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}  # threads of OpenMP spin where others want the processor

# What the model sees of some users' last transactions, a day after the last of all: offline and online must agree.
BOTH_WAYS = """
import json
from features import join_historical, join_online, open_store, vectors

store = open_store()
query = (
    "SELECT DISTINCT ON (user_id) user_id, merchant_id, category, amount, latitude, longitude,"
    " timestamptz '2025-07-02Z' AS event_timestamp FROM transactions ORDER BY user_id, event_timestamp DESC LIMIT 5"
)
offline = join_historical(store, query)
keys = ["user_id", "merchant_id", "category", "event_timestamp", "amount", "latitude", "longitude"]
for number in range(len(offline)):
    row = offline.iloc[[number]]
    asked = row[keys].iloc[0].to_dict()
    assert vectors(row).reset_index(drop=True).equals(vectors(join_online(store, asked))), asked
print(len(offline))
"""


@dataclass(frozen=True)
class Example:
    """A copy of the example's folder, and the stack that it is a consumer of."""

    folder: Path
    dev: Dev

    def run(self, *words: str, **environment: str) -> str:
        """What a program in the folder prints; `environment` is all that it knows of any stack."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**BARE, "HOME": str(self.folder), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def predict(self, **changes: str) -> dict[str, Any]:
        """The answer to one of the transactions that were made, with changes."""
        columns = "user_id, merchant_id, category, event_timestamp, amount::float8 AS amount, latitude, longitude"
        (known,) = self.query(f"SELECT to_jsonb(t) FROM (SELECT {columns} FROM features.transactions LIMIT 1) AS t")
        (self.folder / "asked.json").write_text(json.dumps({**known[0], **changes}))
        answer: dict[str, Any] = json.loads(self.run("predict.py", "asked.json", **self.dev.env()))
        return answer

    def query(self, text: str) -> list[tuple[Any, ...]]:
        env = self.dev.env()
        names = {"host": "HOST", "port": "PORT", "dbname": "DB", "user": "USER", "password": "PASSWORD"}
        login = make_conninfo("", **{key: env[f"POSTGRES_{name}"] for key, name in names.items()})
        with psycopg.connect(login) as connection:
            return connection.execute(text.encode()).fetchall()

    def mlflow(self, path: str) -> dict[str, Any]:
        with urlopen(f"{self.dev.env()['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/{path}") as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def example(running: Dev) -> Iterator[Example]:
    """The example beside a stack with data in it; its first model is trained."""
    running("features", "seed", "--rows", str(ROWS), "--yes")
    running("features", "materialize")
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "elsewhere"
        shutil.copytree(EXAMPLES / "card-fraud", folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        made = Example(folder, running)
        said = made.run("train.py", ENV_FILE=str(running.root / ".env"))
        assert said.endswith("version 1 is the champion\n")
        yield made


def test_the_model_is_registered_and_better_than_a_guess(example: Example) -> None:
    version = example.mlflow("registered-models/alias?name=card-fraud&alias=champion")["model_version"]
    run = example.mlflow(f"runs/get?run_id={version['run_id']}")["run"]["data"]
    metrics = {metric["key"]: metric["value"] for metric in run["metrics"]}
    assert metrics["average_precision"] > 3 * metrics["fraud_rate"] > 0
    parameters = {parameter["key"]: parameter["value"] for parameter in run["params"]}
    assert 0 < int(parameters["test_rows"]) < int(parameters["train_rows"]) < ROWS
    assert parameters["train_until"] < parameters["test_from"]  # as times are written


def test_a_prediction_takes_its_features_from_redis_and_says_which_are_not_there(example: Example) -> None:
    answer = example.predict(user_id="nobody")
    assert set(answer) == {"model", "fraud_probability", "alert", "not_known"}
    assert 0 <= answer["fraud_probability"] <= 1
    views = {name.partition("__")[0] for name in answer["not_known"]}
    assert views == {"user_demographics", "user_transaction_stats"}  # the merchant and the category are known


def test_the_model_is_served_what_it_would_have_been_trained_on(example: Example) -> None:
    assert example.run("-c", BOTH_WAYS, **example.dev.env()) == "5\n"


def test_the_champion_stays_where_the_next_is_not_better(example: Example) -> None:
    assert "version 1 stays the champion" in example.run("train.py", **example.dev.env())


def test_what_it_needs_is_there(example: Example) -> None:
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"mmp_contract={example.dev.root}"]
    said = example.run(*arguments, PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    assert "passed" in said
    assert "failed" not in said


def test_the_other_consumer_s_query_gives_the_columns_of_its_recipe(example: Example) -> None:
    folder = EXAMPLES / "modern-ml-pipeline"
    recipe = yaml.safe_load((folder / "recipes/card_fraud.yaml").read_text(encoding="utf-8"))["data"]
    views = recipe["fetcher"]["feature_views"].values()
    query = (folder / "queries/joined.sql.j2").read_text(encoding="utf-8").replace("{{ rows }}", "100")
    rows = example.query(f"SELECT to_jsonb(t) FROM ({query}) AS t")
    assert len(rows) == 100
    assert set(rows[0][0]) >= {feature for view in views for feature in view["features"]}
