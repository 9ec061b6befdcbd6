"""What SQL files make, in the spellings that people and pg_dump use."""

from __future__ import annotations

import pytest

from mmp_local_dev.contract.static.sql import Database, SqlTable, parse


def made(*texts: str) -> Database:
    return parse({f"{number}.sql": text for number, text in enumerate(texts)})


def table(*texts: str) -> SqlTable:
    return made(*texts).tables["f.t"]


def columns(found: SqlTable) -> dict[str, str]:
    return {name: f"{each.type}{'' if each.nullable else ' not null'}" for name, each in found.columns.items()}


class TestTables:
    def test_columns_have_types_in_one_spelling(self) -> None:
        found = table("CREATE TABLE f.t (a int4, b VARCHAR(5), c timestamptz, d decimal(3,1), e float8, g text[])")
        assert columns(found) == {
            "a": "integer",
            "b": "character varying(5)",
            "c": "timestamp with time zone",
            "d": "numeric(3,1)",
            "e": "double precision",
            "g": "text[]",
        }

    def test_not_null_has_more_than_one_spelling(self) -> None:
        text = "CREATE TABLE f.t (a bigserial, b int PRIMARY KEY, c int GENERATED ALWAYS AS IDENTITY, d int NULL)"
        assert columns(table(text)) == {
            "a": "bigint not null",
            "b": "integer not null",
            "c": "integer not null",
            "d": "integer",
        }

    def test_places_are_those_of_the_lines(self) -> None:
        found = table("-- first;\n/* second;\n */ CREATE TABLE f.t (\n  a int, -- a; b\n  b int\n);")
        assert str(found.place) == "0.sql:3"
        assert [str(each.place) for each in found.columns.values()] == ["0.sql:4", "0.sql:5"]

    @pytest.mark.parametrize(
        "text",
        [
            "CREATE TABLE f.t (a int, b int, PRIMARY KEY (b, a))",
            "CREATE TABLE f.t (a int, b int, CONSTRAINT k PRIMARY KEY (b, a))",
            "CREATE TABLE f.t (a int, b int); ALTER TABLE f.t ADD PRIMARY KEY (b, a)",
            "CREATE TABLE f.t (a int, b int); ALTER TABLE ONLY f.t ADD CONSTRAINT k PRIMARY KEY (b, a)",
        ],
    )
    def test_a_key_can_be_said_in_four_ways(self, text: str) -> None:
        found = table(text)
        assert found.primary_key == ("b", "a")
        assert columns(found) == {"a": "integer not null", "b": "integer not null"}

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("ADD COLUMN c date NOT NULL", {"a": "integer", "c": "date not null"}),
            ("ADD COLUMN IF NOT EXISTS c date", {"a": "integer", "c": "date"}),
            ("DROP COLUMN a", {}),
            ("RENAME COLUMN a TO c", {"c": "integer"}),
            ("ALTER COLUMN a SET NOT NULL", {"a": "integer not null"}),
            ("ALTER COLUMN a TYPE bigint", {"a": "bigint"}),
            ("ALTER a TYPE bigint, ADD c date", {"a": "bigint", "c": "date"}),
            ("OWNER TO somebody", {"a": "integer"}),
        ],
    )
    def test_it_can_be_changed_in_a_later_file(self, change: str, expected: dict[str, str]) -> None:
        assert columns(table("CREATE TABLE f.t (a int)", f"ALTER TABLE f.t {change};")) == expected

    def test_the_last_of_a_name_holds_unless_it_is_there_already(self) -> None:
        assert columns(table("CREATE TABLE f.t (a int); CREATE TABLE IF NOT EXISTS f.t (b int)")) == {"a": "integer"}
        assert columns(table("CREATE TABLE f.t (a int); DROP TABLE f.t; CREATE TABLE f.t (b int)")) == {"b": "integer"}

    @pytest.mark.parametrize(
        "text",
        [
            "CREATE TABLE f.t AS SELECT 1",
            "CREATE TABLE f.t (LIKE f.other)",
            "CREATE TABLE f.t PARTITION OF f.other FOR VALUES FROM (1) TO (2)",
            "CREATE VIEW f.t AS SELECT 1",
            "CREATE MATERIALIZED VIEW f.t AS SELECT 1",
            "CREATE TABLE f.t (a int) INHERITS (f.other)",
        ],
    )
    def test_columns_that_are_not_written_out_are_not_known(self, text: str) -> None:
        assert table(text).open

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ('CREATE TABLE "F"."T" (a int)', "F.T"),
            ("CREATE TABLE F.T (a int)", "f.t"),
            ("CREATE TABLE t (a int)", "public.t"),
            ("SET search_path TO f, public; CREATE TABLE t (a int)", "f.t"),
            ("SET search_path = 'f'; CREATE TABLE t (a int)", "f.t"),
        ],
    )
    def test_names_are_as_postgresql_keeps_them(self, text: str, name: str) -> None:
        assert list(made(text).tables) == [name]

    @pytest.mark.parametrize(
        "text",
        [
            "DO $$ BEGIN CREATE TABLE f.x (a int); END $$;",
            "COPY f.t FROM stdin;\nit's;\nCREATE TABLE f.x (a int);\n\\.\n",
            "INSERT INTO f.t VALUES ('; CREATE TABLE f.x (a int);');",
            "\\echo CREATE TABLE f.x (a int);\n",
            "-- CREATE TABLE f.x (a int);\n",
        ],
    )
    def test_what_only_looks_like_a_table_is_none(self, text: str) -> None:
        assert list(made(f"{text}CREATE TABLE f.t (a int)").tables) == ["f.t"]

    @pytest.mark.parametrize(
        "text", ["CREATE TABLE f.t ((", 'CREATE TABLE :"schema".t (a int)', f"CREATE TABLE {'(' * 99}"]
    )
    def test_what_cannot_be_read_is_told_and_the_rest_is_read(self, text: str) -> None:
        found = made(f"SELECT 1;\n{text};\nCREATE TABLE f.u (a int);")
        assert [str(statement.place) for statement in found.unreadable] == ["0.sql:2"]
        assert list(found.tables) == ["f.u"]


class TestGrants:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("GRANT SELECT ON f.t TO a", [("f.t", "a")]),
            ('grant select, insert on table f.t, f.u to a, "B" with grant option',
             [("f.t", "a"), ("f.t", "B"), ("f.u", "a"), ("f.u", "B")]),
            ("GRANT ALL PRIVILEGES ON ALL TABLES\n IN SCHEMA f, g TO GROUP a", [("f.*", "a"), ("g.*", "a")]),
            ("ALTER DEFAULT PRIVILEGES IN SCHEMA f GRANT SELECT ON TABLES TO a", [("f.*", "a")]),
            ("ALTER DEFAULT PRIVILEGES FOR ROLE x IN SCHEMA f GRANT SELECT ON TABLES TO a", [("f.*", "a")]),
            ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a", [("*", "a")]),
            ("GRANT SELECT ON t TO PUBLIC", [("public.t", "public")]),
            ("GRANT INSERT ON f.t TO a", []),
            ("GRANT USAGE ON SCHEMA f TO a", []),
            ("GRANT ALL ON DATABASE d TO a", []),
            ("GRANT ALL ON ALL SEQUENCES IN SCHEMA f TO a", []),
            ("GRANT readers TO a", []),
        ],
    )  # fmt: skip
    def test_the_right_to_read_is_found_in_all_its_forms(self, text: str, expected: list[tuple[str, str]]) -> None:
        assert [(grant.table, grant.role) for grant in made(text).grants] == expected

    def test_they_cover_a_table_a_schema_or_everything(self) -> None:
        grants = made("GRANT SELECT ON f.t TO a; GRANT SELECT ON ALL TABLES IN SCHEMA g TO a").grants
        assert [grant.is_about("f.t") for grant in grants] == [True, False]
        assert [grant.is_about("g.t") for grant in grants] == [False, True]

    def test_roles_are_found_even_where_they_are_made_on_condition(self) -> None:
        assert made('CREATE ROLE a LOGIN; DO $$ BEGIN CREATE USER "B"; END $$').roles == {"a", "B"}
        assert made("-- CREATE ROLE a;\nSELECT 1").roles == set()
