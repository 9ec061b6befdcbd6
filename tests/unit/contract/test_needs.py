"""Requirements against a contract: what is asked, what is answered, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mmp_local_dev.contract.model import Column, Contract, ContractService, Feature, Promise, Variable, VariableType
from mmp_local_dev.contract.needs import compare, of_group, uses
from mmp_local_dev.contract.needs.subjects import subject_of
from mmp_local_dev.contract.report import Finding, Outcome
from mmp_local_dev.contract.requirements import (
    ColumnNeed,
    FeatureNeed,
    LatencyNeed,
    Need,
    Requirements,
    ServiceNeed,
    TableNeed,
    VariableNeed,
)
from mmp_local_dev.contract.waivers import Waiver, Waivers
from mmp_local_dev.errors import InputError
from promises import CONTRACT, REQUIREMENTS, TABLE, VIEW


def findings(requirements: Requirements = REQUIREMENTS, contract: Contract = CONTRACT) -> dict[str, Finding]:
    return {finding.clause: finding for finding in compare(requirements, contract).findings}


def asking(need: Need, contract: Contract = CONTRACT) -> dict[str, Finding]:
    """The findings of requirements that have this need only."""
    field = {
        VariableNeed: "variables",
        ServiceNeed: "services",
        TableNeed: "tables",
        FeatureNeed: "features",
        LatencyNeed: "latency",
        Need: "capabilities",
    }[type(need)]
    return findings(Requirements(REQUIREMENTS.path, "small", **{field: {need.name: need}}), contract)  # type: ignore[arg-type]


def with_service(name: str, **changes: object) -> Contract:
    services = {**CONTRACT.services, name: replace(CONTRACT.services[name], **changes)}  # type: ignore[arg-type]
    return replace(CONTRACT, services=services)


# What is met


def test_needs_that_are_met_pass_in_the_file_s_order() -> None:
    report = compare(REQUIREMENTS, CONTRACT)
    assert (report.contract, report.version, report.mode, report.exit_code) == ("provider", "1.1.0", "compare", 0)
    assert [(finding.clause, str(finding.outcome)) for finding in report.findings] == [
        ("contract.range[pipeline]", "passed"),
        ("env.present[POSTGRES_HOST]", "passed"),
        ("env.present[MLFLOW_TRACKING_URI]", "passed"),
        ("env.type[MLFLOW_TRACKING_URI]", "passed"),
        ("env.present[REDIS_PASSWORD]", "passed"),
        ("service.ready[postgresql]", "passed"),
        ("service.version[postgresql]", "passed"),
        ("service.client[postgresql:psycopg2]", "passed"),
        ("service.ready[redis]", "passed"),
        ("service.version[redis]", "passed"),
        ("service.ready[mlflow]", "passed"),
        ("service.version[mlflow]", "passed"),
        ("table.present[features.user_demographics]", "passed"),
        ("table.column[features.user_demographics:user_id]", "passed"),
        ("table.column[features.user_demographics:age]", "passed"),
        ("feature.view[user_demographics]", "passed"),
        ("feature.dtype[user_demographics:age]", "passed"),
        ("feature.dtype[user_demographics:gender]", "passed"),
        ("mlflow.tracking[experiments]", "passed"),
        ("sla.latency[feast.user_demographics]", "passed"),
    ]


def test_a_finding_stands_where_the_need_stands_and_shows_what_is_promised() -> None:
    found = findings()
    assert found["env.present[POSTGRES_HOST]"].declared == "pipeline.req.yml:6"
    assert found["contract.range[pipeline]"].actual == "1.1.0"
    assert found["service.version[redis]"].actual == ">=7.2,<9"


# What is not met: the clause, and what the finding shows as needed and as promised

NONE = "no such promise"
AGE = "table.column[features.user_demographics:age]"
BROKEN: list[tuple[Need, str, str, str]] = [
    (VariableNeed("S3_BUCKET"), "env.present[S3_BUCKET]", "S3_BUCKET", NONE),
    (VariableNeed("REDIS_PASSWORD"), "env.present[REDIS_PASSWORD]", "always there", "required: false"),
    (VariableNeed("MODEL_STAGE"), "env.present[MODEL_STAGE]", "set_by: provider", "set_by: consumer"),
    (VariableNeed("POSTGRES_HOST", VariableType.URL), "env.type[POSTGRES_HOST]", "url", "host"),
    (ServiceNeed("kafka"), "service.ready[kafka]", "kafka", NONE),
    (ServiceNeed("redis", ">=7,<8"), "service.version[redis]", ">=7,<8", ">=7.2,<9"),
    (ServiceNeed("redis", "", {"redis": "4.1.0"}), "service.client[redis:redis]", "redis 4.1.0", "redis >=4.2"),
    (ServiceNeed("redis", "", {"redis": ">=4"}), "service.client[redis:redis]", "redis >=4", "redis >=4.2"),
    (ServiceNeed("redis", "", {"valkey": "6"}), "service.client[redis:valkey]", "valkey 6", "redis >=4.2"),
    (TableNeed("a.b", {"a": ColumnNeed("a")}), "table.present[a.b]", "a.b", NONE),
    (TableNeed(TABLE.physical_name, {"age": ColumnNeed("age", "bigint")}), AGE, "bigint", "integer"),
    (TableNeed(TABLE.physical_name, {"agee": ColumnNeed("agee")}), AGE.replace("age]", "agee]"), "agee", NONE),
    (FeatureNeed("user_demografics:age"), "feature.view[user_demografics]", "user_demografics", NONE),
    (FeatureNeed("user_demographics:income"), "feature.dtype[user_demographics:income]", "income", NONE),
    (FeatureNeed("user_demographics:age", "Int32"), "feature.dtype[user_demographics:age]", "Int32", "Int64"),
]


@pytest.mark.parametrize(("need", "clause", "expected", "actual"), BROKEN)
def test_what_is_not_promised_fails(need: Need, clause: str, expected: str, actual: str) -> None:
    found = asking(need)[clause]
    assert found.outcome is Outcome.FAILED
    assert (found.expected, found.actual) == (expected, actual)


@pytest.mark.parametrize(
    ("need", "message"),
    [
        (VariableNeed("REDIS_POTR"), "the variable REDIS_POTR is not promised; did you mean REDIS_PORT?"),
        (ServiceNeed("mlflw"), "the service mlflw is not promised; did you mean mlflow?"),
        (
            FeatureNeed("user_demografics:age"),
            "the feature view user_demografics is not promised; did you mean user_demographics?",
        ),
    ],
    ids=["variable", "service", "view"],
)
def test_the_nearest_name_is_offered(need: Need, message: str) -> None:
    assert message in [finding.message for finding in asking(need).values()]


def test_a_contract_out_of_range() -> None:
    found = findings(replace(REQUIREMENTS, contract=">=2"))["contract.range[pipeline]"]
    assert (found.outcome, found.expected, found.actual) == (Outcome.FAILED, ">=2", "1.1.0")
    assert found.declared == "pipeline.req.yml:4"


def test_a_contract_out_of_range_holds_nothing_else_back() -> None:
    assert findings(replace(REQUIREMENTS, contract=">=2"))["env.present[POSTGRES_HOST]"].outcome is Outcome.PASSED


def test_a_capability_that_is_not_promised() -> None:
    found = asking(Need("tracking"), replace(CONTRACT, mlflow_capabilities=("model_registry",)))
    assert found["mlflow.tracking[experiments]"].outcome is Outcome.FAILED


def test_what_is_wanted_as_text_may_be_promised_as_anything() -> None:
    assert asking(VariableNeed("REDIS_PORT", VariableType.STRING))["env.type[REDIS_PORT]"].outcome is Outcome.PASSED


def test_a_package_counts_as_the_one_with_its_library_inside() -> None:
    found = asking(ServiceNeed("postgresql", "", {"Psycopg2_Binary": ">=2.9.9,<3"}))
    assert found["service.client[postgresql:Psycopg2_Binary]"].outcome is Outcome.PASSED


@pytest.mark.parametrize("wanted", ["varchar(50)", "character varying(50)", "varchar"])
def test_types_are_compared_and_not_their_spellings(wanted: str) -> None:
    found = asking(TableNeed(TABLE.physical_name, {"user_id": ColumnNeed("user_id", wanted)}))
    assert {str(finding.outcome) for finding in found.values()} == {"passed"}


# Optional needs


def test_an_optional_variable_that_is_not_promised_is_skipped_with_its_type() -> None:
    found = asking(VariableNeed("S3_BUCKET", VariableType.STRING, required=False))
    assert {str(finding.outcome) for finding in found.values()} == {"skipped"}


def test_an_optional_variable_of_another_type_fails() -> None:
    found = asking(VariableNeed("REDIS_PASSWORD", VariableType.PORT, required=False))
    assert found["env.type[REDIS_PASSWORD]"].outcome is Outcome.FAILED


# What hangs on what


def test_what_hangs_on_a_missing_service_is_blocked() -> None:
    services = {name: service for name, service in CONTRACT.services.items() if name != "postgresql"}
    found = findings(contract=replace(CONTRACT, services=services, tables={}))
    blocked = [finding for finding in found.values() if finding.outcome is Outcome.BLOCKED]
    assert {finding.cause for finding in blocked} == {"service.ready[postgresql]"}
    assert [finding.clause for finding in blocked] == [
        "service.version[postgresql]",
        "service.client[postgresql:psycopg2]",
        "table.present[features.user_demographics]",
        "table.column[features.user_demographics:user_id]",
        "table.column[features.user_demographics:age]",
    ]


def test_the_features_of_a_missing_view_are_blocked() -> None:
    found = findings(contract=replace(CONTRACT, feast=None))
    assert found["feature.view[user_demographics]"].outcome is Outcome.FAILED
    assert found["feature.dtype[user_demographics:age]"].cause == "feature.view[user_demographics]"


def test_types_wait_for_their_variables() -> None:
    found = asking(VariableNeed("S3_BUCKET", VariableType.STRING))
    assert found["env.type[S3_BUCKET]"].outcome is Outcome.BLOCKED


# What a contract does not say


def test_what_the_contract_does_not_say_is_unknown() -> None:
    contract = replace(with_service("redis", version="", clients={}), mlflow_capabilities=())
    found = {**asking(ServiceNeed("redis", ">=7", {"redis": "5"}), contract), **asking(Need("tracking"), contract)}
    assert [f.clause for f in found.values() if f.outcome is Outcome.UNKNOWN] == [
        "service.version[redis]",
        "service.client[redis:redis]",
        "mlflow.tracking[experiments]",
    ]
    assert found["service.version[redis]"].message == "the contract does not say in which versions redis runs"


# Latency


@pytest.mark.parametrize(
    ("value", "unit", "outcome"),
    [(50, "ms", "passed"), (0.05, "s", "passed"), (49, "ms", "warning"), (0.049, "s", "warning")],
)
def test_latency_is_compared_in_its_units_and_warns(value: float, unit: str, outcome: str) -> None:
    found = asking(LatencyNeed("feast.user_demographics", value, unit))
    assert str(found["sla.latency[feast.user_demographics]"].outcome) == outcome


def test_no_promise_of_latency_warns() -> None:
    found = asking(LatencyNeed("services.redis", 1, "ms"))["sla.latency[services.redis]"]
    assert (found.outcome, found.actual) == (Outcome.WARNING, "no promise")


# Deprecated promises

GOES = {"deprecated": True, "sunset": date(2027, 6, 30), "description": "use the other one"}


def deprecated(kind: str) -> Contract:
    variable = Variable("POSTGRES_HOST", VariableType.HOST, **GOES)  # type: ignore[arg-type]
    column, feature = Column("age", "integer", **GOES), Feature("age", "Int64", **GOES)  # type: ignore[arg-type]
    table = replace(TABLE, columns={**TABLE.columns, "age": column})
    view = replace(VIEW, features={**VIEW.features, "age": feature})
    assert CONTRACT.feast
    return {
        "env": replace(CONTRACT, variables={**CONTRACT.variables, variable.name: variable}),
        "service": with_service("redis", **GOES),
        "table": replace(CONTRACT, tables={TABLE.name: replace(TABLE, **GOES)}),  # type: ignore[arg-type]
        "column": replace(CONTRACT, tables={TABLE.name: table}),
        "view": replace(CONTRACT, feast=replace(CONTRACT.feast, views={VIEW.name: replace(VIEW, **GOES)})),  # type: ignore[arg-type]
        "feature": replace(CONTRACT, feast=replace(CONTRACT.feast, views={VIEW.name: view})),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("env", "POSTGRES_HOST"),
        ("service", "redis"),
        ("table", "features.user_demographics"),
        ("column", "features.user_demographics:age"),
        ("view", "user_demographics"),
        ("feature", "user_demographics:age"),
    ],
)
def test_a_deprecated_promise_is_kept_with_a_warning_beside_it(kind: str, name: str) -> None:
    report = compare(REQUIREMENTS, deprecated(kind))
    told = [finding for finding in report.findings if finding.outcome is not Outcome.PASSED]
    assert [(finding.clause, finding.outcome) for finding in told] == [(f"{kind}.deprecated[{name}]", Outcome.WARNING)]
    assert told[0].message == f"{name} is deprecated and may be gone from 2027-06-30 on"
    assert [repair.description for repair in told[0].repairs] == ["use the other one"]
    assert report.exit_code == 0


# Waivers


def test_a_waiver_is_honoured() -> None:
    waiver = Waiver("service.version[redis]", "tested by hand", date(2030, 1, 1))
    requirements = replace(REQUIREMENTS, services={"redis": ServiceNeed("redis", ">=8")})
    report = compare(requirements, CONTRACT, waivers=Waivers({waiver.id: waiver}, date(2029, 1, 1)))
    assert report.exit_code == 0
    assert [finding.waived for finding in report.findings if finding.waived] == ["tested by hand"]


# Subjects


def test_what_requirements_use() -> None:
    assert uses(REQUIREMENTS) == {
        *(("env", name) for name in ("POSTGRES_HOST", "MLFLOW_TRACKING_URI", "REDIS_PASSWORD")),
        *(("service", name) for name in ("postgresql", "redis", "mlflow")),
        ("table", "features.user_demographics"),
        ("column", "features.user_demographics:user_id"),
        ("column", "features.user_demographics:age"),
        ("view", "user_demographics"),
        ("feature", "user_demographics:age"),
        ("feature", "user_demographics:gender"),
        ("mlflow", "tracking"),
        ("sla", "latency:feast.user_demographics"),
    }


def test_every_clause_of_needs_is_about_something_that_they_use() -> None:
    about = {finding.clause: subject_of(finding.clause) for finding in compare(REQUIREMENTS, CONTRACT).findings}
    assert about.pop("contract.range[pipeline]") == ("contract", "pipeline")
    assert set(about.values()) == uses(REQUIREMENTS)


@pytest.mark.parametrize("text", ["redis", "env.present", "env.present[]", "fixture.online[x]", "sla.freshness[x]"])
def test_what_is_about_nothing(text: str) -> None:
    assert subject_of(text) is None


# Groups


def test_without_a_group_it_is_all() -> None:
    assert of_group(REQUIREMENTS, []) is REQUIREMENTS


def test_a_group_has_what_it_names_and_all_variables() -> None:
    train = of_group(REQUIREMENTS, ["train"])
    assert list(train.services) == ["postgresql", "mlflow"]
    assert train.capabilities == REQUIREMENTS.capabilities
    assert train.tables == REQUIREMENTS.tables
    assert train.variables == REQUIREMENTS.variables
    assert (train.features, train.latency) == ({}, {})
    assert train.contract == REQUIREMENTS.contract


def test_several_groups_are_their_union() -> None:
    both = of_group(REQUIREMENTS, ["train", "serve"])
    assert uses(both) == uses(REQUIREMENTS) - {("sla", "latency:feast.user_demographics")}


def test_a_group_that_names_variables_has_those_only() -> None:
    assert uses(of_group(REQUIREMENTS, ["redis-alone"])) == {("env", "REDIS_PASSWORD"), ("service", "redis")}


def test_a_column_brings_its_table_and_a_view_its_features() -> None:
    words = ("table.column[features.user_demographics:age]", "feature.view[user_demographics]")
    group = replace(REQUIREMENTS.groups["train"], words=words)
    narrowed = of_group(replace(REQUIREMENTS, groups={"train": group}), ["train"])
    assert {name: list(table.columns) for name, table in narrowed.tables.items()} == {
        "features.user_demographics": ["age"]
    }
    assert narrowed.features == REQUIREMENTS.features


def test_a_group_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"has no group trian\. There are: train, serve, redis-alone\."):
        of_group(REQUIREMENTS, ["trian"])


def test_promises_of_every_kind_are_found() -> None:
    from mmp_local_dev.contract.needs.offer import Offer

    offer = Offer(CONTRACT)
    found = {subject: offer.promise(subject) for subject in uses(REQUIREMENTS)}
    missing = {subject for subject, promise in found.items() if not isinstance(promise, Promise)}
    assert missing == {("mlflow", "tracking"), ("sla", "latency:feast.user_demographics")}
    assert isinstance(found["service", "redis"], ContractService)
