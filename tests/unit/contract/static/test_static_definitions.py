"""Feast's definitions off the source: what is written out is known, what would have to run is not."""

from __future__ import annotations

from typing import Any

import pytest

from mmp_local_dev.contract.static import definitions as read
from mmp_local_dev.contract.static.definitions import Definitions, parse
from mmp_local_dev.contract.static.files import FileBroken
from mmp_local_dev.contract.static.syntax import UNKNOWN, Call


def defined(*texts: str) -> Definitions:
    return parse("feast_repo", {f"feast_repo/{'abc'[number]}.py": text for number, text in enumerate(texts)})


def view(arguments: str, above: str = "", *others: str) -> Call:
    return defined(f"{above}\nv = FeatureView(name='v', {arguments})", *others).views["v"]


class TestValues:
    @pytest.mark.parametrize(
        ("ttl", "seconds"),
        [
            ("timedelta(days=1)", 86400),
            ("timedelta(1)", 86400),
            ("datetime.timedelta(hours=1, minutes=-0 + 1)", UNKNOWN),
            ("timedelta(hours=1, minutes=1)", 3660),
            ("timedelta(days=2 * DAYS)", 14 * 86400),
            ("timedelta(days=int('3'))", UNKNOWN),
            ("timedelta(fortnights=1)", UNKNOWN),
            ("timedelta(**{'days': 1})", UNKNOWN),
            ("timedelta()", 0),
            ("None", 0),
            ("TTL", UNKNOWN),
            ("CHANGED", UNKNOWN),
            ("SOMETIMES", UNKNOWN),
        ],
    )
    def test_a_ttl(self, ttl: str, seconds: object) -> None:
        above = "DAYS = 7\nCHANGED = timedelta(1)\nCHANGED = timedelta(2)\nif DAYS: SOMETIMES = timedelta(1)"
        assert read.ttl(view(f"ttl={ttl}", above)) == seconds

    def test_no_ttl_is_none(self) -> None:
        assert read.ttl(view("")) == 0

    @pytest.mark.parametrize(
        ("source", "tables"),
        [
            ("PostgreSQLSource(table='F.t')", {"f.t"}),
            ("PostgreSQLSource(table=f'{SCHEMA}.t')", {"f.t"}),
            ("PostgreSQLSource(table=SCHEMA + '.t')", {"f.t"}),
            ("PostgreSQLSource(table=os.environ['T'])", UNKNOWN),
            ("PostgreSQLSource(table=f'{os.environ[\"S\"]}.t')", UNKNOWN),
            ('PostgreSQLSource(query=\'select * from f.t JOIN "f"."u" ON x\')', {"f.t", "f.u"}),
            ("PostgreSQLSource(query=make_query())", UNKNOWN),
            ("PushSource(name='p', batch_source=PostgreSQLSource(table='f.t'))", {"f.t"}),
            ("PostgreSQLSource(**options)", UNKNOWN),
        ],
    )
    def test_the_tables_of_a_source(self, source: str, tables: object) -> None:
        found = read.source(view(f"source={source}", "SCHEMA = 'f'"))
        assert found is not None
        assert read.tables(found) == tables

    @pytest.mark.parametrize("source", ["make_source()", "unknown", "SOURCES['a']", "None"])
    def test_a_source_that_is_not_written_out_is_none(self, source: str) -> None:
        assert read.source(view(f"source={source}")) is None

    @pytest.mark.parametrize(
        ("entities", "names"),
        [
            ("[user]", ["user_id"]),
            ("['user_id']", ["user_id"]),
            ("ENTITIES", ["user_id"]),
            ("[*ENTITIES]", ["user_id"]),
            ("[Entity(name='x')]", ["x"]),
            ("[make()]", UNKNOWN),
            ("[e for e in x]", UNKNOWN),
        ],
    )
    @pytest.mark.parametrize(
        "line", ["from b import user", "from feast_repo.b import person as user", "from b import *"]
    )
    def test_entities_may_come_from_another_file(self, entities: str, names: object, line: str) -> None:
        other = "user = Entity(name='user_id')\nperson = user"
        assert read.entity_names(view(f"entities={entities}", f"{line}\nENTITIES = [user]", other)) == names

    @pytest.mark.parametrize(
        ("dtype", "name"),
        [
            ("Int64", "Int64"),
            ("types.Int64", "Int64"),
            ("feast.types.Int64", "Int64"),
            ("Array(String)", "Array(String)"),
            ("WHOLE", "Int64"),
            ("dtype_of('a')", UNKNOWN),
            ("DTYPES['a']", UNKNOWN),
        ],
    )
    @pytest.mark.parametrize("line", ["from feast.types import Array, Int64, String", "from feast.types import *"])
    def test_types_are_words(self, dtype: str, name: object, line: str) -> None:
        fields, complete = read.fields(view(f"schema=[Field(name='a', dtype={dtype})]", f"{line}\nWHOLE = Int64"))
        assert fields["a"][0] == name
        assert complete

    @pytest.mark.parametrize("schema", ["[Field(name=n, dtype=Int64) for n in x]", "make()", "[field('a')]", "[]"])
    def test_fields_that_are_not_written_out_are_not_all(self, schema: str) -> None:
        assert read.fields(view(f"schema={schema}")) == ({}, False)

    @pytest.mark.parametrize(
        ("entity", "key", "type_"),
        [
            ("name='u', join_keys=['id'], value_type=ValueType.INT64", "id", "Int64"),
            ("name='u'", "u", UNKNOWN),
            ("name='u', join_keys=keys(), value_type=type_()", UNKNOWN, UNKNOWN),
        ],
    )
    def test_an_entity(self, entity: str, key: object, type_: object) -> None:
        found = defined(f"u = Entity({entity})").entities["u"]
        assert (read.join_key(found), read.value_type(found)) == (key, type_)

    @pytest.mark.parametrize(
        ("features", "expected"),
        [
            ("[v]", ({"v:a", "v:b"}, True)),
            ("[v[['a']]]", ({"v:a"}, True)),
            ("[v[NAMES]]", ({"v:b"}, True)),
            ("[v[names()]]", (set(), False)),
            ("[v, make()]", ({"v:a", "v:b"}, False)),
            ("make()", (set(), False)),
            ("[]", (set(), True)),
        ],
    )
    def test_a_service(self, features: str, expected: tuple[set[str], bool]) -> None:
        text = (
            "NAMES = ['b']\nv = FeatureView(name='v', schema=[Field(name='a', dtype=Int64), Field(name='b')])\n"
            f"s = FeatureService(name='s', features={features})"
        )
        assert read.references(defined(text).services["s"]) == expected


def test_a_name_that_would_have_to_run_is_remembered() -> None:
    found = defined("x = FeatureView(name=make())\nfor n in 'ab':\n    Entity(name=n)")
    assert (found.views, found.entities) == ({}, {})
    assert {kind: str(place) for kind, place in found.nameless.items()} == {
        "FeatureView": "feast_repo/a.py:1",
        "Entity": "feast_repo/a.py:3",
    }


def test_definitions_in_a_package_and_in_a_list_are_found() -> None:
    found = parse("feast_repo", {"feast_repo/x/__init__.py": "ALL = [Entity(name='a'), Entity(name='b')]"})
    assert set(found.entities) == {"a", "b"}


@pytest.mark.parametrize("text", ["x =", "(" * 300, "x = '\0'", "\tx\n y"])
def test_what_is_no_python_is_told_with_its_file(text: str) -> None:
    with pytest.raises(FileBroken, match=r"^feast_repo/a\.py:"):
        defined(text)


@pytest.mark.parametrize(
    "above",
    [
        "x = x",
        "x = [x, x]",
        "\n".join(f"x{n} = [x{n + 1}, x{n + 1}]" for n in range(200)) + "\nx = x0",
        "\n".join(f"x{n + 1} = x{n} + x{n}" for n in range(200)) + "\nx0 = 'a'\nx = x200",
        "x = " + "+".join(["x"] * 500),
        "x = " + "9 * " * 500 + "9",
        "from b import x",
    ],
)
def test_names_that_stand_for_themselves_or_for_very_much_end(above: str) -> None:
    found: Any = view("ttl=x, entities=x", above, "from a import x")
    assert read.ttl(found) is UNKNOWN
