"""The contract in other forms: the 1.0 document, a JSON Schema, a page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmp_local_dev.contract.export import FORMS
from mmp_local_dev.contract.export.form_1_0 import form_1_0
from mmp_local_dev.contract.export.json_schema import json_schema
from mmp_local_dev.contract.export.markdown import markdown
from mmp_local_dev.contract.load import load, load_text
from mmp_local_dev.contract.model import Contract, ContractService, Variable, VariableType

ROOT = Path(__file__).parents[3]
EVERYTHING = load(ROOT / "tests" / "contracts" / "valid" / "everything.yml")
OWN = load(ROOT / "dev-contract.yml")
VALID = sorted((ROOT / "tests" / "contracts" / "valid").glob("*.yml"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_every_contract_has_every_form(path: Path, form: str) -> None:
    contract = load(path)
    text = FORMS[form](contract)
    assert text == FORMS[form](contract)
    assert text.endswith("\n")
    assert contract.version in text


# The 1.0 form


def promised(contract: Contract) -> tuple[str, str, list[str], list[tuple[str, int, str | None]]]:
    """What the 1.0 form can say."""
    names = [v.name for v in contract.variables.values() if v.required and not v.accepted]
    services = [(s.name, s.port, s.health_path) for s in contract.services.values()]
    return contract.version, contract.verification_script, names, services


def test_it_has_the_four_keys_and_no_others() -> None:
    document = yaml.safe_load(form_1_0(OWN))
    whole = yaml.safe_load((ROOT / "dev-contract.yml").read_text(encoding="utf-8"))
    assert document == {key: whole[key] for key in document}
    assert list(document) == ["version", "provides_env_variables", "provides_services", "verification_script"]


NUMBERS = st.integers(0, 10**9 - 1)
VERSIONS = st.lists(NUMBERS, min_size=2, max_size=3).map(lambda numbers: ".".join(map(str, numbers)))
VARIABLES = st.builds(
    Variable,
    st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True),
    st.sampled_from(VariableType),
    required=st.booleans(),
    accepted=st.booleans(),
)
SERVICES = st.builds(
    ContractService,
    st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True),
    protocol=st.just("http"),
    version=st.just("<4"),
    port=st.integers(1, 65535),
    health_path=st.none() | st.from_regex(r"/[A-Za-z0-9._~/-]{0,9}", fullmatch=True),
)
CONTRACTS = st.builds(
    lambda version, script, variables, services: replace(
        OWN,
        version=version,
        verification_script=script,
        variables={v.name: v for v in [*variables, Variable("ALWAYS", VariableType.STRING)]},
        services={s.name: s for s in services},
    ),
    VERSIONS,
    st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), min_size=1, max_size=20),
    st.lists(VARIABLES, max_size=4),
    st.lists(SERVICES, min_size=1, max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(contract=CONTRACTS)
def test_loading_gives_back_what_the_1_0_form_can_say(contract: Contract) -> None:
    text = form_1_0(contract)
    loaded = load_text("dev-contract.yml", text)
    assert loaded.form == "1.0"
    assert promised(loaded) == promised(contract)
    assert form_1_0(loaded) == text


# JSON Schema


def schema_of(contract: Contract) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(json_schema(contract))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def test_an_environment_can_be_judged_by_the_schema() -> None:
    judge = jsonschema.Draft202012Validator(schema_of(EVERYTHING))
    env = {"POSTGRES_PORT": "5433", "CACHE_HOST": "::1", "CACHE_PORT": "6380", "TRACKING_URI": "http://localhost:5002"}
    assert judge.is_valid({**env, "LOG_LEVEL": "info", "FEAST_PROJECT": "sample_project", "OTHER": ""})
    for name, wrong in {
        "POSTGRES_PORT": "none",
        "CACHE_HOST": "",
        "TRACKING_URI": "localhost",
        "LOG_LEVEL": "loud",
        "FEAST_PROJECT": "other",
        "REGISTRY": "relative",
    }.items():
        assert not judge.is_valid({**env, name: wrong}), name
    for name in env:
        assert not judge.is_valid({key: value for key, value in env.items() if key != name}), name


def test_the_schema_says_what_is_secret_and_what_goes() -> None:
    properties = schema_of(EVERYTHING)["properties"]
    assert properties.keys() == EVERYTHING.variables.keys()
    assert {name for name, each in properties.items() if each.get("writeOnly")} == {
        "POSTGRES_PASSWORD",
        "OTHER_PASSWORD",
    }
    assert {name for name, each in properties.items() if each.get("deprecated")} == {"OLD_HOST"}
    assert properties["CACHE_HOST"]["default"] == "::1"


def test_a_row_can_be_judged_by_the_schema() -> None:
    row = schema_of(EVERYTHING)["$defs"]["user_demographics"]
    judge = jsonschema.Draft202012Validator(row)
    sound = {
        "user_id": "u1",
        "event_timestamp": "2026-01-01T00:00:00Z",
        "age": None,
        "gender": "F",
        "score": 0.5,
        "tags": ["a"],
        "mood": "any",
        "more": 1,
    }
    assert judge.is_valid(sound)
    for name, wrong in {
        "user_id": None,
        "age": 2**31,
        "gender": "FM",
        "score": "0.5",
        "tags": [1],
        "event_timestamp": 1,
    }.items():
        assert not judge.is_valid({**sound, name: wrong}), name
    assert not judge.is_valid({key: value for key, value in sound.items() if key != "mood"})


# Markdown


def test_the_page_has_every_name() -> None:
    page = markdown(EVERYTHING)
    assert EVERYTHING.feast is not None
    names = [*EVERYTHING.variables, *EVERYTHING.services, *EVERYTHING.fixtures, *EVERYTHING.service_levels]
    names += [table.physical_name for table in EVERYTHING.tables.values()]
    names += [column for table in EVERYTHING.tables.values() for column in table.columns]
    names += [f"{view.name}:{feature}" for view in EVERYTHING.feast.views.values() for feature in view.features]
    names += [*EVERYTHING.feast.services, *EVERYTHING.mlflow_capabilities]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_row_has_the_columns_of_its_table() -> None:
    variable = replace(EVERYTHING.variables["REGISTRY"], default="/a|b`c", description="a | b\n<c> *d*")
    page = markdown(replace(EVERYTHING, variables={"REGISTRY": variable}))
    assert r"a \| b \<c\> \*d\*" in page
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in page.splitlines() if line.startswith("|")]
    tables = re.findall(r"(?m)(?:^\|.*\n)+", page)
    assert sum(table.count("\n") for table in tables) == len(widths)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_section_that_is_not_there_is_no_heading() -> None:
    headings = re.findall(r"(?m)^## (.+)$", markdown(replace(OWN, tables={}, feast=None, fixtures={})))
    assert headings == ["Environment", "Services", "MLflow"]


def test_what_may_go_is_told() -> None:
    old = replace(EVERYTHING.variables["OLD_HOST"], deprecated=True, sunset=date(2099, 6, 30))
    assert "deprecated, may be gone from 2099-06-30" in markdown(replace(EVERYTHING, variables={"OLD_HOST": old}))
