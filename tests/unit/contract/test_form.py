"""The schema that is shipped: what it promises to editors is what `form` and `crosschecks` enforce."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mmp_local_dev.contract.load import variable_rules
from mmp_local_dev.contract.load.crosschecks import RULES
from mmp_local_dev.contract.load.form import KEYWORDS, check_form, schema, shipped
from mmp_local_dev.contract.load.other_forms import KNOWN
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.model import VariableType
from mmp_local_dev.errors import ContractInvalid

ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "default"}
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


PARTS = list(parts(dict(shipped())))
OBJECTS = [part for part in PARTS if part.get("type") == "object"]


def test_the_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(shipped()))


def test_every_keyword_is_one_that_we_check() -> None:
    used = {keyword for part in PARTS for keyword in part}
    assert used - ANNOTATIONS - COMPANIONS - KEYWORDS.keys() == set()


def test_every_part_has_one_type_or_a_reference_and_annotations() -> None:
    for part in PARTS:
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in shipped()["$defs"]
            assert part.keys() - ANNOTATIONS == {"$ref"}
        else:
            assert isinstance(part["type"], str)


@pytest.mark.parametrize("part", OBJECTS, ids=lambda part: ",".join(part.get("properties", {"by name": 0})))
def test_every_object_is_closed_and_extensible(part: dict[str, Any]) -> None:
    assert part["patternProperties"] == {"^x-": {}}
    assert part["additionalProperties"] is False or part.keys() >= {"propertyNames", "additionalProperties"}
    assert part.get("required", []) == [name for name in part.get("required", []) if name in part["properties"]]


def test_every_property_is_described_for_editors() -> None:
    described = [
        {**shipped()["$defs"].get(str(p.get("$ref", "")).removeprefix("#/$defs/"), {}), **p}
        for part in OBJECTS
        for p in part.get("properties", {}).values()
    ]
    assert [part for part in described if "description" not in part] == []


def test_every_pattern_is_anchored_and_has_words() -> None:
    for part in PARTS:
        if "pattern" in part:
            assert part["pattern"].startswith("^")
            assert part["pattern"].endswith("$") or part["pattern"].endswith("$))+$")
            assert part["title"]


def test_code_and_schema_name_the_same_things() -> None:
    definitions = shipped()["$defs"]
    assert definitions["variable"]["properties"]["type"]["enum"] == [str(kind) for kind in VariableType]
    assert definitions["service"]["properties"]["protocol"]["enum"] == list(variable_rules.PARTS)
    assert shipped()["properties"]["apiVersion"]["const"] == KNOWN[-1]


def test_rules_name_sections_that_exist() -> None:
    assert {name for sections, _ in RULES for name in sections} <= shipped()["properties"].keys()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_our_verdict_is_that_of_json_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        document, problems = read(path.name, text)
    except ContractInvalid:
        return  # no YAML that we accept, so no schema has anything to say
    if not problems and path.stem not in STRICTER:
        judge = jsonschema.Draft202012Validator(dict(shipped()))
        assert (not list(check_form(document, schema()))) == judge.is_valid(yaml.safe_load(text))
