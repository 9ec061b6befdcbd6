"""Score one transaction with the champion and the features that the online store has now.

Usage: python predict.py transaction.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow

from features import join_online, open_store, vectors

MODEL = "card-fraud"


def predict(transaction: Mapping[str, Any]) -> dict[str, Any]:
    """The champion's answer; a transaction has `user_id`, `merchant_id`, `category`, `event_timestamp`, `amount`,
    `latitude` and `longitude`."""
    store = open_store()
    champion = mlflow.MlflowClient().get_model_version_by_alias(MODEL, "champion")
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    joined = join_online(store, transaction)
    probability = float(model.predict(vectors(joined))[0, 1])
    return {
        "model": f"{MODEL} version {champion.version}",
        "fraud_probability": round(probability, 6),
        "alert": probability >= model.metadata.metadata["threshold"],
        "not_known": sorted(joined.columns[joined.isna().all()]),
    }


if __name__ == "__main__":
    print(json.dumps(predict(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), indent=2))
