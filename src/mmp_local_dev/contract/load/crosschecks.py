"""What a contract has to be beyond its form: its promises agree with each other.

Each rule reads the sections that the table names, and runs only when all of these have the right form, so
that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from mmp_local_dev.contract.load import (
    feast_rules,
    fixture_rules,
    level_rules,
    reserved_rules,
    service_rules,
    table_rules,
    variable_rules,
)
from mmp_local_dev.contract.load.document import Node, Problem, quoted


class Rule(NamedTuple):
    """A rule, the sections that it is about, and others that it reads where they are there."""

    sections: tuple[str, ...]
    problems: Callable[[Node], Iterator[Problem]]
    others: tuple[str, ...] = ()


def check_agreement(document: Node, rules: Sequence[Rule], unsound: Collection[str]) -> Iterator[Problem]:
    """Every disagreement between the sections of `document`; those in `unsound` have the wrong form."""
    for rule in rules:
        there = all(name in document.members for name in rule.sections)
        if there and not any(name in unsound for name in (*rule.sections, *rule.others)):
            yield from rule.problems(document)


def _version_is_quoted(document: Node) -> Iterator[Problem]:
    version = document.at("version")
    if not version.quoted:
        text = f"has to be in quotes, since YAML would read 1.10 as 1.1; write {quoted(version.text)}"
        yield Problem(version.line, ("version",), text)


def _mlflow_is_a_service(document: Node) -> Iterator[Problem]:
    if "mlflow" not in document.at("services").members:
        yield Problem(document.at("mlflow").line, ("mlflow",), "there is no service of this name in services")


RULES_1_0: tuple[Rule, ...] = (
    Rule(("version",), _version_is_quoted),
    Rule(("provides_services",), service_rules.services_are_listed_once),
)

RULES: tuple[Rule, ...] = (
    *RULES_1_0,
    Rule(("env",), variable_rules.defaults_fit),
    Rule(("env",), variable_rules.constants_have_a_default),
    Rule(("env",), variable_rules.choices_fit),
    Rule(("env",), variable_rules.bindings_are_unique),
    Rule(("env", "services"), variable_rules.bindings_are_known),
    Rule(("env", "provides_env_variables"), variable_rules.variables_are_listed),
    Rule(("env", "provides_services"), variable_rules.port_defaults_agree),
    Rule(("services",), service_rules.endpoints_are_addresses),
    Rule(("services",), service_rules.needs_are_met),
    Rule(("services",), service_rules.needs_have_an_end),
    Rule(("services", "provides_services"), service_rules.services_are_listed),
    Rule(("services", "provides_services"), service_rules.ports_agree),
    Rule(("services", "provides_services"), service_rules.health_checks_agree),
    Rule(("schema",), table_rules.tables_are_unique),
    Rule(("schema",), table_rules.columns_are_unique),
    Rule(("schema",), table_rules.types_are_known),
    Rule(("schema",), table_rules.keys_are_sound),
    Rule(("feast", "services"), feast_rules.servers_are_there),
    Rule(("feast",), feast_rules.entities_are_known),
    Rule(("feast",), feast_rules.sources_are_known, ("schema",)),
    Rule(("feast", "schema"), feast_rules.timestamps_are_columns),
    Rule(("feast", "schema"), feast_rules.join_keys_are_columns),
    Rule(("feast", "schema"), feast_rules.features_are_columns),
    Rule(("feast",), feast_rules.services_name_features),
    Rule(("services", "mlflow"), _mlflow_is_a_service),
    Rule(("fixtures",), fixture_rules.fixtures_are_of_one_kind),
    Rule(("fixtures",), fixture_rules.feast_is_there),
    Rule(("fixtures", "feast"), fixture_rules.entities_are_known),
    Rule(("fixtures", "feast"), fixture_rules.views_are_known),
    Rule(("fixtures", "feast"), fixture_rules.answers_fit),
    Rule(("fixtures", "feast"), fixture_rules.data_sets_can_be_told),
    Rule(("slaProperties",), level_rules.levels_are_unique),
    Rule(("slaProperties",), level_rules.units_fit),
    Rule(("slaProperties",), level_rules.elements_are_known, ("services", "feast", "schema")),
    Rule(("reserved",), reserved_rules.reserved_names_are_gone, ("env", "services", "schema", "feast")),
)
