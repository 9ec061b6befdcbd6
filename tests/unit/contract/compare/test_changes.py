"""Changes as values: who uses them, what names them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from mmp_local_dev.contract.compare.changes import Change, Subject, users


def change(kind: str, name: str, *touches: tuple[str, str]) -> Change:
    return Change(
        "rule", Subject(kind, name), "section", name, "text", touches=tuple(Subject(*each) for each in touches)
    )


@pytest.mark.parametrize(
    ("changed", "required"),
    [
        (change("env", "A"), ("env", "A")),
        (change("table", "features.x"), ("column", "features.x:age")),
        (change("view", "v"), ("feature", "v:f")),
        (change("feast", ""), ("feature", "v:f")),
        (change("entity", "e", ("view", "v")), ("feature", "v:f")),
    ],
)
def test_who_requires_it_or_a_part_of_it_uses_it(changed: Change, required: tuple[str, str]) -> None:
    assert users(changed, {"b": {Subject(*required)}, "a": {required}, "c": {("env", "Z")}}) == ("a", "b")


@pytest.mark.parametrize(
    ("changed", "required"),
    [
        (change("column", "features.x:age"), ("table", "features.x")),
        (change("feature", "v:f"), ("feature", "v:g")),
        (change("env", "A"), ("service", "A")),
    ],
)
def test_who_requires_something_else_does_not(changed: Change, required: tuple[str, str]) -> None:
    assert users(changed, {"a": {required}}) == ()


def test_the_contract_as_a_whole_is_used_by_all() -> None:
    assert users(change("contract", ""), {"b": {("env", "A")}, "a": set()}) == ("a", "b")
    assert users(replace(change("contract", ""), rule="version-not-bumped"), {"a": {("env", "A")}}) == ()


def test_a_fingerprint_is_of_the_rule_the_place_and_the_sentence() -> None:
    one = change("env", "A")
    assert one.fingerprint == hashlib.sha256(b"rule:section.A:text").hexdigest()[:12]
    assert replace(one, old_line=9, waived="why").fingerprint == one.fingerprint
    assert replace(one, text="other").fingerprint != one.fingerprint


def test_json_has_words_for_everything() -> None:
    data = change("env", "A", ("view", "v")).to_data()
    assert data["severity"] == "NONE"
    assert data["bump"] == "nothing"
    assert (data["subject"], data["touches"]) == ({"kind": "env", "name": "A"}, [{"kind": "view", "name": "v"}])
