"""What Feast 0.67 stores online for a value that PostgreSQL has, so that the two can be compared without Feast.

Feast takes the values through Arrow and numpy. What it does to a value only because of others in the same batch (whole
numbers become floats beside nulls, and lose digits beyond 2**53) is no rule of it, and is found to be another value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isclose
from typing import Any

from mmp_local_dev.services.feast_values import EPOCH, NO_TIME, decoded, value_class

Form = Callable[[Any], bytes]  # of a type: what is stored for a value; raises IMPOSSIBLE for one it cannot have

IMPOSSIBLE = (ValueError, TypeError, ArithmeticError)


def form_of(dtype: str) -> Form | None:
    """How values of this type are stored; None for types whose values can be written in many ways, such as maps."""
    kind, _, inner = dtype.removesuffix(")").partition("(")
    if kind in _SCALARS and not inner:
        return _scalar_form(kind)
    return _many_form(inner, _MANY[kind]) if kind in _MANY and inner in _SCALARS else None


def agrees(dtype: str, offline: Any, stored: bytes | None) -> bool:
    """Whether `stored` is what Feast stores for the value `offline`: to the last bit, but sets and documents in any
    order, and numerics as near as Arrow turns them into floats. Nothing at all is stored in several ways."""
    form, found = form_of(dtype), decoded(stored or b"")
    if form is None:
        return bool(found == offline)
    try:
        expected = decoded(form(offline))
    except IMPOSSIBLE:
        return False
    if expected is None or dtype == "Json" or dtype.startswith("Set("):
        return bool(found == expected)
    return form(offline) == stored or _near(dtype, offline, expected, found)


def _near(dtype: str, offline: Any, expected: Any, found: Any) -> bool:
    if isinstance(offline, list) and isinstance(found, list) and len(offline) == len(found):
        return all(_near(dtype, *each) for each in zip(offline, expected, found, strict=True))
    numbers = isinstance(offline, Decimal) and isinstance(expected, float) and isinstance(found, float)
    return numbers and isclose(expected, found, rel_tol=2**-22 if "Float32" in dtype else 2**-51)


def _scalar_form(kind: str) -> Form:
    field, convert = f"{_FIELDS[kind]}_val", _SCALARS[kind]
    message, nothing = value_class(), _nothing(kind)

    def form(offline: Any) -> bytes:
        if offline is None or offline != offline:  # Feast takes NaN for nothing
            return nothing
        content: bytes = message(**{field: convert(offline)}).SerializeToString()
        return content

    return form


def _many_form(inner: str, many: str) -> Form:
    field, convert = f"{_FIELDS[inner]}_{many}_val", _SCALARS[inner]
    message, nothing = value_class(), _IN_LISTS[inner]

    def form(offline: Any) -> bytes:
        if offline is None:
            return b""
        elements = [nothing if each is None else convert(each) for each in offline]
        content: bytes = message(**{field: {"val": elements}}).SerializeToString()
        return content

    return form


def _nothing(kind: str) -> bytes:
    nothing: bytes = value_class()(unix_timestamp_val=NO_TIME).SerializeToString()
    return nothing if kind == "UnixTimestamp" else b""


def _text(value: Any) -> str:
    """As numpy writes it, where it is no text already."""
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
        return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y-%m-%dT%H:%M:%S.%f}"
    return str(float(value)) if isinstance(value, Decimal) else str(value)


def _seconds(value: Any) -> int:
    """Since 1970, rounded down."""
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
        return since.days * 86400 + since.seconds
    return int(value)


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_MANY = {"Array": "list", "Set": "set"}

# By type as users write it: the beginning of its field's name, and what a value of PostgreSQL becomes.
_FIELDS = {
    **{"Bytes": "bytes", "PdfBytes": "bytes", "ImageBytes": "bytes", "String": "string", "Int32": "int32"},
    **{"Int64": "int64", "Float64": "double", "Float32": "float", "Bool": "bool", "UnixTimestamp": "unix_timestamp"},
    **{"Uuid": "uuid", "TimeUuid": "time_uuid", "Decimal": "decimal", "Json": "json"},
}
_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    **{"Bytes": bytes, "PdfBytes": bytes, "ImageBytes": bytes, "String": _text, "Int32": int, "Int64": int},
    **{"Float64": float, "Float32": float, "Bool": bool, "UnixTimestamp": _seconds},
    **{"Uuid": str, "TimeUuid": str, "Decimal": str, "Json": _document},
}

# What Feast writes for a null in an array, which protobuf does not have.
_IN_LISTS: Mapping[str, Any] = {
    **{"Bytes": b"", "String": "", "Int32": 0, "Int64": 0, "Float64": 0.0, "Float32": 0.0, "Bool": False},
    **{"UnixTimestamp": NO_TIME, "Uuid": "", "TimeUuid": "", "Decimal": "", "Json": "null"},
}
