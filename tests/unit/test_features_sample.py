"""Whether the first `up` of a stack asks for sample data, and what it remembers of the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmp_local_dev.operations import features_sample
from mmp_local_dev.operations.init import init
from mmp_local_dev.workspace import Stack, StackState, Workspace

pytest.importorskip("pyarrow")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    init(tmp_path)
    return Workspace(tmp_path).stack("default")


def test_a_new_stack_is_asked_about(stack: Stack) -> None:
    assert features_sample.question(stack).startswith("Load 50,000 sample transactions for card-fraud detection")
    assert not features_sample.is_wanted(stack)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_answer_is_remembered(stack: Stack, *, wanted: bool) -> None:
    features_sample.remember(stack, wanted=wanted)
    assert features_sample.question(stack) == ""
    assert features_sample.is_wanted(stack) == wanted


def test_a_wish_is_forgotten_when_it_is_withdrawn(stack: Stack) -> None:
    features_sample.forget(stack)
    assert features_sample.question(stack)
    features_sample.remember(stack, wanted=True)
    features_sample.forget(stack)
    assert not features_sample.is_wanted(stack)
    assert features_sample.question(stack) == ""


def test_a_stack_that_was_up_is_not_asked_about(stack: Stack) -> None:
    stack.create()
    stack.save(StackState("id", str(stack.workspace.root)))
    assert features_sample.question(stack) == ""


@pytest.mark.parametrize("file", ["feast_repo/definitions.py", "scripts/feature_tables.sql"])
def test_nor_is_a_workspace_without_features(stack: Stack, file: str) -> None:
    path = stack.workspace.root / file
    path.rename(path.with_name("elsewhere"))
    if path.parent.name == "feast_repo":
        path.parent.rename(stack.workspace.root / "other")
    assert features_sample.question(stack) == ""
