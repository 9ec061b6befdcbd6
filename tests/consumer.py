"""A consumer in another repository, which knows nothing but the variables of `.env`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TRAIN = """
import os
import mlflow, pandas, psycopg
from sklearn.linear_model import LogisticRegression

connection = psycopg.connect(
    host=os.environ["POSTGRES_HOST"], port=os.environ["POSTGRES_PORT"], user=os.environ["POSTGRES_USER"],
    password=os.environ["POSTGRES_PASSWORD"], dbname=os.environ["POSTGRES_DB"], autocommit=True,
)
connection.execute("CREATE TABLE IF NOT EXISTS points (x double precision, y double precision, label integer)")
connection.execute("TRUNCATE points")
connection.execute(
    "INSERT INTO points SELECT i / 100.0, (i %% 7) / 7.0, (i > 50)::integer FROM generate_series(1, 100) AS i"
    .replace("%%", "%")
)
frame = pandas.DataFrame(
    connection.execute("SELECT x, y, label FROM points").fetchall(), columns=["x", "y", "label"]
)
mlflow.set_experiment("fraud")
with mlflow.start_run() as run:
    model = LogisticRegression(C=100).fit(frame[["x", "y"]], frame["label"])
    mlflow.log_param("C", 100)
    mlflow.log_metric("accuracy", model.score(frame[["x", "y"]], frame["label"]))
    logged = mlflow.sklearn.log_model(model, name="model", registered_model_name="fraud-model")
loaded = mlflow.pyfunc.load_model("models:/fraud-model/1")
assert (loaded.predict(frame[["x", "y"]]) == model.predict(frame[["x", "y"]])).all()
print(run.info.run_id, logged.model_id, run.info.experiment_id)
"""


def train(env: Mapping[str, str], *, home: Path, python: str = sys.executable) -> tuple[str, str, str]:
    """Train on rows of a table, log, register, load back and predict; run id, model id, experiment id."""
    environment = {**env, "PATH": os.environ["PATH"], "HOME": str(home), "GIT_PYTHON_REFRESH": "quiet"}
    result = subprocess.run([python, "-c", TRAIN], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    run_id, model_id, experiment_id = result.stdout.split()[-3:]
    return run_id, model_id, experiment_id
