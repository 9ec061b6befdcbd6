"""A registry in the words of the contract: the same when it holds what is promised, and judged by the rules of diff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract.compare.changes import Change
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract, Feast, FeatureView, Stability
from mmp_local_dev.contract.registered import breaking, changes, feast_of
from mmp_local_dev.contract.waivers import NONE, Waiver, Waivers
from mmp_local_dev.environment import Environment
from mmp_local_dev.services.feast_registry import Project, RegisteredEntity, RegisteredView

TODAY = date(2026, 1, 1)
ENV = Environment({"FEAST_DB_SCHEMA": "elsewhere"})

Edit = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(REPOSITORY / "dev-contract.yml")


@pytest.fixture(scope="module")
def feast(contract: Contract) -> Feast:
    assert contract.feast is not None
    return contract.feast


@pytest.fixture(scope="module")
def project(feast: Feast) -> Project:
    """What a registry holds that keeps the contract."""
    return Project(
        feast.project,
        {name: RegisteredEntity(each.join_key, each.dtype) for name, each in feast.entities.items()},
        {name: registered(view) for name, view in feast.views.items()},
        {name: frozenset(each.features) for name, each in feast.services.items()},
    )


def registered(view: FeatureView) -> RegisteredView:
    features = {name: each.dtype for name, each in view.features.items()}
    time = view.timestamp_field or ""
    return RegisteredView("batch", view.entities, features, view.ttl, view.online, view.source or "", "", time)


def with_view(project: Project, name: str, **changed: Any) -> Project:
    return replace(project, views={**project.views, name: replace(project.views[name], **changed)})


def found(
    old: Feast | None, project: Project, contract: Contract, *, key_version: int = 3, waivers: Waivers = NONE
) -> tuple[Change, ...]:
    return changes(old, feast_of(project, key_version, contract, ENV), contract, as_of=TODAY, waivers=waivers)


def test_a_registry_that_keeps_the_contract_differs_in_nothing(
    contract: Contract, feast: Feast, project: Project
) -> None:
    assert found(feast, project, contract) == ()


def test_of_a_first_apply_everything_is_new(contract: Contract, project: Project) -> None:
    first = found(None, project, contract)
    assert {change.rule for change in first} == {
        *("entity-added", "view-added", "feature-service-added", "feast-project-added")
    }
    assert breaking(first) == ()


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({"features": {"transaction_count_30d": "Int64"}}, {"feature-removed[merchant_stats:amount_mean_30d]"}),
        ({"entities": ("user",)}, {"view-entities-changed[merchant_stats]"}),
        ({"online": False}, {"view-online-removed[merchant_stats]"}),
        ({"table": "transactions"}, set()),
        ({"timestamp_field": "at"}, set()),
        ({"ttl": 60}, set()),
        ({"table": "", "query": "SELECT * FROM merchant_stats"}, set()),
        ({"kind": "on demand", "entities": ()}, set()),
    ],
    ids=["removed", "entities", "offline", "source", "time", "ttl", "query", "on demand"],
)
def test_what_breaks_consumers(
    contract: Contract, feast: Feast, project: Project, changed: dict[str, Any], ids: set[str]
) -> None:
    broken = {each.id for each in breaking(found(feast, with_view(project, "merchant_stats", **changed), contract))}
    assert ids <= broken
    assert bool(ids) is bool(broken)


def test_another_key_of_an_entity_and_another_version_of_keys_break_consumers(
    contract: Contract, feast: Feast, project: Project
) -> None:
    other = replace(project, entities={**project.entities, "user": RegisteredEntity("id", "Int64")})
    assert {each.rule for each in breaking(found(feast, other, contract))} == {
        *("entity-join-key-changed", "entity-dtype-changed")
    }
    (only,) = breaking(found(feast, project, contract, key_version=2))
    assert only.rule == "entity-key-serialization-changed"


def test_a_query_that_changes_is_told(contract: Contract, project: Project) -> None:
    one, other = (
        with_view(project, "merchant_stats", table="", query=f"SELECT {columns} FROM merchant_stats")
        for columns in ("*", "merchant_id")
    )
    (only,) = found(feast_of(one, 3, contract, ENV), other, contract)
    assert (only.rule, breaking((only,))) == ("view-definition-changed", ())


def test_what_is_promised_as_a_draft_breaks_nobody(contract: Contract, feast: Feast, project: Project) -> None:
    view = replace(feast.views["merchant_stats"], stability=Stability.DRAFT)
    draft = replace(contract, feast=replace(feast, views={**feast.views, view.name: view}))
    assert breaking(found(draft.feast, with_view(project, view.name, online=False), draft)) == ()


def test_what_is_waived_is_told_and_breaks_nobody(contract: Contract, feast: Feast, project: Project) -> None:
    id_ = "view-online-removed[merchant_stats]"
    waivers = Waivers({id_: Waiver(id_, "nobody reads it", TODAY)}, TODAY)
    (only,) = found(feast, with_view(project, "merchant_stats", online=False), contract, waivers=waivers)
    assert (only.waived, breaking((only,))) == ("nobody reads it", ())


def test_what_no_contract_promises_is_judged_all_the_same(contract: Contract, project: Project) -> None:
    silent = replace(contract, feast=None)
    old = feast_of(project, 3, silent, ENV)
    (only,) = breaking(found(old, with_view(project, "merchant_stats", online=False), silent))
    assert only.id == "view-online-removed[merchant_stats]"
