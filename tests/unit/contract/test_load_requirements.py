"""Loading of requirements: the corpus of valid and invalid files, and where every field arrives."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mmp_local_dev.contract.load.form import KEYWORDS, check_form, schema, shipped
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.requirements import SCHEMA, load_requirements
from mmp_local_dev.contract.model import VariableType
from mmp_local_dev.contract.requirements import (
    ColumnNeed,
    FeatureNeed,
    Group,
    LatencyNeed,
    Need,
    Requirements,
    ServiceNeed,
    TableNeed,
    VariableNeed,
)
from mmp_local_dev.errors import ContractInvalid

CONTRACTS = Path(__file__).parents[2] / "contracts"
VALID = sorted((CONTRACTS / "valid-requirements").glob("*.yml"))
INVALID = sorted((CONTRACTS / "invalid-requirements").glob("*.yml"))
EVERYTHING = CONTRACTS / "valid-requirements" / "everything.req.yml"


def refusal(path: Path) -> str:
    with pytest.raises(ContractInvalid) as caught:
        load_requirements(path)
    return caught.value.message


def test_every_field_arrives() -> None:
    assert load_requirements(EVERYTHING) == Requirements(
        EVERYTHING,
        "some-pipeline",
        version="1.5.0",
        revision="4afc289",
        contract=">=1.1,<2",
        variables={
            "POSTGRES_HOST": VariableNeed("POSTGRES_HOST"),
            "MLFLOW_TRACKING_URI": VariableNeed("MLFLOW_TRACKING_URI", VariableType.URL),
            "REDIS_PASSWORD": VariableNeed("REDIS_PASSWORD", required=False),
        },
        services={
            "postgresql": ServiceNeed("postgresql", ">=15,<18", {"psycopg2": "2.9.10", "psycopg": ">=3.1,<4"}),
            "redis": ServiceNeed("redis", ">=7,<10"),
            "mlflow": ServiceNeed("mlflow", "", {"mlflow": ">=3,<4"}),
        },
        tables={
            "features.user_demographics": TableNeed(
                "features.user_demographics", {"user_id": ColumnNeed("user_id"), "age": ColumnNeed("age", "integer")}
            )
        },
        features={
            "user_demographics:age": FeatureNeed("user_demographics:age"),
            "user_demographics:gender": FeatureNeed("user_demographics:gender", "String"),
        },
        capabilities={"tracking": Need("tracking"), "artifact_proxy": Need("artifact_proxy")},
        latency={
            "feast.user_demographics": LatencyNeed("feast.user_demographics", 100, "ms"),
            "services.redis": LatencyNeed("services.redis", 0.5, "s"),
        },
        groups={
            "train": Group("train", ("postgresql", "mlflow", "tables")),
            "serve": Group("serve", ("redis", "features", "env.present[REDIS_PASSWORD]")),
        },
    )


def test_needs_know_their_lines() -> None:
    lines = EVERYTHING.read_text(encoding="utf-8").splitlines()
    found = load_requirements(EVERYTHING)
    for need in (*found.variables.values(), *found.services.values(), *found.tables.values(), *found.groups.values()):
        assert need.name in lines[need.line - 1]
    assert lines[found.contract_line - 1].startswith("contract:")
    assert found.declared(7) == "everything.req.yml:7"


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_file_is_accepted(path: Path) -> None:
    assert load_requirements(path).name == yaml.safe_load(path.read_text(encoding="utf-8"))["metadata"]["name"]


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_file_is_told_exactly_what_is_wrong(path: Path) -> None:
    expected = re.findall(r"^# expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert expected, "the file does not say what to expect"
    assert refusal(path).splitlines() == expected


def test_a_missing_file_has_no_repair_that_writes_a_contract(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match="No such file") as caught:
        load_requirements(tmp_path / "absent.req.yml")
    assert caught.value.repairs == ()


# The schema


def test_the_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(shipped(SCHEMA)))


def test_the_schema_uses_no_keyword_that_we_do_not_check() -> None:
    read_otherwise = {"$schema", "$id", "title", "description", "default", "type", "properties", "propertyNames"}
    used = set(_keywords(schema(SCHEMA)))
    assert used - read_otherwise - {"patternProperties", "maximum"} - KEYWORDS.keys() == set()


def _keywords(part: Mapping[str, Any]) -> list[str]:
    inside = [*part.get("properties", {}).values()]
    inside += [part[keyword] for keyword in ("items", "additionalProperties", "propertyNames") if part.get(keyword)]
    return [*part, *(keyword for each in inside for keyword in _keywords(each))]


def test_what_both_schemas_define_is_the_same() -> None:
    own, other = shipped(SCHEMA)["$defs"], shipped()["$defs"]
    same = {"range", "variableName", "serviceName", "clientName", "text"}
    assert {name: own[name] for name in same} == {name: other[name] for name in same}
    types = other["variable"]["properties"]["type"]["enum"]
    assert own["variable"]["properties"]["type"]["enum"] == types == [str(kind) for kind in VariableType]


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: path.stem)
def test_our_verdict_is_that_of_json_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document, problems = read(path.name, text)
    if not problems:
        judge = jsonschema.Draft202012Validator(dict(shipped(SCHEMA)))
        assert (not list(check_form(document, schema(SCHEMA)))) == judge.is_valid(yaml.safe_load(text))
