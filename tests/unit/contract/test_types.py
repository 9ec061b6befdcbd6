"""Types of PostgreSQL: one spelling each, and what Feast can hold."""

import pytest

from mmp_local_dev.contract import types


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("int", "integer"),
        ("INT4", "integer"),
        ("int8", "bigint"),
        ("smallserial", "smallint"),
        ("bool", "boolean"),
        ("decimal", "numeric"),
        ("numeric( 10 , 2 )", "numeric(10,2)"),
        ("float8", "double precision"),
        ("double  precision", "double precision"),
        ("varchar", "character varying"),
        ("varchar(50)", "character varying(50)"),
        ("character varying (50)", "character varying(50)"),
        ("char", "character(1)"),
        ("char(3)", "character(3)"),
        ("timestamp", "timestamp without time zone"),
        ("timestamptz", "timestamp with time zone"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("timestamp (3) with time zone", "timestamp(3) with time zone"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
        ("time", "time without time zone"),
        ("int[]", "integer[]"),
        ("int[3][3]", "integer[]"),
        ("varchar(5) array", "character varying(5)[]"),
        ("timestamptz[]", "timestamp with time zone[]"),
        ("vector(384)", "vector(384)"),
        ("public.Mood", "public.mood"),
        ("no (type", "no(type"),
    ],
)
def test_every_type_has_one_spelling(written: str, canonical: str) -> None:
    assert types.canonical(written) == canonical
    assert types.canonical(canonical) == canonical


@pytest.mark.parametrize("name", types.NAMES)
def test_every_name_is_known_in_its_canonical_spelling_too(name: str) -> None:
    assert types.is_known(name)
    assert types.is_known(types.canonical(name))
    assert types.is_known(f"{name}[]")


@pytest.mark.parametrize("written", ["", "intger", "int4x", "varchar(a)", "varchar(1", "int; drop", "()", "a b c"])
def test_what_is_no_type_is_not_known(written: str) -> None:
    assert not types.is_known(written)


@pytest.mark.parametrize(
    ("written", "dtypes"),
    [
        ("int4", ("Int32", "Int64")),
        ("bigserial", ("Int64",)),
        ("numeric(10, 2)", ("Float32", "Float64")),
        ("varchar(50)", ("String",)),
        ("timestamptz(3)", ("UnixTimestamp",)),
        ("text[]", ("Array(String)",)),
        ("point", ()),
        ("public.mood", ()),
    ],
)
def test_what_feast_can_hold(written: str, dtypes: tuple[str, ...]) -> None:
    assert types.dtypes(written) == dtypes


def test_a_list_has_no_kind_of_value_in_a_contract() -> None:
    assert types.kinds("Array(Int64)") == ()
    assert types.kinds("Int64") == ("integer",)
