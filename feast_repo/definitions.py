"""The features of card-fraud detection. `mmp-dev features apply` registers what is defined here.

Each view reads the table of its name, which `scripts/feature_tables.sql` makes: a row holds what was known from its
`event_timestamp` on, so that a point-in-time join never sees the future. No view has a `ttl`: its rows are states, and
hold until the next one. A `ttl`, however long, would also mislead PostgreSQL's planner: it then expects next to no rows
from Feast's point-in-time join and nests its loops, and 1,000 rows take longer than 50,000 do without.
"""

from feast import Entity, FeatureService, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Float64, Int64, String, UnixTimestamp

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
merchant = Entity(name="merchant", join_keys=["merchant_id"], value_type=ValueType.STRING)
category = Entity(name="category", join_keys=["category"], value_type=ValueType.STRING)

user_demographics = FeatureView(
    name="user_demographics",
    description="Who the user is, and where at home.",
    entities=[user],
    schema=[
        Field(name="user_id", dtype=String),
        Field(name="age", dtype=Int64),
        Field(name="gender", dtype=String),
        Field(name="job", dtype=String),
        Field(name="city", dtype=String),
        Field(name="state", dtype=String),
        Field(name="city_population", dtype=Int64),
        Field(name="home_latitude", dtype=Float64),
        Field(name="home_longitude", dtype=Float64),
    ],
    source=PostgreSQLSource(name="user_demographics", table="user_demographics", timestamp_field="event_timestamp"),
)

user_transaction_stats = FeatureView(
    name="user_transaction_stats",
    description="What the user has bought before, anew after each transaction.",
    entities=[user],
    schema=[
        Field(name="user_id", dtype=String),
        Field(name="transaction_count_1d", dtype=Int64),
        Field(name="transaction_count_7d", dtype=Int64),
        Field(name="transaction_count_30d", dtype=Int64),
        Field(name="amount_sum_1d", dtype=Float64),
        Field(name="amount_sum_7d", dtype=Float64),
        Field(name="amount_sum_30d", dtype=Float64),
        Field(name="amount_mean_30d", dtype=Float64),
        Field(name="amount_max_30d", dtype=Float64),
        Field(name="last_amount", dtype=Float64),
        Field(name="last_transaction_at", dtype=UnixTimestamp),
    ],
    source=PostgreSQLSource(
        name="user_transaction_stats", table="user_transaction_stats", timestamp_field="event_timestamp"
    ),
)

merchant_stats = FeatureView(
    name="merchant_stats",
    description="What was sold at the merchant before the day, and how much of it turned out to be fraud.",
    entities=[merchant],
    schema=[
        Field(name="merchant_id", dtype=String),
        Field(name="transaction_count_30d", dtype=Int64),
        Field(name="amount_mean_30d", dtype=Float64),
        Field(name="amount_max_30d", dtype=Float64),
        Field(name="fraud_rate_30d", dtype=Float64),
    ],
    source=PostgreSQLSource(name="merchant_stats", table="merchant_stats", timestamp_field="event_timestamp"),
)

category_stats = FeatureView(
    name="category_stats",
    description="What was sold in the category before the day, and how much of it turned out to be fraud.",
    entities=[category],
    schema=[
        Field(name="category", dtype=String),
        Field(name="transaction_count_30d", dtype=Int64),
        Field(name="amount_mean_30d", dtype=Float64),
        Field(name="amount_max_30d", dtype=Float64),
        Field(name="fraud_rate_30d", dtype=Float64),
    ],
    source=PostgreSQLSource(name="category_stats", table="category_stats", timestamp_field="event_timestamp"),
)

fraud_detection = FeatureService(
    name="fraud_detection",
    description="All that a model of card fraud is trained and served with.",
    features=[user_demographics, user_transaction_stats, merchant_stats, category_stats],
)
