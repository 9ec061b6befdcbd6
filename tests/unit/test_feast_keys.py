"""Keys of Feast in Redis: whatever is written is read, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmp_local_dev.services.feast_keys import TYPES, KeyForm

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "String": st.text(),
    "Bytes": st.binary(),
    "Int32": st.integers(-(2**31), 2**31 - 1),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "UnixTimestamp": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
}
JOIN_KEYS = st.dictionaries(st.text(min_size=1), st.sampled_from(sorted(TYPES)), min_size=1, max_size=4)


@st.composite
def keys(draw: st.DrawFn) -> tuple[KeyForm, tuple[Any, ...]]:
    form = KeyForm(draw(JOIN_KEYS), draw(st.text(min_size=1)))
    return form, tuple(draw(VALUES[type_]) for type_ in form.join_keys.values())


USER = KeyForm({"user_id": "String"}, "shop")
KEY = b"\x01\0\0\0\x02\0\0\0\x07\0\0\0user_id\x02\0\0\0\x03\0\0\0u42shop"


def test_one_as_feast_writes_it() -> None:
    assert USER.written(("u42",)) == KEY
    assert USER.read(KEY) == ("u42",)


@given(keys())
def test_what_is_written_is_read(key: tuple[KeyForm, tuple[Any, ...]]) -> None:
    form, values = key
    assert form.read(form.written(values)) == values


@given(st.binary())
def test_nothing_is_too_strange_to_be_read(rest: bytes) -> None:
    USER.read(rest)
    USER.read(USER.prefix + rest + b"shop")


@pytest.mark.parametrize("length", range(len(KEY)))
def test_a_part_is_none(length: int) -> None:
    assert USER.read(KEY[:length]) is None


def test_a_project_whose_name_ends_in_this_one() -> None:
    other = KeyForm(USER.join_keys, "workshop")
    assert USER.read(other.written(("u42",))) is None
    assert other.read(KEY) is None


def test_a_value_that_ends_as_a_project() -> None:
    short = KeyForm(USER.join_keys, "op")
    assert USER.read(short.written(("u42sh",))) is None
    assert short.read(USER.written(("u42",))) is None


def test_a_key_of_another_type() -> None:
    assert KeyForm({"user_id": "Bytes"}, "shop").read(KEY) is None


def test_the_order_of_the_keys_does_not_matter() -> None:
    one, other = KeyForm({"b": "Int64", "a": "String"}, "shop"), KeyForm({"a": "String", "b": "Int64"}, "shop")
    assert one.written((7, "x")) == other.written(("x", 7))
    assert one.read(other.written(("x", 7))) == (7, "x")


def test_a_moment_counts_whole_seconds_downwards() -> None:
    form = KeyForm({"at": "UnixTimestamp"}, "shop")
    before = datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC)
    assert form.read(form.written((before,))) == (before.replace(microsecond=0),)


@pytest.mark.parametrize(("type_", "value"), [("Int32", 2**31), ("Int64", "7"), ("Bytes", "x"), ("UnixTimestamp", "x")])
def test_impossible_values(type_: str, value: object) -> None:
    with pytest.raises(ValueError, match="is no key"):
        KeyForm({"id": type_}, "shop").written((value,))


def test_special_characters_of_patterns_are_quoted() -> None:
    form = KeyForm({"*" * 42: "String"}, "a[b]?")
    assert form.pattern == b"\x01\0\0\0\x02\0\0\0\\*\0\0\0" + b"\\*" * 42 + b"*" + rb"a\[b\]\?"
