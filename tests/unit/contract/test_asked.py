"""What a consumer asks for, as a contract of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.model import Severity, Variable, VariableType
from mmp_local_dev.contract.needs import as_contract, compare
from mmp_local_dev.contract.requirements import (
    ColumnNeed,
    FeatureNeed,
    Need,
    Requirements,
    ServiceNeed,
    TableNeed,
    VariableNeed,
)
from promises import CONTRACT, REQUIREMENTS, TABLE, VIEW

ASKED = as_contract(REQUIREMENTS, CONTRACT)
ALONE = as_contract(REQUIREMENTS)


def only(**needs: object) -> Requirements:
    return Requirements(REQUIREMENTS.path, "small", **needs)  # type: ignore[arg-type]


def test_it_stands_in_the_requirements() -> None:
    assert (ASKED.name, ASKED.version, ASKED.path) == ("pipeline", "1.5.0", REQUIREMENTS.path)
    assert ASKED.declared(ASKED.variables["POSTGRES_HOST"].line) == "pipeline.req.yml:6"


def test_a_service_has_the_range_and_the_clients_of_the_consumer() -> None:
    redis, postgresql = ASKED.services["redis"], ASKED.services["postgresql"]
    assert (redis.version, redis.port, redis.protocol, redis.clients) == (">=7,<10", 6379, "redis", {})
    assert postgresql.clients == {"psycopg2": "==2.9.10"}


def test_nothing_of_a_service_is_asked_that_the_consumer_does_not_ask() -> None:
    strict = replace(CONTRACT.services["redis"], auth="password", tls="required", port_policy="fixed")
    contract = replace(CONTRACT, services={"redis": strict})
    asked = as_contract(only(services={"redis": ServiceNeed("redis")}), contract).services["redis"]
    assert (asked.auth, asked.tls, asked.port_policy) == ("none", "none", "env")


def test_variables_through_which_services_are_reached_come_with_them() -> None:
    asked = as_contract(only(services={"redis": ServiceNeed("redis", line=9)}), CONTRACT)
    assert {name: (v.required, v.line) for name, v in asked.variables.items()} == {
        "REDIS_PORT": (True, 9),
        "REDIS_PASSWORD": (False, 9),
    }


def test_the_schema_is_asked_for_by_those_who_read_tables() -> None:
    services = {"postgresql": ServiceNeed("postgresql")}
    assert "FEAST_DB_SCHEMA" not in as_contract(only(services=services), CONTRACT).variables
    assert "FEAST_DB_SCHEMA" in as_contract(only(services=services, tables=REQUIREMENTS.tables), CONTRACT).variables


def test_whose_services_they_are_is_asked_for() -> None:
    identity = Variable("MMP_STACK_ID", VariableType.STRING, required=False, binds="stack.id", line=99)
    contract = replace(CONTRACT, variables={**CONTRACT.variables, identity.name: identity})
    asked = as_contract(only(services={"redis": ServiceNeed("redis", line=9)}), contract).variables
    assert asked["MMP_STACK_ID"].line == 1


def test_a_variable_is_what_both_say_of_it() -> None:
    asked = as_contract(
        only(variables={"POSTGRES_PASSWORD": VariableNeed("POSTGRES_PASSWORD", required=False)}), CONTRACT
    )
    assert asked.variables["POSTGRES_PASSWORD"].sensitive
    assert not asked.variables["POSTGRES_PASSWORD"].required


def test_the_type_that_the_consumer_says_goes_before() -> None:
    asked = as_contract(only(variables={"REDIS_PORT": VariableNeed("REDIS_PORT", VariableType.STRING)}), CONTRACT)
    assert asked.variables["REDIS_PORT"].type is VariableType.STRING


@pytest.mark.parametrize(
    ("name", "secret"), [("MY_TOKEN", True), ("AWS_SECRET_ACCESS_KEY", True), ("MY_KEYWORD", False)]
)
def test_what_nobody_knows_is_taken_for_a_secret_by_its_name(name: str, secret: bool) -> None:  # noqa: FBT001
    assert as_contract(only(variables={name: VariableNeed(name)})).variables[name].sensitive is secret


def test_a_table_has_the_columns_that_are_read_and_their_promised_types() -> None:
    needs = {"user_id": ColumnNeed("user_id"), "age": ColumnNeed("age", "bigint")}
    asked = as_contract(only(tables={TABLE.physical_name: TableNeed(TABLE.physical_name, needs)}), CONTRACT)
    table = asked.tables["user_demographics"]
    assert {name: column.type for name, column in table.columns.items()} == {"user_id": "varchar(50)", "age": "bigint"}
    assert table.primary_key == ()
    assert list(asked.services) == ["postgresql"]


def test_a_view_has_the_features_that_are_read() -> None:
    asked = as_contract(only(features={"user_demographics:age": FeatureNeed("user_demographics:age")}), CONTRACT)
    assert asked.feast
    view = asked.feast.views["user_demographics"]
    assert {name: feature.dtype for name, feature in view.features.items()} == {"age": "Int64"}
    assert (view.entities, view.ttl, view.source) == (VIEW.entities, VIEW.ttl, None)
    assert list(asked.feast.entities) == ["user_id"]


def test_a_view_keeps_the_source_that_the_consumer_reads_itself() -> None:
    assert ASKED.feast
    assert ASKED.feast.views["user_demographics"].source == "user_demographics"


def test_the_feature_store_is_found_through_its_variables() -> None:
    asked = as_contract(only(features={"user_demographics:age": FeatureNeed("user_demographics:age")}), CONTRACT)
    assert list(asked.variables) == ["FEAST_DB_SCHEMA"]


def test_a_capability_brings_its_service() -> None:
    asked = as_contract(only(capabilities={"tracking": Need("tracking", line=7)}), CONTRACT)
    assert (asked.mlflow_capabilities, asked.mlflow_line) == (("tracking",), 7)
    assert list(asked.services) == ["mlflow"]


def test_latency_is_a_warning() -> None:
    (level,) = ASKED.service_levels.values()
    assert (level.value, level.unit, level.severity) == (100, "ms", Severity.WARNING)


def test_without_a_contract_it_is_what_the_names_mean() -> None:
    assert ALONE.services["mlflow"].protocol == "http"
    assert ALONE.variables["MLFLOW_TRACKING_URI"].binds == "mlflow.uri"
    assert ALONE.variables["POSTGRES_PORT"].type is VariableType.PORT
    assert ALONE.tables["features.user_demographics"].columns["user_id"].type == ""
    assert ALONE.feast
    assert ALONE.feast.views["user_demographics"].features["gender"].dtype == "String"


@pytest.mark.parametrize("contract", [ASKED, ALONE], ids=["of a contract", "alone"])
def test_live_clauses_have_the_ids_of_the_compared_ones(contract: object) -> None:
    live = {clause.id for clause in clauses_of(contract)}  # type: ignore[arg-type]
    compared = {finding.clause for finding in compare(REQUIREMENTS, CONTRACT).findings}
    kinds = {clause.partition("[")[0] for clause in live}
    both = {clause for clause in compared if clause.partition("[")[0] in kinds}
    assert both - live == set()
    assert len(both) > 10
