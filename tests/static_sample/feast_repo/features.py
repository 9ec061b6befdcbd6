from datetime import timedelta

from entities import user
from feast import FeatureService, FeatureView, Field
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Int64, String

SCHEMA = "features"
TIMESTAMP = "event_timestamp"

demographics_source = PostgreSQLSource(
    name="demographics",
    query="SELECT user_id, age, gender, event_timestamp FROM features.user_demographics",
    timestamp_field=TIMESTAMP,
)
activity_source = PostgreSQLSource(name="activity", table=f"{SCHEMA}.user_activity", timestamp_field="event_timestamp")

user_demographics = FeatureView(
    name="user_demographics",
    entities=[user],
    ttl=timedelta(days=365),
    schema=[
        Field(name="age", dtype=Int64),
        Field(name="gender", dtype=String),
    ],
    online=True,
    source=demographics_source,
)
user_activity = FeatureView(
    name="user_activity",
    entities=[user],
    ttl=timedelta(hours=12),
    schema=[Field(name="logins", dtype=Int64)],
    source=activity_source,
)

fraud_detection = FeatureService(
    name="fraud_detection",
    features=[user_demographics[["age"]], user_activity],
)
