"""Train a model of card fraud on the newest transactions, register it, and make it the champion if it is better.

Usage: python train.py [ROWS]
"""

from __future__ import annotations

import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from features import WORDS, join_historical, open_store, vectors

MODEL = "card-fraud"
ALERT_RATE = 0.02  # the share of transactions that people can look into
LABELS_TAKE = pd.Timedelta(days=7)  # so long it takes until a fraud is known as one
PARAMETERS = {"learning_rate": 0.05, "max_iter": 200, "max_leaf_nodes": 8, "random_state": 42}
TREES = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"  # skops loads no type that it is not told of

TRANSACTIONS = """
    SELECT user_id, merchant_id, category, event_timestamp, amount, latitude, longitude, is_fraud
    FROM transactions ORDER BY event_timestamp DESC LIMIT {rows:d}
"""


def main(rows: int) -> None:
    """Train with the newest `rows` transactions."""
    train, test = split(join_historical(open_store(), TRANSACTIONS.format(rows=rows)))
    model = make_model().fit(vectors(train), train["is_fraud"])
    scores = model.predict_proba(vectors(test))[:, 1]
    metrics = measure(test["is_fraud"], scores)
    threshold = float(np.quantile(scores, 1 - ALERT_RATE))

    mlflow.set_experiment(MODEL)
    with mlflow.start_run():
        mlflow.log_params({**PARAMETERS, "alert_rate": ALERT_RATE, **extent("train", train), **extent("test", test)})
        mlflow.log_metrics(metrics)
        version = register(model, vectors(train.head()), threshold)
    print(f"{MODEL} version {version}, of {len(train)} transactions, on the {len(test)} that followed:")
    print("".join(f"  {name:24}{value:.3f}\n" for name, value in metrics.items()), end="")
    print(promote(version, test, metrics["average_precision"]))


def split(transactions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """To train with, and to test with: the newest fifth in time.

    On the day when the test begins, nobody knows the frauds of the week before; that week is in neither.
    """
    at = transactions["event_timestamp"]
    begin = at.quantile(0.8)
    return transactions[at < begin - LABELS_TAKE], transactions[at >= begin]


def make_model() -> Pipeline:
    """Gradient-boosted trees, which take what is not known (NaN) as it is; words become numbers first."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer((codes, WORDS), remainder="passthrough")
    return make_pipeline(encode, HistGradientBoostingClassifier(**PARAMETERS))


def measure(is_fraud: pd.Series, scores: np.ndarray) -> dict[str, float]:
    """How well scores tell fraud. Average precision decides: with so few frauds, ROC AUC looks good for any model."""
    alerts = np.argsort(scores)[-max(1, round(ALERT_RATE * len(scores))) :]
    return {
        "average_precision": float(average_precision_score(is_fraud, scores)),
        "roc_auc": float(roc_auc_score(is_fraud, scores)),
        "recall_at_alert_rate": float(is_fraud.iloc[alerts].sum() / is_fraud.sum()),
        "fraud_rate": float(is_fraud.mean()),  # the average precision of a model that guesses
    }


def extent(name: str, transactions: pd.DataFrame) -> dict[str, object]:
    """What transactions these were, for the run's parameters."""
    at = transactions["event_timestamp"]
    return {f"{name}_rows": len(at), f"{name}_from": at.min(), f"{name}_until": at.max()}


def register(model: Pipeline, example: pd.DataFrame, threshold: float) -> int:
    """Log the model in the current run and register it as the next version, which is returned."""
    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(example, model.predict_proba(example)),
        input_example=example,
        pyfunc_predict_fn="predict_proba",
        metadata={"threshold": threshold},
        pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_skops=True),
        skops_trusted_types=[TREES],
        registered_model_name=MODEL,
    )
    return int(logged.registered_model_version)


def promote(version: int, test: pd.DataFrame, average_precision: float) -> str:
    """Make the version the champion, unless the present one does better on the same test set; what was decided.

    A champion that was made for other inputs than `vectors` makes now cannot be compared, nor served: it is replaced.
    """
    client = mlflow.MlflowClient()
    champion = client.get_registered_model(MODEL).aliases.get("champion")
    if champion:
        present, inputs = mlflow.pyfunc.load_model(f"models:/{MODEL}/{champion}"), vectors(test)
        if present.metadata.get_input_schema().input_names() == list(inputs):
            best = average_precision_score(test["is_fraud"], present.predict(inputs)[:, 1])
            if best >= average_precision:
                return f"version {champion} stays the champion, with {best:.3f}"
    client.set_registered_model_alias(MODEL, "champion", str(version))
    return f"version {version} is the champion"


if __name__ == "__main__":
    main(rows=int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
