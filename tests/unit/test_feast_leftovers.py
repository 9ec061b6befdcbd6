"""What is left in the online store when one registry takes another's place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mmp_local_dev.services.feast_keys import KeyForm
from mmp_local_dev.services.feast_leftovers import _project_of, between, merged
from mmp_local_dev.services.feast_registry import Project, RegisteredView

VIEW = RegisteredView("batch", ("user",), {"age": "Int64", "job": "String"}, join_keys={"user_id": "String"})
OLD = Project("shop", views={"users": VIEW, "others": replace(VIEW, features={"x": "Int64"})})


def after(**changed: Any) -> Project:
    return replace(OLD, views={**OLD.views, "users": replace(VIEW, **changed)})


@pytest.mark.parametrize(
    ("new", "left"),
    [
        (OLD, {}),
        (after(features={"age": "Int64", "job": "String", "new": "Int64"}), {}),
        (after(ttl=60, table="other", timestamp_field="at"), {}),
        (after(features={"age": "Int32", "job": "String"}), {"users": ("age",)}),
        (after(features={"job": "String"}), {"users": ("age",)}),
        (after(online=False), {"users": ("", "age", "job")}),
        (after(join_keys={"user_id": "Int64"}), {"users": ("", "age", "job")}),
        (replace(OLD, views={"others": OLD.views["others"]}), {"users": ("", "age", "job")}),
    ],
    ids=["nothing", "a new feature", "another source", "retyped", "gone", "offline", "other keys", "a view is gone"],
)
def test_what_is_left(new: Project, left: dict[str, tuple[str, ...]]) -> None:
    assert between(OLD, new, same_keys=True) == left


def test_where_keys_are_written_otherwise_everything_is() -> None:
    assert between(OLD, OLD, same_keys=False) == {"users": ("", "age", "job"), "others": ("", "x")}


def test_what_was_not_removed_yet_is_not_forgotten() -> None:
    assert merged({"b": ("x",), "a": ("", "y")}, {"a": ("y", "z")}) == {"a": ("", "y", "z"), "b": ("x",)}
    assert merged({}, {}) == {}


def test_whose_a_key_is() -> None:
    key = KeyForm({"user_id": "String", "n": "Int64"}, "shop").written(("user_001", 7))
    assert _project_of(key) == b"shop"
    assert _project_of(KeyForm({"user_id": "String"}, "the_shop").written(("x",))) == b"the_shop"
    for other in (b"", b"shop", b"mmp-dev:materialized:shop", key[:9], b"\0\0\0\0shop", b"\xff\xff\xff\xffshop"):
        assert _project_of(other) != b"shop"
