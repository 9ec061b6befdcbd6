"""Values of Feast as they are stored: every one that can be met, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmp_local_dev.services.feast_values import NO_TIME, Unreadable, decoded, value_class

ID = "6f1d3c1c-8f2b-4f4e-9f3b-0a1b2c3d4e5f"
MOMENT = datetime(2025, 1, 1, 10, tzinfo=UTC)


def stored(**fields: Any) -> bytes:
    content: bytes = value_class()(**fields).SerializeToString()
    return content


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, None),
        ({"double_val": 0.1}, 0.1),
        ({"int64_val": 0}, 0),
        ({"string_val": ""}, ""),
        ({"bool_val": False}, False),
        ({"bytes_val": b"\0"}, b"\0"),
        ({"unix_timestamp_val": 1735725600}, MOMENT),
        ({"unix_timestamp_val": NO_TIME}, None),
        ({"zoned_timestamp_val": {"unix_timestamp": 1735725600, "zone": "Asia/Seoul"}}, MOMENT),
        ({"uuid_val": ID}, UUID(ID)),
        ({"decimal_val": "1.10"}, Decimal("1.10")),
        ({"json_val": '{"a": [1]}'}, {"a": [1]}),
        ({"int32_list_val": {"val": []}}, []),
        ({"string_list_val": {"val": ["a", ""]}}, ["a", ""]),
        ({"unix_timestamp_list_val": {"val": [1735725600, NO_TIME]}}, [MOMENT, None]),
        ({"uuid_set_val": {"val": [ID]}}, {UUID(ID)}),
        ({"int64_set_val": {"val": [2, 1]}}, {1, 2}),
        ({"map_val": {"val": [{"key": "a", "value": {"int64_val": 1}}]}}, {"a": 1}),
        ({"struct_list_val": {"val": [{"val": [{"key": "a", "value": {}}]}]}}, [{"a": None}]),
        ({"list_val": {"val": [{"int64_list_val": {"val": [1]}}, {"int64_list_val": {"val": []}}]}}, [[1], []]),
        ({"scalar_map_val": {"val": [{"key": {"int64_key": 7}, "value": {"string_val": "x"}}]}}, {7: "x"}),
    ],
    ids=str,
)
def test_values(fields: dict[str, Any], value: object) -> None:
    assert decoded(stored(**fields)) == value


@pytest.mark.parametrize(
    "content",
    [b"\xff", stored(uuid_val="none"), stored(decimal_val="x"), stored(json_val="{"), stored(unix_timestamp_val=2**60)],
    ids=["no message", "uuid", "decimal", "json", "moment"],
)
def test_what_is_no_value(content: bytes) -> None:
    assert decoded(content) == Unreadable(content)


@given(st.binary())
def test_nothing_is_too_strange_to_be_read(content: bytes) -> None:
    decoded(content)
