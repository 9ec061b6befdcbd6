"""The features of transactions, for training and for serving: a model is served what it was trained on.

Addresses and passwords are those of `.env`; `feature_store.yaml` is the provider's, unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from dotenv import find_dotenv, load_dotenv
from feast import FeatureStore

SERVICE = "fraud_detection"

# Of a feature service the columns are called `view__feature`. These go into the model as they are. Who somebody is does
# not: with so few frauds in the data, a model would learn the victims by heart, and age and gender decide about nobody.
NUMBERS = [
    "user_transaction_stats__transaction_count_1d",
    "user_transaction_stats__transaction_count_7d",
    "user_transaction_stats__transaction_count_30d",
    "user_transaction_stats__amount_sum_1d",
    "user_transaction_stats__amount_sum_7d",
    "user_transaction_stats__amount_sum_30d",
    "user_transaction_stats__amount_mean_30d",
    "user_transaction_stats__amount_max_30d",
    "user_transaction_stats__last_amount",
    "merchant_stats__transaction_count_30d",
    "merchant_stats__amount_mean_30d",
    "merchant_stats__amount_max_30d",
    "merchant_stats__fraud_rate_30d",
    "category_stats__transaction_count_30d",
    "category_stats__amount_mean_30d",
    "category_stats__amount_max_30d",
    "category_stats__fraud_rate_30d",
]
WORDS = ["category"]


def open_store() -> FeatureStore:
    """The feature store of the environment: of the variables that are set, and of `.env` for those that are not.

    `.env` is looked for from the current folder upward; ENV_FILE says where else it is.
    """
    load_dotenv(os.environ.get("ENV_FILE") or find_dotenv(usecwd=True))
    return FeatureStore(repo_path=str(Path(__file__).parent))


def join_historical(store: FeatureStore, query: str) -> pd.DataFrame:
    """The rows of an SQL query (keys, `event_timestamp`, whatever else), each with its features as of that moment."""
    service = store.get_feature_service(SERVICE)
    return store.get_historical_features(query, service, full_feature_names=True).to_df()


def join_online(store: FeatureStore, transaction: Mapping[str, Any]) -> pd.DataFrame:
    """One transaction with its features as of now, in the columns of `join_historical`."""
    service = store.get_feature_service(SERVICE)
    keys = {name: transaction[name] for name in ("user_id", "merchant_id", "category")}
    return store.get_online_features(service, [keys], full_feature_names=True).to_df().assign(**transaction)


def vectors(joined: pd.DataFrame) -> pd.DataFrame:
    """What the model sees of joined transactions: numbers (NaN for what is not known) and words."""
    at = pd.to_datetime(joined["event_timestamp"], utc=True)
    last = pd.to_datetime(joined["user_transaction_stats__last_transaction_at"], utc=True)
    numbers = joined[["amount", *NUMBERS]].astype("float64")
    return numbers.assign(
        amount_to_usual=numbers["amount"] / numbers["user_transaction_stats__amount_mean_30d"],
        hour=at.dt.hour + at.dt.minute / 60,
        weekday=at.dt.weekday.astype("float64"),
        hours_since_last=(at - last).dt.total_seconds() / 3600,
        km_from_home=_kilometres_from_home(joined),
        **{name: joined[name].astype("string").fillna("unknown").astype("object") for name in WORDS},
    )


def _kilometres_from_home(joined: pd.DataFrame) -> pd.Series:
    """The great-circle distance, by the haversine formula."""
    north, east, home_north, home_east = (
        np.radians(joined[name].astype("float64"))
        for name in ("latitude", "longitude", "user_demographics__home_latitude", "user_demographics__home_longitude")
    )
    across = np.cos(north) * np.cos(home_north) * np.sin((east - home_east) / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(np.sin((north - home_north) / 2) ** 2 + across))
