"""Rows that real Feast has stored, read and removed without it; and their sources, read as Feast reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Dev, workspace
from feature_tables import Features, at
from mmp_local_dev.errors import MmpError, NotReady
from mmp_local_dev.services import feast_offline, feast_online
from mmp_local_dev.services.feast_keys import TYPES, KeyForm
from mmp_local_dev.services.feast_offline import Row
from mmp_local_dev.services.feast_online import Entry
from mmp_local_dev.services.feast_sql import source_of
from mmp_local_dev.services.feast_stored import form_of
from mmp_local_dev.services.feast_values import decoded

pytestmark = pytest.mark.needs("native")

TIMEOUT = 5.0


@pytest.fixture(scope="module")
def dev(base: Path) -> Iterator[Dev]:
    with workspace(base) as made:
        made("up", "postgresql", "redis", code=None)
        yield made


@pytest.fixture(scope="module")
def shop(dev: Dev) -> Features:
    """Views with every type, with several keys, and with a query, in a project whose name another one ends in."""
    from feast import types as t

    made = Features(dev, "shop")
    made.run(
        f"CREATE TABLE types (user_id text, event_timestamp timestamptz, {', '.join(f'{n} {p}' for n, p in COLUMNS)})",
        f"INSERT INTO types SELECT 'full', '2025-01-02 03:04:05.678901+00', {', '.join(FIRST)}",
        f"INSERT INTO types SELECT 'other', '2025-01-03', {', '.join(SECOND)}",
        "INSERT INTO types VALUES ('empty', '2025-01-04 09:00+09')",
        'CREATE TABLE visits (user_id varchar(9), shop_id bigint, "When" timestamptz, made timestamptz, "Count %" int)',
        "INSERT INTO visits VALUES ('u1', 1, '2025-01-01', '2025-01-09', 11), ('u1', 1, '2025-01-01', now(), 12)",
        "INSERT INTO visits VALUES ('u1', 1, '2024-12-31', now(), 10), ('u1', 2, '2025-01-05', now(), 20)",
        "INSERT INTO visits VALUES ('u2', 1, '2025-01-01', now(), 30), ('u2', 1, now() + interval '1 day', now(), 31)",
        "INSERT INTO visits VALUES ('u3', 9, now() + interval '1 day', now(), 40), (NULL, 1, '2025-01-01', now(), 50)",
        "CREATE TABLE plain AS SELECT 'u' || n AS user_id, timestamp '2025-01-01' + n * interval '1 hour' AS"
        " event_timestamp, n AS f FROM generate_series(1, 2500) AS n",
    )
    arrays = {name: t.Array(getattr(t, type_)) for name, type_ in ARRAYS.items()}
    sets = {name: t.Set(getattr(t, type_)) for name, type_ in SETS.items()}
    made.view("types", {"user_id": t.String}, {**{n: getattr(t, x) for n, x in SCALARS.items()}, **arrays, **sets})
    made.view(
        "visits",
        {"user_id": t.String, "shop_id": t.Int64},
        {"visit_count": t.Int64},
        query="SELECT * FROM visits WHERE user_id LIKE 'u%'",
        timestamp_field="When",
        created_timestamp_column="made",
        field_mapping={"Count %": "visit_count"},
    )
    made.view("plain", {"user_id": t.String}, {"f": t.Int64})
    made.apply()
    made.materialize("types", "plain")
    made.materialize("visits", until=datetime.now(UTC))
    return made


SCALARS = {
    "yes": "Bool",
    "small": "Int32",
    "big": "Int64",
    "single": "Float32",
    "double": "Float64",
    "money": "Float64",
    "word": "String",
    "raw": "Bytes",
    "moment": "UnixTimestamp",
    "local": "UnixTimestamp",
    "day": "UnixTimestamp",
    "document": "Json",
    "id": "Uuid",
    "exact": "Decimal",
}
ARRAYS = {
    "bools": "Bool",
    "ints": "Int32",
    "bigs": "Int64",
    "singles": "Float32",
    "doubles": "Float64",
    "words": "String",
    "raws": "Bytes",
    "moments": "UnixTimestamp",
}
SETS = {"set_of_ints": "Int64", "set_of_words": "String", "set_of_doubles": "Float64", "set_of_bools": "Bool"}
COLUMNS = [
    *zip(SCALARS, ["bool", "int", "bigint", "real", "float8", "numeric", "text", "bytea", "timestamptz"], strict=False),
    *(("local", "timestamp"), ("day", "date"), ("document", "text"), ("id", "text"), ("exact", "text")),
    *zip(
        ARRAYS, ["bool[]", "int[]", "bigint[]", "real[]", "float8[]", "text[]", "bytea[]", "timestamptz[]"], strict=True
    ),
    *zip(SETS, ["bigint[]", "text[]", "float8[]", "bool[]"], strict=True),
]
FIRST = [
    *("true", "-7", "9007199254740992", "0.1", "-0.0", "1234.56", "'é'", r"'\x00ff'", "'2025-01-01 10:00:00.9+09'"),
    *("'1969-12-31 23:59:58.5'", "'2025-01-01'", """'{"a": [1, null]}'""", "'6f1d3c1c-8f2b-4f4e-9f3b-0a1b2c3d4e5f'"),
    *("'1.10'", "'{t,f}'", "'{1,-2}'", "'{}'", "'{0.1}'", "'{0.1,NaN,Infinity}'", "'{a,é}'", r"ARRAY['\x00ff'::bytea]"),
    *("'{2025-01-01 10:00:00.5+00}'", "'{2,1,2}'", "'{b,a}'", "'{0.5}'", "'{t,t}'"),
]
SECOND = [
    *("false", "0", "0", "'Infinity'", "1e308", "0.07", "''", "''", "'2025-01-01'", "'2025-01-01'", "'0001-01-01'"),
    *("'7'", "NULL", "'-0.001'", "NULL", "'{}'", "'{9007199254740993}'", "'{}'", "NULL", "'{}'", "NULL", "'{}'"),
    *("'{}'", "NULL", "'{}'", "NULL"),
]


def entries(features: Features, view: str) -> dict[Any, Entry]:
    batches = feast_online.entries(features.env, features.project, view, timeout=TIMEOUT)
    return {entry.keys: entry for batch in batches for entry in batch}


def latest(features: Features, view: str) -> list[Row]:
    batches = feast_offline.latest(features.env, features.project, view, timeout=TIMEOUT)
    return [row for batch in batches for row in batch]


class TestOnline:
    @pytest.mark.parametrize("user", ["full", "other", "empty"])
    def test_every_type_is_read_as_feast_reads_it(self, shop: Features, user: str) -> None:
        names = [*SCALARS, *ARRAYS, *SETS]
        (theirs,) = shop.online("types", names, [{"user_id": user}])
        ours = entries(shop, "types")[(user,)].values
        assert list(map(repr, map(plain, ours.values()))) == list(map(repr, map(plain, theirs.values())))

    def test_moments_are_kept_to_the_microsecond(self, shop: Features) -> None:
        assert entries(shop, "types")[("full",)].at == datetime(2025, 1, 2, 3, 4, 5, 678901, UTC)
        assert entries(shop, "types")[("empty",)].at == at(4)

    def test_single_rows(self, shop: Features) -> None:
        asked = [("u2", 1), ("nobody", 1), ("u1", 2)]
        found = feast_online.read(shop.env, shop.project, "visits", asked, timeout=TIMEOUT)
        assert [entry and entry.values["visit_count"] for entry in found] == [30, None, 20]

    def test_more_rows_than_are_read_in_one_go(self, shop: Features) -> None:
        keys = [(f"u{n}",) for n in range(1, 2502)]
        found = feast_online.read(shop.env, shop.project, "plain", keys, timeout=TIMEOUT)
        assert [entry and entry.values["f"] for entry in found] == [*range(1, 2501), None]
        assert len(entries(shop, "plain")) == 2500

    def test_a_view_that_is_not_there(self, shop: Features) -> None:
        with pytest.raises(MmpError, match="has no feature view none"):
            feast_online.read(shop.env, shop.project, "none", [], timeout=TIMEOUT)


def plain(value: Any) -> Any:
    """Sets in an order."""
    return sorted(value) if isinstance(value, set | frozenset) else value


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_keys_are_those_of_feast(data: st.DataObject) -> None:
    from feast.infra.online_stores.helpers import _redis_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    fields: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
        "String": ("string_val", st.text()),
        "Bytes": ("bytes_val", st.binary()),
        "Int32": ("int32_val", st.integers(-(2**31), 2**31 - 1)),
        "Int64": ("int64_val", st.integers(-(2**63), 2**63 - 1)),
        "UnixTimestamp": ("unix_timestamp_val", st.integers(-(2**33), 2**35)),
    }
    types = data.draw(st.dictionaries(st.text(min_size=1), st.sampled_from(sorted(TYPES)), min_size=1, max_size=4))
    project = data.draw(st.text(min_size=1))
    values = tuple(data.draw(fields[type_][1]) for type_ in types.values())
    theirs = EntityKey(
        join_keys=list(types),
        entity_values=[Value(**{fields[t][0]: v}) for t, v in zip(types.values(), values, strict=True)],
    )
    form = KeyForm(types, project)
    assert form.written(values) == _redis_key(project, theirs)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    moments = [type_ == "UnixTimestamp" for type_ in types.values()]
    read = [epoch + timedelta(seconds=v) if m else v for v, m in zip(values, moments, strict=True)]
    assert form.read(_redis_key(project, theirs)) == tuple(read)


def every_value() -> Iterator[tuple[str, Any]]:
    """A value of each of Feast's types, its nothing included; no server is asked."""
    from decimal import Decimal
    from uuid import UUID

    from feast import types as t
    from feast.types import Array, Map, ScalarMap, Set, Struct, ZonedTimestamp

    id_, zoned = UUID("6f1d3c1c-8f2b-4f4e-9f3b-0a1b2c3d4e5f"), at(1, hour=9)
    scalars = {
        "Int32": -1,
        "Int64": 2**60,
        "Float32": 0.5,
        "Float64": 0.1,
        "Bool": False,
        "String": "é",
        "Bytes": b"\0",
    }
    scalars |= {"UnixTimestamp": at(1), "Uuid": id_, "TimeUuid": id_, "Decimal": Decimal("1.10")}
    for name, value in scalars.items():
        yield name, (getattr(t, name), value)
        yield f"Array({name})", (Array(getattr(t, name)), [value, value])
        yield f"Set({name})", (Set(getattr(t, name)), {value})
    yield "Json", (t.Json, {"a": [1, None]})
    yield "Array(Json)", (Array(t.Json), [{"a": 1}, [2]])
    yield "Map", (Map, {"a": 1, "b": {"c": "d"}, "e": None})
    yield "Array(Map)", (Array(Map), [{"a": 1.5}, {}])
    yield "Struct", (Struct({"a": t.Int64}), {"a": 1})
    yield "ScalarMap", (ScalarMap, {1: "a", 2: 0.5})
    yield "Array(Array)", (Array(Array(t.Int64)), [[1, 2], []])
    yield "ZonedTimestamp", (ZonedTimestamp, zoned)


def test_values_of_every_type_are_read_as_feast_reads_them() -> None:
    from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values

    for name, (type_, value) in every_value():
        for stored in python_values_to_proto_values([value, None], type_.to_value_type()):
            theirs = feast_value_type_to_python_type(stored, type_.to_value_type())
            ours = decoded(stored.SerializeToString())
            assert ours == theirs, name
            if theirs is not None and (form := form_of(name)):
                assert form(value) == stored.SerializeToString(), name


class TestOffline:
    def test_the_latest_row_of_each_entity_that_is_not_in_the_future(self, shop: Features) -> None:
        rows = {row.keys: (row.at, row.values["visit_count"]) for row in latest(shop, "visits")}
        assert rows == {("u1", 1): (at(1), 12), ("u1", 2): (at(5), 20), ("u2", 1): (at(1), 30)}

    def test_it_is_what_feast_has_stored(self, shop: Features) -> None:
        for view in ("types", "visits", "plain"):
            stored = entries(shop, view)
            assert {row.keys: row.at for row in latest(shop, view)} == {k: e.at for k, e in stored.items()}

    def test_as_of_another_moment(self, shop: Features) -> None:
        batches = feast_offline.latest(
            shop.env, shop.project, "visits", timeout=TIMEOUT, until=at(1) - timedelta(hours=1)
        )
        assert [row.values["visit_count"] for batch in batches for row in batch] == [10]

    def test_known_keys(self, shop: Features) -> None:
        asked = [("u1", 1), ("u1", 3), ("u3", 9), ("u2", 1), ("u\0", 1)]
        source = source_of(shop.project, "visits")
        with feast_offline.opened(shop.env, source, timeout=TIMEOUT) as connection:
            assert feast_offline.known_of(connection, source, asked, datetime.now(UTC)) == {("u1", 1), ("u2", 1)}

    def test_rows_as_of_moments(self, shop: Features) -> None:
        source = source_of(shop.project, "visits")
        asked = [
            at(1),
            at(1) - timedelta(microseconds=1),
            datetime(2024, 1, 1, tzinfo=UTC),
            at(2),
            at(1, second=59),
            at(20),
        ]
        with feast_offline.opened(shop.env, source, timeout=TIMEOUT) as connection:
            found = feast_offline.as_of(connection, source, [(("u1", 1), moment) for moment in asked], ttl=86400)
            assert [row and row.values["visit_count"] for row in found] == [12, 10, None, 12, 12, None]
            (any_age,) = feast_offline.as_of(connection, source, [(("u1", 1), at(20))])
        assert any_age == Row(("u1", 1), at(1), {"visit_count": 12})

    def test_a_table_that_is_not_there(self, shop: Features) -> None:
        shop.run("ALTER TABLE plain RENAME TO gone")
        try:
            with pytest.raises(
                MmpError, match='rows of plain cannot be read: relation "plain" does not exist'
            ) as raised:
                latest(shop, "plain")
            assert raised.value.code == "SOURCE_UNREADABLE"
        finally:
            shop.run("ALTER TABLE gone RENAME TO plain")

    def test_a_locked_table_is_not_waited_for(self, shop: Features) -> None:
        with shop.sql() as connection, connection.transaction():
            connection.execute("LOCK TABLE plain")
            with pytest.raises(NotReady, match="statement timeout"):
                list(feast_offline.latest(shop.env, shop.project, "plain", timeout=0.3))

    def test_nothing_is_written(self, shop: Features) -> None:
        source = source_of(shop.project, "plain")
        with (
            pytest.raises(MmpError, match="read-only transaction"),
            feast_offline.opened(shop.env, source, timeout=TIMEOUT) as connection,
        ):
            connection.execute("CREATE TABLE mine (n int)")


class TestManyRows:
    """A table with an index, the same without one, and a query on it."""

    @pytest.fixture(scope="class")
    @staticmethod
    def many(dev: Dev) -> Features:
        from feast import types as t

        made = Features(dev, "many")
        made.run(
            "CREATE TABLE indexed AS SELECT n % 3000 AS user_id, timestamptz '2025-01-01' + n * interval '1 minute' AS"
            " event_timestamp, n AS f FROM generate_series(0, 299999) AS n",
            "CREATE TABLE bare AS TABLE indexed",
            "ALTER TABLE indexed ADD PRIMARY KEY (user_id, event_timestamp)",
            "ANALYZE indexed, bare",
        )
        for view in ("indexed", "bare"):
            made.view(view, {"user_id": t.Int64}, {"f": t.Int64})
        made.view("queried", {"user_id": t.Int64}, {"f": t.Int64}, query="SELECT DISTINCT * FROM bare OFFSET 0")
        made.apply()
        return made

    @pytest.mark.parametrize("view", ["indexed", "bare", "queried"])
    def test_rows_are_found_with_an_index_and_without(self, many: Features, view: str) -> None:
        source = source_of(many.project, view)
        pairs = [(user, minute) for user in (0, 7, 2999) for minute in (-1, 6, 7, 99_999)]
        asked = [((user,), at(1) + timedelta(minutes=minute)) for user, minute in pairs]
        with feast_offline.opened(many.env, source, timeout=TIMEOUT) as connection:
            found = feast_offline.as_of(connection, source, asked)
        newest = [minute - (minute - user) % 3000 if minute >= user else None for user, minute in pairs]
        assert [row and row.values["f"] for row in found] == newest

    @pytest.mark.parametrize("view", ["indexed", "bare", "queried"])
    def test_some_entities_are_always_the_same(self, many: Features, view: str) -> None:
        source = source_of(many.project, view)
        with feast_offline.opened(many.env, source, timeout=TIMEOUT) as connection:
            found = [feast_offline.some(connection, source, 50, datetime.now(UTC)) for _ in range(2)]
        assert found[0] == found[1]
        assert 40 <= len(set(found[0])) <= 50

    def test_they_are_spread_over_a_large_table(self, many: Features) -> None:
        source = source_of(many.project, "bare")
        with feast_offline.opened(many.env, source, timeout=TIMEOUT) as connection:
            found = feast_offline.some(connection, source, 50, datetime.now(UTC))
        assert max(found)[0] - min(found)[0] > 1500

    def test_and_evenly_over_the_keys_of_a_small_one(self, shop: Features) -> None:
        source = source_of(shop.project, "plain")
        with feast_offline.opened(shop.env, source, timeout=TIMEOUT) as connection:
            found = feast_offline.some(connection, source, 5, datetime.now(UTC))
            assert len(feast_offline.some(connection, source, 9999, datetime.now(UTC))) == 2500
        everything = sorted(row.keys for row in latest(shop, "plain"))
        assert [everything.index(keys) for keys in found] == [499, 999, 1499, 1999, 2499]


class TestRemoval:
    @pytest.fixture
    def workshop(self, dev: Dev, shop: Features) -> Iterator[Features]:
        """Another project with two views of the same key, both stored."""
        from feast import types as t

        made = Features(dev, "workshop")
        for view in ("plain", "again"):
            made.view(view, {"user_id": t.String}, {"f": t.Int64}, query="SELECT * FROM plain LIMIT 3")
        made.apply()
        made.materialize()
        yield made
        made.store.teardown()

    def test_only_rows_of_the_view_and_the_project_go(self, shop: Features, workshop: Features) -> None:
        assert len(entries(workshop, "plain")) == len(entries(workshop, "again")) == 3
        keys = [*entries(workshop, "plain"), ("nobody",)]
        assert feast_online.remove(workshop.env, workshop.project, "plain", keys, timeout=TIMEOUT) == 3
        assert entries(workshop, "plain") == {}
        assert {entry.values["f"] for entry in entries(workshop, "again").values()} == {1, 2, 3}
        assert len(entries(shop, "plain")) == 2500

    def test_nothing_is_left_when_the_last_view_goes(self, workshop: Features) -> None:
        key = KeyForm({"user_id": "String"}, "workshop").written(("u1",))
        for view in ("plain", "again"):
            assert workshop.redis.exists(key)
            workshop.redis.hset(key, b"gone", b"a field of a feature that the view no longer has")
            feast_online.remove(workshop.env, workshop.project, view, [("u1",)], timeout=TIMEOUT)
        assert not workshop.redis.exists(key)
