"""Each rule by a sample of its own: two contracts between which it is the only difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.contract.compare.changes import Bump, Change, Subject, Weight
from mmp_local_dev.contract.compare.diff import diff
from mmp_local_dev.contract.compare.ruleset import rules
from mmp_local_dev.contract.model import (
    Column,
    Contract,
    ContractService,
    Entity,
    Feast,
    Feature,
    FeatureService,
    FeatureView,
    KnownAnswer,
    KnownAnswers,
    KnownKeys,
    ServiceLevel,
    Severity,
    Stability,
    Table,
    Variable,
    VariableType,
)
from mmp_local_dev.contract.waivers import NONE

RULES = rules(1)
TODAY = date(2026, 6, 30)
LATER = date(2027, 1, 1)
URL, PORT = VariableType.URL, VariableType.PORT
BARE = Contract(Path("dev-contract.yml"), "one", "1.2.0", "mmp.dev/v2", {}, {})


def contract(**sections: Any) -> Contract:
    return replace(BARE, **sections)


def env(**terms: Any) -> Contract:
    return contract(variables={"A": Variable("A", **{"type": VariableType.STRING, **terms})})


def consumed(**terms: Any) -> Contract:
    return env(accepted=True, **terms)


def service(**terms: Any) -> Contract:
    return contract(services={"db": ContractService("db", **{"protocol": "redis", "version": "", "port": 1, **terms})})


def table(name: str = "t", **terms: Any) -> Contract:
    return contract(tables={name: Table(name, "features.t", **{"columns": {}, **terms})})


def column(type_: str = "varchar(50)", **terms: Any) -> Contract:
    return table(columns={"c": Column("c", type_, **terms)})


def store(project: str = "p", version: int = 3, **parts: Any) -> Contract:
    return contract(feast=Feast(project, version, **{"entities": {}, "views": {}, **parts}))


def entity(**terms: Any) -> Contract:
    return store(entities={"e": Entity("e", **{"join_key": "id", "dtype": "String", **terms})})


def view(**terms: Any) -> Contract:
    return store(views={"v": FeatureView("v", **{"entities": ("e",), "features": {}, **terms})})


def feature(**terms: Any) -> Contract:
    return view(features={"f": Feature("f", **{"dtype": "Int32", **terms})})


def feature_service(*features: str, **terms: Any) -> Contract:
    return store(services={"s": FeatureService("s", features, **terms)})


def keys(**terms: Any) -> Contract:
    plain = {"entity": "e", "values": ("u1",), "places": ("online",)}
    return contract(fixtures={"k": KnownKeys("k", **{**plain, **terms})})


def answers(*known: KnownAnswer, **terms: Any) -> Contract:
    return contract(fixtures={"k": KnownAnswers("k", **{"view": "v", "answers": known, **terms})})


def answer(**values: Any) -> KnownAnswer:
    return KnownAnswer({"id": "u1"}, values)


def level(**terms: Any) -> Contract:
    plain = {"property": "latency", "value": 1, "unit": "s", "element": "feast.v", "severity": Severity.WARNING}
    return contract(service_levels={"l": ServiceLevel("l", **{**plain, **terms})})


def mlflow(*capabilities: str) -> Contract:
    return contract(mlflow_capabilities=capabilities)


def reserved(kind: str, name: str, **sections: Any) -> Contract:
    return contract(reserved={kind: (name,)}, **sections)


def old_form(**sections: Any) -> Contract:
    return contract(form="1.0", **sections)


# What the sunset of each kind of clause is tried with.
PAST: Mapping[str, Any] = {"deprecated": True, "sunset": TODAY}

# Rule -> the contract before and after; the way back is its mirror's sample.
SAMPLES: Mapping[str, tuple[Contract, Contract]] = {
    "env-removed": (env(), BARE),
    "any-optional-removed": (env(required=False), BARE),
    "env-became-optional": (env(), env(required=False)),
    "env-input-required-added": (BARE, consumed()),
    "env-input-became-required": (consumed(required=False), consumed()),
    "env-type-narrowed": (env(), env(type=URL)),
    "env-type-changed": (env(type=PORT), env(type=URL)),
    "env-input-type-narrowed": (consumed(), consumed(type=URL)),
    "env-input-type-changed": (consumed(type=PORT), consumed(type=URL)),
    "env-enum-value-added": (env(enum=("a", "b")), env(enum=("b", "a", "c"))),
    "env-input-enum-value-removed": (consumed(), consumed(enum=("a",))),
    "env-min-length-lowered": (env(min_length=8), env(min_length=4)),
    "env-input-min-length-raised": (consumed(), consumed(min_length=4)),
    "env-default-changed": (env(default="a"), env(default="b")),
    "env-const-changed": (env(default="a", const=True), env(default="b", const=True)),
    "env-const-removed": (env(default="a", const=True), env(default="a")),
    "env-sensitivity-changed": (env(), env(sensitive=True)),
    "env-binding-changed": (env(binds="db.host"), env(binds="cache.host")),
    "env-binding-removed": (env(binds="db.host"), env()),
    "service-removed": (service(), BARE),
    "service-became-optional": (service(), service(required=False)),
    "service-protocol-changed": (service(), service(protocol="http")),
    "service-port-changed": (service(port_policy="fixed"), service(port_policy="fixed", port=2)),
    "service-port-changed-env": (service(), service(port=2)),
    "service-port-policy-relaxed": (service(port_policy="fixed"), service()),
    "service-endpoint-removed": (service(endpoints={"host": "h:1"}), service()),
    "service-endpoint-name-changed": (service(endpoints={"host": "h:1"}), service(endpoints={"host": "i:1"})),
    "service-health-path-changed": (service(health_path="/a"), service(health_path="/b")),
    "service-health-path-removed": (service(health_path="/a"), service()),
    "service-needs-changed": (service(needs=("a",)), service(needs=("b",))),
    "service-version-narrowed": (service(version=">=15,<18"), service(version=">=16,<18")),
    "service-version-moved": (service(version=">=15,<17"), service(version=">=16,<18")),
    "service-client-narrowed": (service(clients={"c": ">=3.1"}), service(clients={"c": ">=3.2"})),
    "service-client-moved": (service(clients={"c": "<3"}), service(clients={"c": ">=2"})),
    "service-client-removed": (service(clients={"c": ">=3"}), service()),
    "service-auth-tightened": (service(auth="optional-password"), service(auth="password")),
    "table-removed": (column(), BARE),
    "table-became-optional": (table(), table(required=False)),
    "table-name-changed": (table("t"), table("u")),
    "column-removed": (column(), table()),
    "column-became-optional": (column(), column(required=False)),
    "column-type-changed": (column("integer"), column("bigint")),
    "column-length-widened": (column(), column("varchar(100)")),
    "column-became-nullable": (column(nullable=False), column()),
    "key-or-unique-removed": (column(unique=True), column()),
    "key-order-changed": (table(primary_key=("a", "b")), table(primary_key=("b", "a"))),
    "feast-project-removed": (store(), BARE),
    "feast-project-changed": (store(), store("q")),
    "entity-key-serialization-changed": (store(), store(version=2)),
    "entity-removed": (entity(), store()),
    "entity-became-optional": (entity(), entity(required=False)),
    "entity-join-key-changed": (entity(), entity(join_key="other")),
    "entity-dtype-changed": (entity(), entity(dtype="Int64")),
    "view-removed": (feature(), store()),
    "view-became-optional": (view(), view(required=False)),
    "view-entities-changed": (view(), view(entities=("e", "f"))),
    "view-definition-changed": (view(definition_digest="a"), view(definition_digest="b")),
    "view-definition-removed": (view(definition_digest="a"), view()),
    "view-source-changed": (view(source="t"), view(source="u")),
    "view-timestamp-field-changed": (view(timestamp_field="a"), view(timestamp_field="b")),
    "view-ttl-shortened": (view(), view(ttl=60)),
    "view-online-removed": (view(), view(online=False)),
    "feature-removed": (feature(), view()),
    "feature-became-optional": (feature(), feature(required=False)),
    "feature-dtype-changed": (feature(), feature(dtype="Int64")),
    "feature-service-removed": (feature_service("v:f"), store()),
    "feature-service-became-optional": (feature_service(), feature_service(required=False)),
    "feature-service-feature-removed": (feature_service("v:f", "v:g"), feature_service("v:g")),
    "mlflow-capability-removed": (mlflow("tracking"), BARE),
    "fixture-removed": (keys(), BARE),
    "fixture-became-optional": (keys(), keys(required=False)),
    "fixture-entity-changed": (keys(), keys(entity="f")),
    "fixture-value-removed": (keys(values=("u1", 2)), keys()),
    "fixture-place-removed": (keys(places=("online", "offline")), keys()),
    "fixture-view-changed": (answers(), answers(view="w")),
    "fixture-moment-changed": (answers(), answers(at=datetime(2026, 1, 1, tzinfo=UTC))),
    "fixture-answer-changed": (answers(answer(f=1)), answers(answer(f=2))),
    "fixture-answer-removed": (answers(answer(f=1, g=None)), answers(answer(f=1))),
    "fixture-given-added": (keys(), keys(given="cards 1")),
    "fixture-given-changed": (answers(given="cards 1"), answers(given="cards 2")),
    "slo-removed": (level(), BARE),
    "slo-became-optional": (level(), level(required=False)),
    "slo-relaxed": (level(), level(value=1500, unit="ms")),
    "clause-severity-lowered": (env(), env(severity=Severity.WARNING)),
    "clause-stability-decreased": (env(), env(stability=Stability.BETA)),
    "clause-deprecated": (env(), env(deprecated=True)),
    "clause-sunset-set": (env(deprecated=True), env(deprecated=True, sunset=LATER)),
    "clause-sunset-advanced": (env(sunset=LATER), env(sunset=TODAY)),
    "tombstone-removed": (reserved("env", "B"), BARE),
    "form-reduced": (env(type=URL), old_form(variables={"A": Variable("A", VariableType.STRING)})),
    "contract-renamed": (BARE, contract(name="two")),
    "contract-status-changed": (BARE, contract(status="active")),
    "contract-owner-changed": (BARE, contract(owner="platform")),
    "verification-script-changed": (contract(verification_script="a"), contract(verification_script="b")),
    "verification-script-removed": (contract(verification_script="a"), BARE),
    "env-removed-after-sunset": (env(**PAST), BARE),
    "service-removed-after-sunset": (service(**PAST), BARE),
    "table-removed-after-sunset": (table(**PAST), BARE),
    "column-removed-after-sunset": (column(**PAST), table()),
    "entity-removed-after-sunset": (entity(**PAST), store()),
    "view-removed-after-sunset": (view(**PAST), store()),
    "feature-removed-after-sunset": (feature(**PAST), view()),
    "feature-service-removed-after-sunset": (feature_service(**PAST), store()),
    "fixture-removed-after-sunset": (keys(**PAST), BARE),
    "slo-removed-after-sunset": (level(**PAST), BARE),
}

# Rule -> the same, where a name that is or becomes reserved comes or goes along with what has it.
REUSED: Mapping[str, tuple[Contract, Contract]] = {
    "env-name-reused": (reserved("env", "A"), env()),
    "service-name-reused": (reserved("services", "db"), service()),
    "table-name-reused": (reserved("tables", "features.t"), table()),
    "feature-name-reused": (reserved("features", "v:f", feast=view().feast), feature()),
}


def content(old: Contract, new: Contract, as_of: date = TODAY) -> list[Change]:
    """Without what is said of the version."""
    found = diff(old, new, as_of=as_of, waivers=NONE).changes
    return [change for change in found if RULES[change.rule].mirror]


@pytest.mark.parametrize("rule", SAMPLES)
def test_a_rule_finds_its_change_and_its_mirror_the_way_back(rule: str) -> None:
    old, new = SAMPLES[rule]
    assert [change.rule for change in content(old, new)] == [rule]
    assert [change.rule for change in content(new, old)] == [RULES[rule].mirror]


@pytest.mark.parametrize("rule", REUSED)
def test_a_reserved_name_must_not_come_back(rule: str) -> None:
    old, new = REUSED[rule]
    kind = rule.removesuffix("-name-reused")
    assert {change.rule for change in content(old, new)} == {rule, f"{kind}-added"}
    assert {change.rule for change in content(new, old)} == {f"{kind}-name-retired", f"{kind}-removed"}


def test_another_ruleset_is_told() -> None:
    """Only the way back: the way there leads to a ruleset that nobody knows yet."""
    assert [change.rule for change in content(contract(ruleset=2), BARE)] == ["contract-ruleset-changed"]


def test_every_rule_has_a_sample() -> None:
    sampled = {*SAMPLES, *REUSED, "contract-ruleset-changed"}
    assert sampled | {RULES[rule].mirror for rule in sampled} == {rule.id for rule in RULES.values() if rule.mirror}


def differing(old: Any, new: Any) -> Iterator[str]:
    """The fields of the model in which two values differ, as `Variable.type`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in old.keys() & new.keys():
            yield from differing(old[name], new[name])
    elif is_dataclass(old) and type(old) is type(new):
        for each in fields(old):
            was, now = getattr(old, each.name), getattr(new, each.name)
            if each.compare and was != now:
                yield f"{type(old).__name__}.{each.name}"
                yield from differing(was, now)


def test_every_field_of_the_model_is_compared() -> None:
    """A field that is new in the model needs a rule and a sample."""
    kinds = (
        *(Contract, Variable, ContractService, Table, Column, Feast, Entity, FeatureView, Feature, FeatureService),
        *(KnownKeys, KnownAnswers, ServiceLevel),
    )
    terms = {"name", "required", "severity", "stability", "deprecated", "sunset"}
    wanted = {f"{kind.__name__}.{each.name}" for kind in kinds for each in fields(kind) if each.compare}
    wanted -= {f"{kind.__name__}.{term}" for kind in kinds[1:] for term in terms}
    # What another one stands for: its own name, and what a level is about, which makes it another level.
    wanted -= {"Table.physical_name", "ServiceLevel.property", "ServiceLevel.element", "Contract.version"}
    tried = {name for old, new in SAMPLES.values() for name in differing(old, new)}
    assert wanted - tried == {"Contract.ruleset", "ContractService.tls", "Variable.accepted"}  # see their own tests


# What the table alone does not say


def weights(old: Contract, new: Contract, as_of: date = TODAY) -> dict[str, Weight]:
    return {change.rule: change.severity for change in content(old, new, as_of)}


def test_a_sunset_counts_from_its_day_on() -> None:
    old = env(deprecated=True, sunset=TODAY)
    assert weights(old, BARE, TODAY) == {"env-removed-after-sunset": Weight.WARN}
    assert weights(old, BARE, date(2026, 6, 29)) == {"env-removed": Weight.ERR}


def test_what_is_gone_after_its_sunset_still_asks_for_a_major_version() -> None:
    assert content(env(deprecated=True, sunset=TODAY), BARE)[0].bump is Bump.MAJOR


def test_an_undeprecated_sunset_excuses_nobody() -> None:
    assert weights(env(sunset=TODAY), BARE) == {"env-removed": Weight.ERR}


@pytest.mark.parametrize("stability", [Stability.DRAFT, Stability.ALPHA, Stability.BETA])
def test_what_is_not_stable_is_told_and_breaks_nobody(stability: Stability) -> None:
    assert weights(env(stability=stability), BARE) == {"env-removed": Weight.INFO}
    assert weights(service(version="<2"), service(stability=stability)) == {
        "service-version-widened": Weight.ERR,
        "clause-stability-decreased": Weight.WARN,
    }


def test_a_part_is_no_more_stable_than_the_whole() -> None:
    feature = {"f": Feature("f", "Int32")}
    assert weights(view(features=feature, stability=Stability.DRAFT), view(stability=Stability.DRAFT)) == {
        "feature-removed": Weight.INFO
    }


def test_a_service_level_counts_in_full_where_it_says_so() -> None:
    assert weights(level(), BARE) == {"slo-removed": Weight.WARN}
    assert weights(level(severity=Severity.ERROR), BARE) == {"slo-removed": Weight.ERR}
    old, new = level(severity=Severity.ERROR), level(severity=Severity.ERROR, value=2)
    assert weights(old, new) == {"slo-relaxed": Weight.ERR}
    assert weights(new, old) == {"slo-tightened": Weight.INFO}


def test_another_spelling_of_a_type_is_no_change() -> None:
    assert content(column("int4"), column("INTEGER")) == []


def test_another_spelling_of_a_range_is_no_change() -> None:
    assert content(service(version="~=17.2"), service(version=">=17.2,<18,==17.*")) == []


def test_a_level_in_another_unit_is_no_change() -> None:
    assert content(level(), level(value=1000, unit="ms")) == []


def test_a_variable_that_changes_sides_is_gone_and_new() -> None:
    assert weights(env(), consumed()) == {"env-removed": Weight.ERR, "env-input-required-added": Weight.ERR}


def test_a_secret_is_in_no_change() -> None:
    old, new = env(sensitive=True, default="hunter2"), env(sensitive=True, default="hunter3")
    assert [change.rule for change in content(old, new)] == ["env-default-changed"]
    assert "hunter" not in str(content(old, new))


def test_a_closed_way_in_breaks_and_an_open_one_does_not() -> None:
    assert weights(service(tls="none"), service(tls="required")) == {
        "service-auth-tightened": Weight.ERR,
        "service-auth-alternative-added": Weight.INFO,
    }
    assert weights(service(tls="none"), service(tls="offered")) == {"service-auth-alternative-added": Weight.INFO}


def test_both_ends_of_a_port_have_to_be_fixed_for_its_number_to_count() -> None:
    assert weights(service(port_policy="fixed"), service(port=2)) == {
        "service-port-policy-relaxed": Weight.ERR,
        "service-port-changed-env": Weight.NONE,
    }


def test_the_port_of_a_view_counts_as_the_published_one_does() -> None:
    old, new = (service(endpoints={"network": f"db:{port}"}) for port in (5, 6))
    assert [change.id for change in content(old, new)] == ["service-port-changed-env[db:network]"]


def test_the_host_s_endpoint_is_the_published_port() -> None:
    old, new = (service(port=port, endpoints={"host": f"localhost:{port}"}) for port in (5, 6))
    assert [change.id for change in content(old, new)] == ["service-port-changed-env[db]"]


class TestOfTheOldForm:
    v1 = old_form(
        variables={"A": Variable("A", VariableType.STRING)},
        services={"db": ContractService("db", "", "", 5432, health_path="/health")},
    )
    v2 = contract(
        variables={"A": Variable("A", PORT), "B": Variable("B", PORT, required=False)},
        services={"db": ContractService("db", "http", ">=3", 5432, auth="password", health_path="/health")},
        mlflow_capabilities=("tracking",),
    )

    def test_what_it_could_not_say_is_no_change(self) -> None:
        assert weights(self.v1, self.v2) == {"form-extended": Weight.INFO}
        assert weights(self.v2, self.v1) == {"form-reduced": Weight.ERR}

    def test_its_readers_connect_to_the_number(self) -> None:
        moved = replace(self.v1, services={"db": replace(self.v1.services["db"], port=5433)})
        assert weights(self.v1, moved) == {"service-port-changed": Weight.ERR}

    def test_what_it_could_say_is_compared(self) -> None:
        assert weights(self.v1, replace(self.v2, variables={}))["env-removed"] is Weight.ERR


def test_a_change_of_an_entity_touches_the_views_that_it_keys() -> None:
    views = {"v": FeatureView("v", ("e",), {}), "w": FeatureView("w", (), {})}
    old, new = (store(entities={"e": Entity("e", key, "String")}, views=views) for key in ("id", "key"))
    assert content(old, new)[0].touches == (Subject("view", "v"),)


def test_a_change_says_where_it_stands_in_both_files() -> None:
    change = content(env(line=7), env(line=9, type=URL))[0]
    assert (change.old_line, change.new_line, change.old, change.new) == (7, 9, "string", "url")
    assert (change.id, change.path, change.direction) == ("env-type-narrowed[A]", "env.A", "provided")
    assert (content(env(line=7), BARE)[0].old_line, content(BARE, env(line=9))[0].new_line) == (7, 9)
