"""Feature tables made by hand, and real Feast on them: what the tests of online and offline rows share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conftest import Dev
from mmp_local_dev.environment import Environment
from mmp_local_dev.services import feast_registry
from mmp_local_dev.services.feast_registry import Project

if TYPE_CHECKING:
    import psycopg

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def at(day: int, **more: int) -> datetime:
    """A moment in January 2025."""
    return datetime(2025, 1, day, **more, tzinfo=UTC)


@dataclass
class Features:
    """A project of real Feast on a running stack, with a registry of its own beside the workspace's."""

    dev: Dev
    name: str
    objects: list[Any] = field(default_factory=list)
    registry_path: Path | None = None

    @property
    def registry(self) -> Path:
        return self.registry_path or self.dev.root / f"{self.name}.db"

    @property
    def env(self) -> Environment:
        values = self.dev.env()
        return Environment({**values, "FEAST_PROJECT": self.name, "FEAST_REGISTRY_PATH": str(self.registry)})

    @property
    def project(self) -> Project:
        return feast_registry.read(self.registry).projects[self.name]

    @property
    def store(self) -> Any:
        from feast import FeatureStore

        from mmp_local_dev.services.feast import configuration

        return FeatureStore(config=configuration(self.env, self.name, 3))

    @property
    def redis(self) -> Any:
        from redis import Redis

        return Redis(port=int(self.env["REDIS_PORT"]), password=self.env.get("REDIS_PASSWORD") or None)

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        env, names = self.env, ("HOST", "PORT", "USER", "PASSWORD", "DB")
        host, port, user, password, database = (env[f"POSTGRES_{name}"] for name in names)
        with psycopg.connect(
            host=host, port=port, user=user, password=password, dbname=database, autocommit=True
        ) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS features")
            connection.execute("SET search_path = features")
            yield connection

    def run(self, *statements: str) -> None:
        with self.sql() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def view(self, name: str, keys: dict[str, Any], features: dict[str, Any], *names: str, **source: Any) -> None:
        """Add a view that reads the table of its name, or what `source` says; its entities have these names, or those
        of their keys."""
        from feast import Entity, FeatureView, Field
        from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource

        ttl = timedelta(days=source.pop("ttl", 3650))
        where = {"timestamp_field": "event_timestamp", **({} if "query" in source else {"table": name}), **source}
        entities = [
            Entity(name=name, join_keys=[key], value_type=type_.to_value_type())
            for name, (key, type_) in zip(names or keys, keys.items(), strict=True)
        ]
        self.objects += [each for each in entities if each.name not in {have.name for have in self.objects}]
        schema = [Field(name=key, dtype=type_) for key, type_ in {**keys, **features}.items()]
        source_ = PostgreSQLSource(name=name, **where)
        self.objects.append(FeatureView(name=name, entities=entities, ttl=ttl, schema=schema, source=source_))

    def apply(self) -> None:
        self.store.apply(self.objects)

    def materialize(self, *views: str, until: datetime = END) -> None:
        self.store.materialize(BEGIN, until, feature_views=list(views) or None)

    def online(self, view: str, features: Sequence[str], keys: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What Feast itself answers."""
        found = self.store.get_online_features([f"{view}:{name}" for name in features], list(keys)).to_dict()
        return [{name: found[name][place] for name in features} for place in range(len(keys))]
