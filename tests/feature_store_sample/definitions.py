"""The features of the sample, as a user defines them."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float64, Int64, String

user_id = Entity(name="user_id", join_keys=["user_id"], value_type=ValueType.STRING)

demographics = FeatureView(
    name="user_demographics",
    entities=[user_id],
    ttl=timedelta(days=3650),
    schema=[
        Field(name="user_id", dtype=String),
        Field(name="age", dtype=Int64),
        Field(name="gender", dtype=String),
        Field(name="income", dtype=Float64),
    ],
    source=PostgreSQLSource(
        name="user_demographics", table="features.user_demographics", timestamp_field="event_timestamp"
    ),
)

interests = FeatureView(
    name="user_interests",
    entities=[user_id],
    schema=[Field(name="user_id", dtype=String), Field(name="topics", dtype=Array(String))],
    source=PostgreSQLSource(
        name="user_interests",
        query='SELECT * FROM "features".user_interests',
        timestamp_field="event_timestamp",
    ),
    online=False,
)


@on_demand_feature_view(sources=[demographics], schema=[Field(name="age_in_months", dtype=Int64)], mode="python")
def user_age(inputs):  # type: ignore[no-untyped-def]
    return {"age_in_months": [None if age is None else age * 12 for age in inputs["age"]]}


scoring = FeatureService(name="scoring", features=[demographics[["age", "income"]], user_age])
