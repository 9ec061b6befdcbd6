"""What is read of a registry file without Feast is what Feast itself says of it."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.services import feast_registry
from mmp_local_dev.services.feast_registry import Project
from sample import SAMPLE

pytestmark = pytest.mark.needs("native")


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A feature store to which Feast itself applied the sample's definitions; no server is asked for that."""
    from feast import FeatureStore, RepoConfig

    path = str(tmp_path_factory.mktemp("feast") / "registry.db")
    offline = {"type": "postgres", "host": "localhost", "database": "none", "user": "none", "password": "none"}
    config = RepoConfig(
        project="shop", provider="local", registry=path, offline_store=offline, online_store={"type": "redis"}
    )
    store, definitions = FeatureStore(config=config), runpy.run_path(str(SAMPLE / "definitions.py"))
    names = ("user_id", "demographics", "interests", "user_age", "scoring")
    store.apply([*(definitions[name] for name in names), *every_type()])
    return store


def every_type() -> Iterator[Any]:
    """A view for each shape of types: alone, in an array, in a set."""
    from feast import FeatureView, Field
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
    from feast.types import SUPPORTED_BASE_TYPES, Array, Invalid, Map, ScalarMap, Set, ZonedTimestamp

    alone = [type_ for type_ in (*SUPPORTED_BASE_TYPES, Map, ScalarMap) if type_ != Invalid]
    many = [type_ for type_ in alone if type_ not in (ZonedTimestamp, ScalarMap) and "Bytes" not in str(type_)[1:]]
    shapes: dict[str, list[Any]] = {
        "alone": alone,
        "arrays": [Array(type_) for type_ in many if type_ != Map],
        "sets": [Set(type_) for type_ in many if str(type_) not in ("Map", "Json")],
    }
    for name, types in shapes.items():
        schema = [Field(name=f"f{number}", dtype=type_) for number, type_ in enumerate(types)]
        source = PostgreSQLSource(name=name, table=name, timestamp_field="at")
        yield FeatureView(name=name, schema=schema, source=source)


@pytest.fixture(scope="module")
def read(applied: Any) -> Project:
    return feast_registry.read(Path(applied.config.registry.path)).projects["shop"]


def test_projects(applied: Any) -> None:
    assert list(feast_registry.read(Path(applied.config.registry.path)).projects) == ["shop"]


def test_entities(applied: Any, read: Project) -> None:
    assert {name: entity.join_key for name, entity in read.entities.items()} == {
        entity.name: entity.join_key for entity in applied.list_entities()
    }
    assert read.entities["user_id"].dtype == "String"


def test_views(applied: Any, read: Project) -> None:
    theirs = {view.name: view for view in applied.list_batch_feature_views()}
    ours = {name: view for name, view in read.views.items() if view.kind == "batch"}
    assert set(ours) == set(theirs) >= {"user_demographics", "user_interests", "alone", "arrays", "sets"}
    for name, view in theirs.items():
        assert ours[name].features == {feature.name: str(feature.dtype) for feature in view.features}
        assert [ours[name].ttl, ours[name].online] == [view.ttl.total_seconds() if view.ttl else 0, view.online]
        assert ours[name].timestamp_field == view.batch_source.timestamp_field
        assert (ours[name].table or f"({ours[name].query})") == view.batch_source.get_table_query_string()
        updated = view.last_updated_timestamp.replace(microsecond=0, tzinfo=UTC)
        assert ours[name].updated == updated


def test_views_without_an_entity_have_none(read: Project) -> None:
    assert read.views["user_demographics"].entities == ("user_id",)
    assert read.views["alone"].entities == ()


def test_on_demand_views(applied: Any, read: Project) -> None:
    (theirs,) = applied.list_on_demand_feature_views()
    ours = read.views[theirs.name]
    assert (ours.kind, ours.features, ours.online) == ("on demand", {"age_in_months": "Int64"}, True)


def test_feature_services(applied: Any, read: Project) -> None:
    (theirs,) = applied.list_feature_services()
    references = {f"{p.name}:{feature.name}" for p in theirs.feature_view_projections for feature in p.features}
    assert read.services == {theirs.name: references}
