from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mmp_local_dev.features.materialize_plan import not_materialized
from mmp_local_dev.services.feast_materialized import definition_of
from mmp_local_dev.services.feast_registry import Project, RegisteredView

VIEW = RegisteredView(
    "batch",
    ("user",),
    {"age": "Int64", "city": "String"},
    table="users",
    timestamp_field="at",
    join_keys={"user_id": "String"},
)


def definition(**changes: Any) -> str:
    return definition_of(Project("shop", views={"users": replace(VIEW, **changes)}), "users")


@pytest.mark.parametrize(
    "changes",
    [
        {"features": {"age": "Int32", "city": "String"}},
        {"features": {"age": "Int64"}},
        {"join_keys": {"user_id": "Int64"}},
        {"table": "people"},
        {"table": "", "query": "SELECT 1"},
        {"timestamp_field": "since"},
        {"created_timestamp_column": "made"},
        {"columns": {"age": "years"}},
    ],
    ids=str,
)
def test_what_makes_other_rows_is_another_definition(changes: dict[str, Any]) -> None:
    assert definition(**changes) != definition()


@pytest.mark.parametrize(
    "changes",
    [
        {"updated": datetime(2025, 1, 1, tzinfo=UTC)},
        {"ttl": 60},
        {"features": {"city": "String", "age": "Int64"}},
        {"online": False},
    ],
    ids=str,
)
def test_what_leaves_the_rows_as_they_are_is_the_same_definition(changes: dict[str, Any]) -> None:
    assert definition(**changes) == definition()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"kind": "stream"}, ""),
        ({"table": "", "query": "SELECT 1"}, ""),
        ({"kind": "on demand", "table": ""}, "is computed when it is read"),
        ({"online": False}, "is not served online"),
        ({"table": ""}, "has no source in PostgreSQL"),
        ({"join_keys": {}}, "has no entity"),
    ],
    ids=str,
)
def test_which_views_have_rows_online(changes: dict[str, Any], why: str) -> None:
    assert not_materialized(replace(VIEW, **changes)) == why
