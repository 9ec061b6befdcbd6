"""Profiles that are made up: of a good day, of a bad one, and of somebody's hostile database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmp_local_dev.features.profile_bins import Scale
from mmp_local_dev.features.profile_facts import (
    Column,
    Entities,
    Histogram,
    Online,
    Precision,
    Profile,
    Share,
    ShareGroup,
    Table,
    Value,
)
from mmp_local_dev.features.profile_notices import notices
from mmp_local_dev.services.postgresql_measures import Kind
from reports import HOSTILE

DAY = 86400.0
BEGIN = 1735689600.0  # 2025-01-01


def profile(*tables: Table, online: tuple[Online, ...] = (), **told: Any) -> Profile:
    """Of a project `local` and a contract `sample` 1.1.0."""
    fields: dict[str, Any] = {
        "data_sets": tuple(dict.fromkeys(table.comment for table in tables if table.comment)),
        "without_rows": {},
        "notices": tuple(notices(tables, online)),
        **told,
    }
    return Profile(
        "local", "sample", "1.1.0", "default", "2026-11-21T16:25:03+00:00", 0.43, tables=tables, online=online, **fields
    )


def good() -> Profile:
    """A table of transactions and a view, online as it is offline."""
    return profile(
        transactions(),
        demographics(),
        online=(Online("user_demographics", rows=40, stored=40, cells=120, materialized="2026-11-21T16:20:00+00:00"),),
        without_rows={"user_age": "computed when it is asked for"},
    )


def bad() -> Profile:
    """Unreadable, empty and damaged tables; online rows that differ, and a view that could not be compared."""
    broken = replace(
        demographics(),
        name="damaged",
        comment="another data set",
        future=3,
        columns=(
            number("age", nan=3, measured=900, count=1000),
            number("income", count=300, measured=300),
            replace(number("nothing"), count=0, measured=0, distinct=0, histogram=None, low=None, high=None, mean=None),
            Column("secret", "text", Kind.TEXT, problem="the user of .env may not read it"),
        ),
    )
    return profile(
        Table("locked", "features.locked", problem="somebody holds a lock on it, for more than 5 s"),
        Table("empty", "features.empty", "table", ("empty",), columns=(Column("id", "integer", Kind.NUMBER),)),
        replace(transactions(), rows=40_000_000),
        broken,
        online=(
            Online(
                "damaged",
                rows=40,
                stored=39,
                cells=120,
                differences={"stale": 3, "not online": 1},
                example="user_id=user_1, age: offline 30, online 29",
                data_set="an older data set",
                materialized="2026-11-21T16:20:00+00:00",
                redefined=True,
            ),
            Online("empty", problem="Redis at localhost:6379: connection refused."),
            Online("many", rows=20_000, stored=20_000, whole=False),
        ),
    )


def hostile() -> Profile:
    """Names and values that try to be something else than text."""
    columns = tuple(
        replace(text("c", *HOSTILE), name=name, type=name[:50], problem="") for name in (*HOSTILE, "", "a" * 300)
    )
    shares = (Share(HOSTILE[0], HOSTILE[0], "value", tuple(ShareGroup(each, 10, 3) for each in HOSTILE)),)
    table = replace(transactions(), name=HOSTILE[0], description=HOSTILE[0], comment=HOSTILE[1], columns=columns)
    table = replace(table, shares=shares, relation=HOSTILE[1], views=HOSTILE, timestamp=HOSTILE[0])
    online = (
        Online(HOSTILE[0], problem=HOSTILE[0]),
        Online(HOSTILE[1], rows=3, differences={"stale": 1}, example=HOSTILE[0]),
    )
    found = profile(table, replace(table, problem=HOSTILE[0]), online=online)
    return replace(found, project=HOSTILE[0], contract=HOSTILE[3], without_rows={HOSTILE[0]: HOSTILE[0]})


def wide() -> Profile:
    """Three hundred columns of long names and large numbers."""
    columns = (
        replace(number(f"a_rather_long_name_of_a_feature_{n}"), low=-1.5e99, high=2.0**63, mean=1e99)
        for n in range(300)
    )
    return profile(replace(transactions(), columns=tuple(columns), shares=(), name="a_rather_long_name_of_a_table" * 3))


def transactions() -> Table:
    """Half a year with a label."""
    days = tuple(BEGIN + DAY * n for n in range(182))
    counts = tuple(100 + n % 7 * 30 for n in range(181))
    at = Column(
        *("event_timestamp", "timestamp with time zone", Kind.TIME, "timestamp"),
        **seen(sum(counts), low=days[0], high=days[-1]),
        lowest="2025-01-01 00:00:12+00",
        highest="2025-06-30 23:59:01+00",
        histogram=Histogram(Scale.CALENDAR, "day", days, counts),
    )
    hours = tuple(ShareGroup(str(hour), 1000, 40 if hour < 6 else 5) for hour in range(24))
    by_day = tuple(ShareGroup(f"2025-01-{day:02}T00:00:00+00:00", 100, day % 5) for day in range(1, 32))
    by_category = tuple(ShareGroup(f"category_{n}", 1000, 40 - n) for n in range(14))
    return Table(
        "transactions",
        "features.transactions",
        "table",
        description="What happened, and whether it was fraud.",
        comment="card-fraud 1: 50000 rows, seed 42",
        timestamp="event_timestamp",
        rows=sum(counts),
        read=sum(counts),
        first="2025-01-01 00:00:12+00",
        last="2025-06-30 23:59:01+00",
        age=509 * DAY,
        entities=(Entities(("user_id",), 40, 1, 12, 300), Entities(("merchant_id",), 9, 7, 7, 7)),
        columns=(
            text("transaction_id"),
            at,
            text("category", *(f"category_{n}" for n in range(10))),
            number("amount", scale=Scale.LOG),
            number("is_fraud", low=0, high=1, mean=0.012, distinct=2),
            replace(number("latitude"), precision=Precision.ESTIMATE),
        ),
        shares=(
            Share("is_fraud", "event_timestamp", "time", by_day, "day"),
            Share("is_fraud", "category", "value", by_category),
            Share("is_fraud", "event_timestamp", "hour", hours),
        ),
    )


def demographics() -> Table:
    """A view of which some values are missing."""
    return Table(
        "user_demographics",
        "features.user_demographics",
        "table",
        ("user_demographics",),
        comment="card-fraud 1: 50000 rows, seed 42",
        rows=1000,
        read=1000,
        first="2025-01-01 00:00:00+00",
        last="2025-01-01 00:00:00+00",
        age=40.0,
        entities=(Entities(("user_id",), 1000, 1, 1, 1),),
        columns=(
            text("user_id"),
            number("age", count=990, measured=990, role="feature"),
            Column("tags", "text[]", Kind.ARRAY, **seen(1000, low=0, high=12)),
            Column("vip", "boolean", Kind.BOOLEAN, **seen(1000, low=0, high=1), values=(Value("true", 7),)),
        ),
    )


def seen(rows: int, **told: Any) -> dict[str, Any]:
    """The figures that any column has."""
    quantiles = {"0.05": told.get("low"), "0.5": told.get("low"), "0.95": told.get("high")}
    known = {"rows": rows, "count": rows, "measured": rows, "distinct": rows, "sampled": 500}
    return {**known, "quantiles": quantiles, **told}


def number(name: str, *, scale: Scale = Scale.LINEAR, **told: Any) -> Column:
    """A thousand numbers in nine bins and beyond."""
    edges = tuple(10.0**n for n in range(10)) if scale is Scale.LOG else tuple(10.0 * n for n in range(10))
    drawn = Histogram(scale, "", edges, (1, 5, 40, 200, 300, 250, 100, 50, 4), below=3, above=40)
    fields = {**seen(1000, low=1.0, high=98.6, mean=33.1, deviation=4.0, lowest="1", highest="98.6"), **told}
    return Column(name, "double precision", Kind.NUMBER, histogram=drawn, **fields)


def text(name: str, *values: str) -> Column:
    """Texts, the first value the most frequent."""
    counted = tuple(Value(value, 400 - 30 * n, shortened=n == 1) for n, value in enumerate(values))
    return Column(name, "character varying(50)", Kind.TEXT, **seen(1000, low=1, high=9), values=counted)
