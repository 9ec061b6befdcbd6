"""A contract and requirements that it meets, for tests of what they do with each other."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.contract.model import (
    Column,
    Contract,
    ContractService,
    Entity,
    Feast,
    Feature,
    FeatureView,
    ServiceLevel,
    Severity,
    Table,
    Variable,
    VariableType,
)
from mmp_local_dev.contract.requirements import (
    ColumnNeed,
    FeatureNeed,
    Group,
    LatencyNeed,
    Need,
    Requirements,
    ServiceNeed,
    TableNeed,
    VariableNeed,
)

VARIABLES = (
    Variable("POSTGRES_HOST", VariableType.HOST, binds="postgresql.host", line=10),
    Variable("POSTGRES_PASSWORD", VariableType.STRING, sensitive=True, binds="postgresql.password"),
    Variable("REDIS_PORT", VariableType.PORT, binds="redis.port"),
    Variable("REDIS_PASSWORD", VariableType.STRING, required=False, binds="redis.password"),
    Variable("MLFLOW_TRACKING_URI", VariableType.URL, binds="mlflow.uri"),
    Variable("FEAST_DB_SCHEMA", VariableType.STRING, required=False, binds="postgresql.schema"),
    Variable("MODEL_STAGE", VariableType.STRING, accepted=True),
)
SERVICES = (
    ContractService("postgresql", "postgresql", ">=17,<18", 5432, clients={"psycopg": ">=3.1", "psycopg2": ">=2.9"}),
    ContractService("redis", "redis", ">=7.2,<9", 6379, clients={"redis": ">=4.2"}),
    ContractService("mlflow", "http", ">=3.17,<4", 5002, needs=("postgresql",), health_path="/health"),
)
TABLE = Table(
    "user_demographics",
    "features.user_demographics",
    {
        "user_id": Column("user_id", "varchar(50)", nullable=False),
        "age": Column("age", "integer"),
        "gender": Column("gender", "varchar(1)"),
    },
    ("user_id",),
)
VIEW = FeatureView(
    "user_demographics",
    ("user_id",),
    {"age": Feature("age", "Int64"), "gender": Feature("gender", "String")},
    source="user_demographics",
    timestamp_field="event_timestamp",
)
CONTRACT = Contract(
    Path("dev-contract.yml"),
    "provider",
    "1.1.0",
    "mmp.dev/v2",
    {variable.name: variable for variable in VARIABLES},
    {service.name: service for service in SERVICES},
    tables={TABLE.name: TABLE},
    feast=Feast("local", 3, {"user_id": Entity("user_id", "user_id", "String")}, {VIEW.name: VIEW}),
    mlflow_capabilities=("tracking", "artifact_proxy", "model_registry"),
    service_levels={
        "online-read": ServiceLevel(
            "online-read", "latency", 50, "ms", "feast.user_demographics", severity=Severity.WARNING
        )
    },
)
REQUIREMENTS = Requirements(
    Path("pipeline.req.yml"),
    "pipeline",
    version="1.5.0",
    contract=">=1.1,<2",
    contract_line=4,
    variables={
        "POSTGRES_HOST": VariableNeed("POSTGRES_HOST", line=6),
        "MLFLOW_TRACKING_URI": VariableNeed("MLFLOW_TRACKING_URI", VariableType.URL),
        "REDIS_PASSWORD": VariableNeed("REDIS_PASSWORD", required=False),
    },
    services={
        "postgresql": ServiceNeed("postgresql", ">=15,<18", {"psycopg2": "2.9.10"}),
        "redis": ServiceNeed("redis", ">=7,<10"),
        "mlflow": ServiceNeed("mlflow", ">=3,<4"),
    },
    tables={
        "features.user_demographics": TableNeed(
            "features.user_demographics", {"user_id": ColumnNeed("user_id"), "age": ColumnNeed("age", "integer")}
        )
    },
    features={
        "user_demographics:age": FeatureNeed("user_demographics:age"),
        "user_demographics:gender": FeatureNeed("user_demographics:gender", "String"),
    },
    capabilities={"tracking": Need("tracking")},
    latency={"feast.user_demographics": LatencyNeed("feast.user_demographics", 100, "ms")},
    groups={
        "train": Group("train", ("postgresql", "mlflow", "tables")),
        "serve": Group("serve", ("redis", "features")),
        "redis-alone": Group("redis-alone", ("redis", "env.present[REDIS_PASSWORD]")),
    },
)
