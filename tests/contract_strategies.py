"""Contracts as hypothesis draws them: small, from few names, so that two of them have much in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

from mmp_local_dev.contract.model import (
    Column,
    Contract,
    ContractService,
    Entity,
    Feast,
    Feature,
    FeatureService,
    FeatureView,
    KnownAnswer,
    KnownAnswers,
    KnownKeys,
    Promise,
    ServiceLevel,
    Severity,
    Stability,
    Table,
    Variable,
    VariableType,
)

P = TypeVar("P", bound=Promise)

_RANGES = ["", ">=15", ">=15,<18", ">=16,<18", "==17.*", "<3"]
_TYPES = ["integer", "bigint", "varchar(50)", "varchar(100)", "varchar", "text"]
_DTYPES = ["String", "Int32", "Int64"]
_DAYS = [None, date(2026, 1, 1), date(2026, 6, 30), date(2027, 1, 1)]


def _one(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def _some(*words: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(words)).map(lambda found: tuple(sorted(found)))


def _named(names: str, build: Callable[..., P], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, P]]:
    """Up to all of these names, each with a clause of that name."""
    terms = {
        "severity": st.sampled_from(Severity),
        "stability": st.one_of(st.just(Stability.STABLE), st.sampled_from(Stability)),
        "deprecated": st.booleans(),
        "sunset": st.sampled_from(_DAYS),
        "line": st.integers(1, 99),
    }
    clauses = st.fixed_dictionaries({**terms, **fields})
    drawn = st.dictionaries(st.sampled_from(names.split()), clauses)
    return drawn.map(lambda found: {name: build(name=name, **found[name]) for name in found})


variables = _named(
    "POSTGRES_HOST POSTGRES_PORT LOG_LEVEL",
    Variable,
    type=st.sampled_from(VariableType),
    required=st.booleans(),
    sensitive=st.booleans(),
    default=_one(None, "1", "2"),
    binds=_one(None, "postgresql.host", "postgresql.port"),
    const=st.booleans(),
    enum=_some("a", "b", "c"),
    min_length=st.integers(0, 2),
    accepted=st.booleans(),
)
services = _named(
    "postgresql redis",
    ContractService,
    required=st.booleans(),
    protocol=_one("postgresql", "redis"),
    version=st.sampled_from(_RANGES),
    port=_one(5432, 5433),
    port_policy=_one("env", "fixed"),
    needs=_some("mlflow", "redis"),
    clients=st.dictionaries(_one("psycopg", "redis"), st.sampled_from(_RANGES)),
    endpoints=st.dictionaries(_one("host", "network"), _one("localhost:5432", "localhost:5433", "postgresql:5432")),
    auth=_one("none", "optional-password", "password"),
    tls=_one("none", "offered", "required"),
    health_path=_one(None, "/health", "/ping"),
)
_columns = _named("user_id age", Column, type=st.sampled_from(_TYPES), nullable=st.booleans(), unique=st.booleans())


def _table(name: str, **fields: Any) -> Table:
    return Table(name, f"features.{name}", **fields)


tables = _named("users sessions", _table, columns=_columns, primary_key=_some("user_id", "age"))
_features = _named("age gender", Feature, dtype=st.sampled_from(_DTYPES))
feasts = st.builds(
    Feast,
    project=_one("one", "two"),
    entity_key_serialization_version=_one(2, 3),
    entities=_named("user item", Entity, join_key=_one("user_id", "id"), dtype=st.sampled_from(_DTYPES)),
    views=_named(
        "profile activity",
        FeatureView,
        entities=_some("user", "item"),
        features=_features,
        source=_one(None, "users", "sessions"),
        timestamp_field=_one(None, "event_timestamp"),
        ttl=_one(0, 60, 3600),
        online=st.booleans(),
        definition_digest=_one("", "sha256:a", "sha256:b"),
    ),
    services=_named("fraud", FeatureService, features=_some("profile:age", "profile:gender")),
)
_scalars = st.none() | st.booleans() | _one(1, 2.5, "F")
_answers = st.builds(
    KnownAnswer,
    keys=st.fixed_dictionaries({"user_id": _one("u1", "u2")}),
    values=st.dictionaries(_one("age", "gender"), _scalars, min_size=1),
)
known_keys = _named(
    "users items",
    KnownKeys,
    entity=_one("user", "item"),
    values=_some("u1", "u2", "u3"),
    places=_some("offline", "online"),
    given=_one("", "cards 1", "cards 2"),
)
known_answers = _named(
    "answers items",
    KnownAnswers,
    view=_one("profile", "activity"),
    answers=st.lists(_answers, max_size=2, unique_by=lambda answer: str(answer.keys)).map(tuple),
    at=_one(None, datetime(2026, 1, 1, tzinfo=UTC)),
    given=_one("", "cards 1", "cards 2"),
)
levels = _named(
    "fresh quick",
    ServiceLevel,
    property=_one("latency", "freshness"),
    value=_one(1, 50, 1000),
    unit=_one("ms", "s", "h"),
    element=_one("feast.profile", "services.redis"),
)
reserved = st.fixed_dictionaries(
    {
        "env": _some("LOG_LEVEL", "OLD"),
        "services": _some("redis", "minio"),
        "tables": _some("sessions", "features.users"),
        "features": _some("profile:age", "activity:gender"),
    }
)
# What a contract has, each drawn by itself: all of it at once takes long to draw.
SECTIONS: dict[str, st.SearchStrategy[Any]] = {
    "variables": variables,
    "services": services,
    "tables": tables,
    "feast": st.none() | feasts,
    "mlflow_capabilities": _some("tracking", "model_registry"),
    "fixtures": st.builds(lambda keys, answers: {**keys, **answers}, known_keys, known_answers),
    "service_levels": levels,
    "reserved": reserved,
    "verification_script": _one("", "a.py", "b.py"),
    "status": _one("active", "deprecated"),
    "owner": _one("", "platform"),
    "name": _one("one", "two"),
}


def contracts(*sections: str) -> st.SearchStrategy[Contract]:
    """Contracts with these sections of `SECTIONS` drawn and the others empty."""
    head = {"name": st.just("one"), "variables": st.just({}), "services": st.just({})}
    return st.builds(
        Contract,
        path=st.just(Path("dev-contract.yml")),
        version=_one("0.9.0", "1.0", "1.2.0", "1.10.1"),
        form=_one("mmp.dev/v2", "mmp.dev/v2", "1.0"),
        **{**head, **{name: SECTIONS[name] for name in sections}},
    )
