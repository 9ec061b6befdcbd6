"""The schema that is shipped: what it promises to editors is what `form` and `crosschecks` enforce."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mmp_local_dev.contract import types
from mmp_local_dev.contract.load import variable_rules
from mmp_local_dev.contract.load.crosschecks import RULES, RULES_1_0
from mmp_local_dev.contract.load.form import (
    CONTRACT,
    CONTRACT_1_0,
    KEYWORDS,
    REQUIREMENTS,
    WAIVERS,
    check_form,
    schema,
    shipped,
)
from mmp_local_dev.contract.load.other_forms import KNOWN, is_1_0
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.model import Severity, Stability, VariableType
from mmp_local_dev.errors import ContractInvalid

ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "default", "examples"}
# Read together with another keyword, or before all of them.
COMPANIONS = {"$ref", "type", "properties", "propertyNames", "patternProperties", "maximum"}

# Where we ask for more than JSON Schema can: it sees the number, not how it is spelled.
STRICTER = {"hexadecimal-port"}

CORPUS = sorted((Path(__file__).parents[2] / "contracts").glob("*/*.yml"))


def parts(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and every schema inside of it."""
    yield part
    inside = [*part.get("properties", {}).values(), *part.get("$defs", {}).values()]
    inside += [part[keyword] for keyword in ("items", "additionalProperties") if part.get(keyword)]
    for each in inside:
        yield from parts(each)


SCHEMAS = {name: dict(shipped(name)) for name in (CONTRACT, CONTRACT_1_0, REQUIREMENTS, WAIVERS)}
JUDGES = {
    name: jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for name, schema in SCHEMAS.items()
}
PARTS = [part for schema in SCHEMAS.values() for part in parts(schema)]
OBJECTS = [part for part in PARTS if "object" in part.get("type", ())]

every_schema = pytest.mark.parametrize("name", SCHEMAS)


@every_schema
def test_the_schema_is_valid_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@every_schema
def test_every_keyword_is_one_that_we_check(name: str) -> None:
    used = {keyword for part in parts(SCHEMAS[name]) for keyword in part}
    assert used - ANNOTATIONS - COMPANIONS - KEYWORDS.keys() == set()


@every_schema
def test_every_part_has_types_or_a_reference_and_annotations(name: str) -> None:
    for part in parts(SCHEMAS[name]):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in SCHEMAS[name]["$defs"]
            assert part.keys() - ANNOTATIONS == {"$ref"}
        else:
            assert isinstance(part["type"], str) or len(part["type"]) > 1


def test_every_keyword_is_about_a_type_that_its_part_can_have() -> None:
    """So that it is never silently without effect; `enum` and `const` are about every type for JSON Schema."""
    for part in PARTS:
        kinds = part.get("type", ())
        types = {"number" if kind == "integer" else kind for kind in ([kinds] if isinstance(kinds, str) else kinds)}
        assert {KEYWORDS[keyword][0] for keyword in part.keys() & KEYWORDS.keys()} <= types
        assert not {"enum", "const"} & part.keys() or types == {"string"}


def test_a_feature_is_a_type_or_has_one() -> None:
    definitions = SCHEMAS[CONTRACT]["$defs"]
    for keyword in ("title", "pattern", "examples"):
        assert definitions["feature"][keyword] == definitions["dtype"][keyword]
    assert [
        word for word in definitions["dtype"]["examples"] if not re.fullmatch(definitions["dtype"]["pattern"], word)
    ] == []


@pytest.mark.parametrize("part", OBJECTS, ids=lambda part: ",".join(part.get("properties", {"by name": 0})))
def test_every_object_is_closed_and_extensible(part: dict[str, Any]) -> None:
    assert part["patternProperties"] == {"^x-": {}}
    assert part["additionalProperties"] is False or part.keys() >= {"propertyNames", "additionalProperties"}
    assert part.get("required", []) == [name for name in part.get("required", []) if name in part["properties"]]


def test_every_property_is_described_for_editors() -> None:
    for name in SCHEMAS:
        described = [p for part in parts(dict(schema(name))) for p in part.get("properties", {}).values()]
        assert [part for part in described if "description" not in part] == []


def test_every_pattern_is_anchored_and_has_words() -> None:
    for part in PARTS:
        if "pattern" in part:
            assert part["pattern"].startswith("^")
            assert part["pattern"].endswith("$") or part["pattern"].endswith("$))+$")
            assert part["title"]


def test_code_and_schema_name_the_same_things() -> None:
    definitions = SCHEMAS[CONTRACT]["$defs"]
    assert definitions["variable"]["properties"]["type"]["enum"] == [str(kind) for kind in VariableType]
    assert definitions["service"]["properties"]["protocol"]["enum"] == list(variable_rules.PARTS)
    assert SCHEMAS[CONTRACT]["properties"]["apiVersion"]["const"] == KNOWN[-1]
    assert definitions["severity"]["enum"] == [str(severity) for severity in Severity]
    assert definitions["stability"]["enum"] == [str(stability) for stability in Stability]
    dtype = re.compile(definitions["dtype"]["pattern"])
    assert [name for type_ in types.NAMES for name in types.dtypes(type_) if not dtype.fullmatch(name)] == []


# The same words for other things.
DIFFERENT = {CONTRACT_1_0: {"providedService"}, REQUIREMENTS: {"metadata", "variable", "service", "column", "feature"}}


@pytest.mark.parametrize("name", DIFFERENT)
def test_all_forms_share_their_words(name: str) -> None:
    own, shared = SCHEMAS[name]["$defs"], SCHEMAS[CONTRACT]["$defs"]
    words = (own.keys() & shared.keys()) - DIFFERENT[name]
    assert {word: own[word] for word in words} == {word: shared[word] for word in words}


def test_requirements_name_what_contracts_name() -> None:
    own, contract = SCHEMAS[REQUIREMENTS], SCHEMAS[CONTRACT]
    types = [form["$defs"]["variable"]["properties"]["type"]["enum"] for form in (own, contract)]
    capabilities = [form["properties"]["mlflow"]["properties"]["capabilities"]["items"] for form in (own, contract)]
    assert (types[0], capabilities[0]) == (types[1], capabilities[1])


@pytest.mark.parametrize(
    ("short", "name"),
    [("variable", "variableName"), ("service", "range"), ("column", "columnName"), ("feature", "featureReference")],
)
def test_a_short_form_is_what_the_long_one_has(short: str, name: str) -> None:
    definitions = SCHEMAS[REQUIREMENTS]["$defs"]
    for keyword in ("title", "pattern"):
        assert definitions[short][keyword] == definitions[name][keyword]


def test_rules_name_sections_that_exist() -> None:
    for rules, form in ((RULES, CONTRACT), (RULES_1_0, CONTRACT_1_0)):
        named = {name for rule in rules for name in (*rule.sections, *rule.others)}
        assert named <= SCHEMAS[form]["properties"].keys()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_our_verdict_is_that_of_json_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        document, problems = read(path.name, text)
    except ContractInvalid:
        return  # no YAML that we accept, so no schema has anything to say
    if not problems and path.stem not in STRICTER:
        others = REQUIREMENTS if path.parent.name.endswith("-requirements") else CONTRACT
        form = CONTRACT_1_0 if is_1_0(document) else others
        assert (not list(check_form(document, schema(form)))) == JUDGES[form].is_valid(yaml.safe_load(text))
