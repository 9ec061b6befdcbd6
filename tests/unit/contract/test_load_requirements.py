"""Loading of requirements: the corpus of valid and invalid files, and where every field arrives."""

import re
from pathlib import Path

import pytest
import yaml

from mmp_local_dev.contract.load.requirements import load_requirements
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
