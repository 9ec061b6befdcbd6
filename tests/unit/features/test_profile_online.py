"""What of a comparison of the stores goes into a profile."""

from __future__ import annotations

import pytest

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady
from mmp_local_dev.features import profile_online
from mmp_local_dev.features.profile_facts import Online, Table
from mmp_local_dev.services import feast_agreement
from mmp_local_dev.services.feast_difference import Agreement, Difference, Kind
from mmp_local_dev.services.feast_registry import Project, RegisteredView

PROJECT = Project("p", views={"v": RegisteredView("batch", ("user",), {"age": "Int64"})})


def compared(monkeypatch: pytest.MonkeyPatch, answer: Agreement | Exception, rows: int = 10) -> Online | None:
    def compare(*_arguments: object, **_options: object) -> Agreement:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(feast_agreement, "of_all", compare)
    monkeypatch.setattr(feast_agreement, "of_some", compare)
    return profile_online.compare(Environment({}), PROJECT, "v", Table("v", "f.v", rows=rows), {}, timeout=1)


def agreement(*differences: Difference) -> Agreement:
    found = Agreement(rows=10, cells=10, stored=9)
    for each in differences:
        found.add(each)
    return found


def test_differences_are_counted_by_kind_and_the_first_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Difference(Kind.WRONG, "v", {"user": "a"}, "age", 1, "x" * 100)
    gone = Difference(Kind.MISSING, "v", {"user": "b"})
    found = compared(monkeypatch, agreement(wrong, gone, gone))
    assert found is not None
    assert (found.rows, found.stored, found.equal, found.whole) == (10, 9, 7, True)
    assert found.differences == {str(Kind.MISSING): 2, str(Kind.WRONG): 1}
    assert found.example == f"user=a, age: offline 1, online {'x' * 80}…"


def test_of_very_many_entities_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compared(monkeypatch, agreement(), rows=profile_online.COMPARED_ALL + 1)
    assert found is not None
    assert (found.whole, found.differences, found.example) == (False, {}, "")


def test_a_store_that_does_not_answer_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compared(monkeypatch, NotReady("Redis at localhost:6379: refused."))
    assert found is not None
    assert found.problem == "Redis at localhost:6379: refused."


def test_a_view_that_feast_stores_no_rows_of_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compared(monkeypatch, MmpError("no keys", code="VIEW_NOT_STORED")) is None
