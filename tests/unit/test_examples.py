"""The examples name nothing that the contract does not promise. That they run is tests/integration/test_example.py."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY
from mmp_local_dev import workspace_files
from mmp_local_dev.contract.infer.sql import reads
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.needs import compare

CARD_FRAUD = REPOSITORY / "examples/card-fraud"
CONSUMER = REPOSITORY / "examples/modern-ml-pipeline"
CONTRACT = load(REPOSITORY / "dev-contract.yml")
assert CONTRACT.feast
FEAST = CONTRACT.feast


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def constants(path: Path) -> dict[str, Any]:
    """The values of the names that a module gives literals to."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    given = [statement for statement in statements if isinstance(statement, ast.Assign)]
    found = {ast.unparse(each.targets[0]): each.value for each in given}
    return {
        name: ast.literal_eval(value) for name, value in found.items() if isinstance(value, ast.Constant | ast.List)
    }


def test_the_contract_does_for_card_fraud() -> None:
    assert compare(load_requirements(CARD_FRAUD / "needs.req.yml"), CONTRACT).exit_code == 0


def test_card_fraud_needs_what_its_service_brings_and_its_model_takes() -> None:
    module = constants(CARD_FRAUD / "features.py")
    needed = {need.name for need in load_requirements(CARD_FRAUD / "needs.req.yml").features.values()}
    assert needed <= set(FEAST.services[module["SERVICE"]].features)
    in_the_model = {name.replace("__", ":") for name in [*module["NUMBERS"], *module["WORDS"]] if "__" in name}
    assert in_the_model <= needed


def test_card_fraud_has_the_configuration_of_the_provider() -> None:
    copied = (CARD_FRAUD / "feature_store.yaml").read_bytes()
    assert copied == (REPOSITORY / "feast_repo/feature_store.yaml").read_bytes()


def test_the_transaction_has_what_the_training_set_has() -> None:
    transaction = json.loads((CARD_FRAUD / "transaction.json").read_text(encoding="utf-8"))
    columns = CONTRACT.tables["transactions"].columns
    assert set(transaction) == set(columns) - {"transaction_id", "is_fraud"}


def test_every_variable_of_the_consumer_is_promised() -> None:
    text = (CONSUMER / "configs/dev.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\$\{(\w+)", text))
    assert named <= set(CONTRACT.variables)
    assert named >= {name for name in CONTRACT.variables if name.startswith(("POSTGRES_", "FEAST_", "REDIS_"))}


def test_the_consumer_asks_the_store_as_the_contract_has_it() -> None:
    store = document(CONSUMER / "configs/dev.yaml")["feature_store"]["feast_config"]
    assert store["entity_key_serialization_version"] == FEAST.entity_key_serialization_version


def test_every_feature_of_the_recipe_is_promised_under_its_key() -> None:
    recipe = document(CONSUMER / "recipes/card_fraud.yaml")
    views = recipe["data"]["fetcher"]["feature_views"]
    for name, view in views.items():
        assert set(view["features"]) <= set(FEAST.views[name].features)
        assert [view["join_key"]] == [FEAST.entities[entity].join_key for entity in FEAST.views[name].entities]
    bare = [feature for view in views.values() for feature in view["features"]]
    assert len(bare) == len(set(bare))  # it asks for names without their views


@pytest.mark.parametrize("query", ["transactions.sql.j2", "joined.sql.j2"])
def test_queries_of_the_consumer_read_what_is_promised(query: str) -> None:
    tables = {table.physical_name: table for table in CONTRACT.tables.values()}
    for kind, name in reads((CONSUMER / "queries" / query).read_text(encoding="utf-8")):
        table, _, column = name.partition(":")
        assert table in tables
        assert kind == "table" or column in tables[table].columns


def test_a_workspace_and_a_wheel_come_without_examples() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert not [name for name in workspace_files.FILES if "example" in name]
    assert '"examples' not in project.partition("[tool.hatch")[2].partition("[tool.ruff]")[0]
