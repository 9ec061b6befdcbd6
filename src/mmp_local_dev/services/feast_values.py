"""Feast's values as it stores them online, read and written without Feast.

Each is one protobuf message with one of many fields, declared here with the numbers of Feast's own definition
(protos/feast/types/Value.proto).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from mmp_local_dev.services.protobuf import ONE, message_class, parsed

NO_TIME = -(2**63)  # what Feast writes for a moment that is not there

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# As `protobuf.message_class` takes them.
_MESSAGES = {
    "Value": "1 bytes_val |bytes, 2 string_val |string, 3 int32_val |int32, 4 int64_val |int64, 5 double_val |double, "
    "6 float_val |float, 7 bool_val |bool, 8 unix_timestamp_val |int64, 11 bytes_list_val |BytesList, "
    "12 string_list_val |StringList, 13 int32_list_val |Int32List, 14 int64_list_val |Int64List, "
    "15 double_list_val |DoubleList, 16 float_list_val |FloatList, 17 bool_list_val |BoolList, "
    "18 unix_timestamp_list_val |Int64List, 19 null_val |int32, 20 map_val |Map, 21 map_list_val |MapList, "
    "22 bytes_set_val |BytesList, 23 string_set_val |StringList, 24 int32_set_val |Int32List, "
    "25 int64_set_val |Int64List, 26 double_set_val |DoubleList, 27 float_set_val |FloatList, "
    "28 bool_set_val |BoolList, 29 unix_timestamp_set_val |Int64List, 32 json_val |string, "
    "33 json_list_val |StringList, 34 struct_val |Map, 35 struct_list_val |MapList, 36 uuid_val |string, "
    "37 time_uuid_val |string, 38 uuid_list_val |StringList, 39 time_uuid_list_val |StringList, "
    "40 uuid_set_val |StringList, 41 time_uuid_set_val |StringList, 42 list_val |ValueList, 43 set_val |ValueList, "
    "44 decimal_val |string, 45 decimal_list_val |StringList, 46 decimal_set_val |StringList, "
    "47 scalar_map_val |ScalarMap, 48 zoned_timestamp_val |ZonedTimestamp",
    "BytesList": "1 val *bytes",
    "StringList": "1 val *string",
    "Int32List": "1 val *int32",
    "Int64List": "1 val *int64",
    "DoubleList": "1 val *double",
    "FloatList": "1 val *float",
    "BoolList": "1 val *bool",
    "ValueList": "1 val *Value",
    "Map": "1 val *Pair",
    "Pair": "1 key string, 2 value Value",
    "MapList": "1 val *Map",
    "ScalarMap": "1 val *ScalarPair",
    "ScalarPair": "1 key ScalarKey, 2 value Value",
    "ScalarKey": "1 int32_key |int32, 2 int64_key |int64, 3 float_key |float, 4 double_key |double, "
    "5 bool_key |bool, 6 unix_timestamp_key |int64, 7 bytes_key |bytes, 8 uuid_key |string, "
    "9 time_uuid_key |string, 10 decimal_key |string",
    "ZonedTimestamp": "1 unix_timestamp int64, 2 zone string",
}


@dataclass(frozen=True)
class Unreadable:
    """What is stored in place of a value and is none."""

    content: bytes


def decoded(content: bytes) -> Any:
    """The value that `content` stands for: None for none, moments in UTC, lists, frozensets, and dicts of maps.

    Never raises: what Feast did not write is Unreadable.
    """
    try:
        return _python(parsed(value_class(), content))
    except (ValueError, ArithmeticError, RecursionError):
        return Unreadable(content)


@cache
def value_class() -> Any:
    """The class of the message, whose field is named for the type: `double_val`, `string_list_val`, and so on."""
    return message_class("values", _MESSAGES, "Value")


def moment(seconds: int) -> datetime | None:
    """The moment that Feast writes as so many seconds since 1970; None for none.

    Raises OverflowError for one that no calendar has.
    """
    return None if seconds == NO_TIME else EPOCH + timedelta(seconds=seconds)


def _python(message: Any) -> Any:
    name = message.WhichOneof(ONE)
    if name is None:
        return None
    type_, value = name.removesuffix("_val"), getattr(message, name)
    if type_.endswith("_list") or type_ in ("list", "set"):
        return [_element(type_.removesuffix("_list"), each) for each in value.val]
    if type_.endswith("_set"):
        return frozenset(_element(type_.removesuffix("_set"), each) for each in value.val)
    return _element(type_, value)


def _element(type_: str, value: Any) -> Any:
    return _ELEMENTS[type_](value) if type_ in _ELEMENTS else value


def _map(value: Any) -> dict[Any, Any]:
    return {pair.key: _python(pair.value) for pair in value.val}


def _scalar_map(value: Any) -> dict[Any, Any]:
    return {_scalar_key(pair.key): _python(pair.value) for pair in value.val}


def _scalar_key(message: Any) -> Any:
    name = message.WhichOneof(ONE)
    return None if name is None else _element(name.removesuffix("_key"), getattr(message, name))


def _zoned(value: Any) -> datetime | None:
    """The zone says only how it is written; two that differ in it alone are one moment."""
    return moment(value.unix_timestamp)


_ELEMENTS: Mapping[str, Callable[[Any], Any]] = {
    "unix_timestamp": moment,
    "zoned_timestamp": _zoned,
    "uuid": UUID,
    "time_uuid": UUID,
    "decimal": Decimal,
    "json": json.loads,
    "null": lambda _: None,
    "map": _map,
    "struct": _map,
    "scalar_map": _scalar_map,
    **dict.fromkeys(("list", "set"), _python),
}
