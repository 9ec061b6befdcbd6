"""Lines of the file as rows of tables, in Arrow, and a quick look whether all that stands in them is possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmp_local_dev.features.imported import people

if TYPE_CHECKING:
    import pyarrow as pa

_TRANSACTION = {
    "trans_num": "transaction_id",
    "trans_date_trans_time": "event_timestamp",
    "cc_num": "user_id",
    "merchant": "merchant_id",
    "category": "category",
    "amt": "amount",
    "merch_lat": "latitude",
    "merch_long": "longitude",
    "is_fraud": "is_fraud",
}
_PERSON = {
    "cc_num": "user_id",
    "trans_date_trans_time": "at",
    "trans_num": "transaction_id",
    "gender": "gender",
    "job": "job",
    "city": "city",
    "state": "state",
    "city_pop": "city_population",
    "lat": "home_latitude",
    "long": "home_longitude",
    "dob": "born",
}
_LONGEST = {
    **{"merchant": 100, "category": 50, "gender": 10, "city": 100, "state": 50, "job": 100},
    **{"trans_num": 32, "cc_num": 50},
}
_MOST = {"lat": 90, "long": 180, "merch_lat": 90, "merch_long": 180}


def column_types() -> dict[str, Any]:
    """The Arrow type of each column that is read."""
    import pyarrow as pa

    return {
        "trans_date_trans_time": pa.timestamp("us"),
        "amt": pa.decimal128(12, 2),
        "city_pop": pa.int64(),
        "dob": pa.date32(),
        "is_fraud": pa.int8(),
        **dict.fromkeys(_LONGEST, pa.string()),
        **dict.fromkeys(_MOST, pa.float64()),
    }


def rows_of(lines: pa.Table) -> Mapping[str, pa.Table]:
    """The rows that they become, by table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = lines.schema.get_field_index("trans_date_trans_time")
    moments = pc.assume_timezone(lines["trans_date_trans_time"], "UTC")
    timed = lines.set_column(place, pa.field("trans_date_trans_time", moments.type), moments)
    return {
        table: timed.select(list(names)).rename_columns(list(names.values()))
        for table, names in (("transactions", _TRANSACTION), (people.TABLE, _PERSON))
    }


def impossible(lines: pa.Table) -> list[str]:
    """The columns in which something impossible stands, though all are of the right types."""
    import pyarrow.compute as pc

    texts = {name: _bad_text(lines[name], longest) for name, longest in _LONGEST.items()}
    numbers = {name: pc.invert(pc.less_equal(pc.abs(lines[name]), most)) for name, most in _MOST.items()}
    wrong = {
        **texts,
        **numbers,
        "cc_num": pc.invert(pc.match_substring_regex(lines["cc_num"], "^[0-9]{1,50}$")),
        "is_fraud": pc.invert(pc.is_in(lines["is_fraud"], value_set=_flags())),
        "city_pop": pc.less(lines["city_pop"], 0),
        "dob": pc.greater(lines["dob"], lines["trans_date_trans_time"].cast("date32")),
        "trans_date_trans_time": pc.less(pc.year(lines["trans_date_trans_time"]), 1),
    }
    return [name for name, found in wrong.items() if pc.any(found).as_py()]


def _bad_text(values: Any, longest: int) -> Any:
    """Whether each is empty, longer than its column, or has a character that PostgreSQL's texts cannot have."""
    import pyarrow.compute as pc

    length = pc.utf8_length(values)
    fits = pc.and_(pc.greater(length, 0), pc.less_equal(length, longest))
    return pc.or_(pc.invert(fits), pc.match_substring(values, "\x00"))


def _flags() -> Any:
    import pyarrow as pa

    return pa.array([0, 1], pa.int8())
