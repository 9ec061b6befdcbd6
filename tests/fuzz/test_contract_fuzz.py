"""Whatever a contract file holds: it is accepted or refused in words, never anything else."""

import copy
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmp_local_dev.contract.fix import fixed
from mmp_local_dev.contract.lint import lint
from mmp_local_dev.contract.load import load, load_lenient, reading
from mmp_local_dev.contract.load.form import check_form, schema, shipped
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.errors import ContractInvalid

WHOLE = yaml.safe_load((Path(__file__).parents[1] / "contracts/valid/everything.yml").read_text(encoding="utf-8"))
MENDED = {"version", "env", "provides_env_variables", "provides_services"}
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
FIT_TO_SHOW = re.compile(r"(dev-contract\.yml:[0-9]+: .+|and [0-9]+ more)", re.ASCII)
JUDGE = jsonschema.Draft202012Validator(dict(shipped()), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)

fuzzing = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# A string as the alphabet, since hypothesis needs seconds to learn all of Unicode.
TEXT = st.text("".join(map(chr, range(0x180))) + "\u2028\ufeff😀")

INDICATORS = re.findall(
    r"\S+",
    r"""
    : - ? , [ ] { } & * ! | > ' " % @ ` # --- ... << = ~ &a *a !!int !<x> \\ \x1b \UFFFFFFFF %YAML
    version env a x-a yes 1.10 0x1F 22:22 2027-99-99 >=1
    """,
)
PIECES = st.sampled_from([*INDICATORS, ": ", "- ", " ", "\n", "\n  ", "\t", "\r", "\x85"])
SYNTAX = st.lists(PIECES, max_size=30).map("".join)

KNOWN_WORDS = re.findall(
    r"\S+",
    """
    a x-a host port string env none redis cache-1 mlflow tracking no null << 5432 1.2 >=1.2,<2 ^1 localhost:1
    [::1]:99999 /health http://localhost POSTGRES_PORT postgresql.port stack.id mmp.dev/v2 mmp.dev/v3
    user user_id age user_demographics user_demographics:age feast.computed schema.users-2 String Int64 Array(Int64)
    varchar(50) timestamptz 2026-01-01 2026-02-30 2026-01-01T00:00:00Z 365d ms latency freshness consumer offline draft
    """,
)
WORDS = st.sampled_from(["", *KNOWN_WORDS])
SCALARS = st.none() | st.booleans() | st.integers(-5, 70_000) | WORDS | TEXT.filter(lambda text: "\n" not in text)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=5
)


def containers(value: Any) -> list[Any]:
    """`value` and everything in it that holds something."""
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in containers(inner))]
    if isinstance(value, list):
        return [value, *(found for inner in value for found in containers(inner))]
    return []


@st.composite
def nearly_contracts(draw: st.DrawFn) -> dict[str, Any]:
    """A valid contract with up to three changes anywhere: removed, replaced or added."""
    document: dict[str, Any] = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from([found for found in containers(document) if found]))
        at = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        change = draw(st.sampled_from(["remove", "replace", "add"]))
        if change == "remove":
            del holder[at]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(WORDS)] = draw(VALUES)
        else:
            holder[at] = draw(VALUES)
    return document


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def file(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the contract is written to, with either of PyYAML's implementations reading it."""
    monkeypatch.setattr(reading, "_LOADER", getattr(yaml, request.param, yaml.SafeLoader))
    return tmp_path / "dev-contract.yml"


def loaded(file: Path, content: bytes) -> Contract | None:
    file.write_bytes(content)
    try:
        return load(file)
    except ContractInvalid as error:
        unfit = [line for line in error.message.split("\n") if not (FIT_TO_SHOW.fullmatch(line) and line.isprintable())]
    assert unfit == []
    return None


def dumped(document: dict[str, Any]) -> str:
    return str(yaml.dump(document, Dumper=DUMPER, sort_keys=False, allow_unicode=True))


@fuzzing
@given(content=st.binary(max_size=200) | TEXT.map(str.encode))
def test_any_bytes(file: Path, content: bytes) -> None:
    assert loaded(file, content) is None


@fuzzing
@given(text=SYNTAX)
def test_any_yaml(file: Path, text: str) -> None:
    assert loaded(file, text.encode()) is None


@fuzzing
@given(document=nearly_contracts())
def test_what_is_accepted_is_the_same_to_consumers_of_the_1_0_form(file: Path, document: dict[str, Any]) -> None:
    text = dumped(document)
    contract = loaded(file, text.encode())
    if contract is not None:
        plain = yaml.safe_load(text)
        assert plain["version"] == contract.version
        provided = {v.name for v in contract.variables.values() if v.required and not v.accepted}
        assert set(plain["provides_env_variables"]) == provided
        assert {item["name"] for item in plain["provides_services"]} == set(contract.services)


@fuzzing
@given(document=nearly_contracts() | VALUES)
def test_mending_ends_and_touches_nothing_else(document: Any) -> None:
    text = dumped(document)
    try:
        mended = fixed("dev-contract.yml", text).text
    except ContractInvalid:
        return
    assert fixed("dev-contract.yml", mended).done == ()
    if mended != text:
        before, after = yaml.safe_load(text), yaml.safe_load(mended)
        assert {k: v for k, v in before.items() if k not in MENDED} == {
            k: v for k, v in after.items() if k not in MENDED
        }


@fuzzing
@given(document=nearly_contracts(), today=st.dates())
def test_what_is_clean_can_be_loaded(file: Path, document: dict[str, Any], today: date) -> None:
    contract = loaded(file, dumped(document).encode())
    assert lint(file, today=today).clean == (contract is not None)


@fuzzing
@given(document=nearly_contracts())
def test_a_consumer_meets_no_other_error(file: Path, document: dict[str, Any]) -> None:
    file.write_text(dumped({**document, "apiVersion": "mmp.dev/v9"}), encoding="utf-8")
    try:
        contract, warnings = load_lenient(file)
    except ContractInvalid:
        return
    assert (contract.form, len(warnings)) == ("mmp.dev/v9", 1)


@settings(max_examples=20, deadline=None)
@given(document=nearly_contracts())
def test_our_verdict_on_the_form_is_that_of_json_schema(document: dict[str, Any]) -> None:
    tree, problems = read("dev-contract.yml", dumped(document))
    assert problems == []
    assert (not list(check_form(tree, schema()))) == JUDGE.is_valid(document)
