"""What Feast stores for values of PostgreSQL; tests/integration/test_feature_rows.py holds the same against Feast."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmp_local_dev.services.feast_stored import agrees, form_of
from mmp_local_dev.services.feast_values import NO_TIME, decoded, value_class

NAN = float("nan")
SEOUL = timezone(timedelta(hours=9))


def stored(**fields: Any) -> bytes:
    content: bytes = value_class()(**fields).SerializeToString()
    return content


def written(dtype: str, value: Any) -> bytes:
    form = form_of(dtype)
    assert form
    return form(value)


@pytest.mark.parametrize(
    ("dtype", "value", "fields"),
    [
        ("Int64", 7, {"int64_val": 7}),
        ("Int32", Decimal(7), {"int32_val": 7}),
        ("Int64", 1.5, {"int64_val": 1}),
        ("Float64", 7, {"double_val": 7.0}),
        ("Float64", Decimal("1.10"), {"double_val": 1.1}),
        ("Float32", 0.1, {"float_val": 0.1}),
        ("Float32", 1e308, {"float_val": float("inf")}),
        ("Float64", NAN, {}),
        ("Bool", False, {"bool_val": False}),
        ("String", "é", {"string_val": "é"}),
        ("String", 5, {"string_val": "5"}),
        ("String", Decimal("1.10"), {"string_val": "1.1"}),
        ("String", date(2025, 1, 1), {"string_val": "2025-01-01T00:00:00.000000"}),
        ("Bytes", b"\0", {"bytes_val": b"\0"}),
        ("UnixTimestamp", datetime(2025, 1, 1, 9, 0, 0, 999_999, SEOUL), {"unix_timestamp_val": 1735689600}),
        ("UnixTimestamp", datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC), {"unix_timestamp_val": -2}),
        ("UnixTimestamp", date(2025, 1, 1), {"unix_timestamp_val": 1735689600}),
        ("UnixTimestamp", None, {"unix_timestamp_val": NO_TIME}),
        ("Json", {"a": 1}, {"json_val": '{"a": 1}'}),
        ("Decimal", "1.10", {"decimal_val": "1.10"}),
        ("Array(Float64)", [0.1, NAN], {"double_list_val": {"val": [0.1, NAN]}}),
        ("Array(String)", ["a", None], {"string_list_val": {"val": ["a", ""]}}),
        ("Array(UnixTimestamp)", [date(2025, 1, 1), None], {"unix_timestamp_list_val": {"val": [1735689600, NO_TIME]}}),
        ("Set(Int64)", [1], {"int64_set_val": {"val": [1]}}),
        ("Array(Int64)", None, {}),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_stored(dtype: str, value: Any, fields: dict[str, Any]) -> None:
    assert written(dtype, value) == stored(**fields)
    assert agrees(dtype, value, stored(**fields))


@given(st.floats())
def test_floats_agree_to_the_last_bit(value: float) -> None:
    assert agrees("Float64", value, written("Float64", value))
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    (other,) = struct.unpack("<d", struct.pack("<Q", bits ^ 1))
    if value == value and other == other:
        assert not agrees("Float64", value, stored(double_val=other))


def test_no_sign_of_zero_is_lost() -> None:
    assert not agrees("Float64", 0.0, stored(double_val=-0.0))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_numerics_agree_as_near_as_arrow_brings_them(value: Decimal) -> None:
    product = float(value.scaleb(4)) * 1e-4  # as Arrow does it
    assert agrees("Float64", value, stored(double_val=product))
    assert not agrees("Float64", value + Decimal("0.0001"), stored(double_val=product))


@pytest.mark.parametrize("content", [None, b"", stored(unix_timestamp_val=NO_TIME)], ids=["absent", "empty", "no time"])
@pytest.mark.parametrize("dtype", ["UnixTimestamp", "Float64", "String", "Array(Int64)", "Map"])
def test_nothing_is_stored_in_several_ways(dtype: str, content: bytes | None) -> None:
    assert agrees(dtype, None, content)


@pytest.mark.parametrize(("dtype", "value"), [("Int64", 0), ("String", ""), ("Bool", False), ("Array(Int64)", [])])
def test_nothing_is_no_value(dtype: str, value: Any) -> None:
    assert not agrees(dtype, value, b"")
    assert not agrees(dtype, None, written(dtype, value))


@pytest.mark.parametrize(
    ("dtype", "value", "fields", "same"),
    [
        ("Set(String)", ["b", "a", "b"], {"string_set_val": {"val": ["a", "b"]}}, True),
        ("Set(String)", ["b"], {"string_set_val": {"val": ["a", "b"]}}, False),
        ("Array(String)", ["b", "a"], {"string_list_val": {"val": ["a", "b"]}}, False),
        ("Json", {"a": 1, "b": 2}, {"json_val": '{"b":2,"a":1}'}, True),
        ("Map", {"a": 1}, {"map_val": {"val": [{"key": "a", "value": {"int64_val": 1}}]}}, True),
        ("Map", {"a": 2}, {"map_val": {"val": [{"key": "a", "value": {"int64_val": 1}}]}}, False),
        ("value type 99", "x", {"string_val": "x"}, True),
        ("Array(Float64)", [Decimal("350.115759")], {"double_list_val": {"val": [350.11575899999997]}}, True),
    ],
    ids=str,
)
def test_what_can_be_written_in_several_ways(dtype: str, value: Any, fields: dict[str, Any], *, same: bool) -> None:
    assert agrees(dtype, value, stored(**fields)) is same


@pytest.mark.parametrize(("dtype", "value"), [("Int32", 2**31), ("Int64", "x"), ("Float64", "x"), ("Bytes", "x")])
def test_a_value_that_the_type_cannot_have_agrees_with_nothing(dtype: str, value: Any) -> None:
    assert not agrees(dtype, value, b"")
    assert not agrees(dtype, value, stored(int64_val=0))


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "String", "Bool", "UnixTimestamp", "Array(Int64)", "Uuid"])
def test_another_type_is_another_value(dtype: str) -> None:
    assert not agrees(dtype, None, stored(double_val=1.0))
    assert decoded(stored(double_val=1.0)) == 1.0
