"""What a contract has to be beyond its form: its promises agree with each other.

Each rule reads the sections that the table names, and runs only when all of these have the right form, so
that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from mmp_local_dev.contract.load import service_rules, variable_rules
from mmp_local_dev.contract.load.document import Node, Problem, quoted

Rule = Callable[[Node], Iterator[Problem]]


def check_agreement(document: Node, unsound: Collection[str]) -> Iterator[Problem]:
    """Every disagreement between the sections of `document`; those in `unsound` have the wrong form."""
    for sections, rule in RULES:
        if all(name in document.members and name not in unsound for name in sections):
            yield from rule(document)


def _version_is_quoted(document: Node) -> Iterator[Problem]:
    version = document.at("version")
    if not version.quoted:
        text = f"has to be in quotes, since YAML would read 1.10 as 1.1; write {quoted(version.text)}"
        yield Problem(version.line, ("version",), text)


def _mlflow_is_a_service(document: Node) -> Iterator[Problem]:
    if "mlflow" not in document.at("services").members:
        yield Problem(document.at("mlflow").line, ("mlflow",), "there is no service of this name in services")


RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("version",), _version_is_quoted),
    (("env",), variable_rules.defaults_fit),
    (("env",), variable_rules.bindings_are_unique),
    (("env", "services"), variable_rules.bindings_are_known),
    (("env", "provides_env_variables"), variable_rules.variables_are_listed),
    (("env", "provides_services"), variable_rules.port_defaults_agree),
    (("services",), service_rules.endpoints_are_addresses),
    (("services",), service_rules.needs_are_met),
    (("services",), service_rules.needs_have_an_end),
    (("services", "provides_services"), service_rules.services_are_listed),
    (("services", "provides_services"), service_rules.ports_agree),
    (("services", "provides_services"), service_rules.health_checks_agree),
    (("services", "mlflow"), _mlflow_is_a_service),
)
