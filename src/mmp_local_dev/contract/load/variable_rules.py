"""What a contract's variables have to be beyond their form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmp_local_dev.contract import values
from mmp_local_dev.contract.load.document import Node, Problem, quoted
from mmp_local_dev.contract.model import VariableType

# The parts of a service that a variable can carry, by the service's protocol, and the type that each needs.
PARTS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {
        "host": "host",
        "port": "port",
        "username": "string",
        "password": "string",
        "database": "string",
        "schema": "string",
    },
    "redis": {"host": "host", "port": "port", "username": "string", "password": "string"},
    "http": {"host": "host", "port": "port", "uri": "url"},
}
STACK = "stack"  # not a service: what all services of one stack share
STACK_PARTS: Mapping[str, str] = {"id": "string"}


def sensitive_values(document: Node) -> Iterator[Problem]:
    """A sensitive variable has no value here. Unlike the other rules, this one reads a document of any form."""
    for name, variable in document.at("env").members.items():
        for key in ("default", "enum"):
            value = variable.members.get(key)
            if value is not None and variable.at("sensitive").is_true:
                text = f"a sensitive variable has no {key}, since this file is no place for secrets; remove it"
                yield Problem(value.line, ("env", name, key), text)


def defaults_fit(document: Node) -> Iterator[Problem]:
    """A default is a value that the variable can have."""
    for name, variable in _insensitive(document):
        default, choices = variable.at("default"), variable.at("enum").items
        if "default" not in variable.members:
            continue
        where, words = ("env", name, "default"), tuple(item.text for item in choices)
        if wrong := _value_problem(variable, default.text):
            yield Problem(default.line, where, f"{quoted(default.text)} {wrong}")
        elif choices and default.text not in words:
            text = f"{quoted(default.text)} is not one of its enum, {', '.join(words)}"
            yield Problem(default.line, where, text, default.text, words)


def choices_fit(document: Node) -> Iterator[Problem]:
    """Each of its `enum` is a value that the variable can have."""
    for name, variable in _insensitive(document):
        for item in variable.at("enum").items:
            if wrong := _value_problem(variable, item.text):
                yield Problem(item.line, ("env", name, "enum"), f"{quoted(item.text)} {wrong}")


def constants_have_a_default(document: Node) -> Iterator[Problem]:
    """`const` says that the value is the default, so there is one; and nobody else can give the value."""
    for name, variable in document.at("env").members.items():
        const = variable.at("const")
        if not const.is_true:
            continue
        if "default" not in variable.members:
            yield Problem(const.line, ("env", name, "const"), "needs a default, which is the constant value")
        elif variable.at("set_by").text == "consumer":
            yield Problem(const.line, ("env", name, "const"), "leaves nothing to be set by the consumer")


def _insensitive(document: Node) -> Iterator[tuple[str, Node]]:
    for name, variable in document.at("env").members.items():
        if not variable.at("sensitive").is_true:
            yield name, variable


def _value_problem(variable: Node, value: str) -> str | None:
    shortest = int(variable.at("minLength").text or 0)
    wrong = values.problem(VariableType(variable.at("type").text), value)
    return wrong or (f"is shorter than its minLength, {shortest}" if len(value) < shortest else None)


def variables_are_listed(document: Node) -> Iterator[Problem]:
    """provides_env_variables lists the variables that are required and set by the provider, and no others."""
    variables = document.at("env").members
    listed = document.at("provides_env_variables").items
    for item in listed:
        yield from _listed_variable(item, variables)
    names = {item.text for item in listed}
    for name, variable in variables.items():
        if name not in names and is_provided(variable):
            text = "is required but not in provides_env_variables; list it there or say required: false"
            yield Problem(variable.line, ("env", name), text)


def is_provided(variable: Node) -> bool:
    """Whether the provider promises that it is always there."""
    return not variable.at("required").is_false and variable.at("set_by").text != "consumer"


def _listed_variable(item: Node, variables: Mapping[str, Node]) -> Iterator[Problem]:
    where = ("provides_env_variables",)
    variable = variables.get(item.text)
    if variable is None:
        yield Problem(item.line, where, f"{quoted(item.text)} is not in env", item.text, tuple(variables))
    elif not is_provided(variable):
        said = "required: false" if variable.at("required").is_false else "set_by: consumer"
        text = f"{quoted(item.text)} is not promised: env says {said} (line {variable.line})"
        yield Problem(item.line, where, text)


def bindings_are_known(document: Node) -> Iterator[Problem]:
    """`binds` names a part that its service has, and the variable has the part's type."""
    services = document.at("services").members
    for name, variable in _bindings(document):
        yield from _binding(variable, ("env", name, "binds"), services)


def _binding(variable: Node, where: tuple[str, ...], services: Mapping[str, Node]) -> Iterator[Problem]:
    binds, kind = variable.at("binds"), variable.at("type").text
    service, _, part = binds.text.partition(".")
    parts = _parts(service, services)
    if parts is None:
        text = f"{quoted(service)} is not a service"
        yield Problem(binds.line, where, text, service, (*services, STACK))
    elif part not in parts:
        text = f"{service} has no part {quoted(part)}, only {', '.join(parts)}"
        yield Problem(binds.line, where, text, part, tuple(parts))
    elif kind != parts[part]:
        yield Problem(binds.line, where, f"{binds.text} needs type: {parts[part]}, not {kind}")


def _parts(service: str, services: Mapping[str, Node]) -> Mapping[str, str] | None:
    if service == STACK:
        return STACK_PARTS
    return PARTS[services[service].at("protocol").text] if service in services else None


def bindings_are_unique(document: Node) -> Iterator[Problem]:
    """No two variables carry the same part."""
    first: dict[str, tuple[str, int]] = {}
    for name, variable in _bindings(document):
        binds = variable.at("binds")
        other, line = first.setdefault(binds.text, (name, binds.line))
        if other != name:
            text = f"{binds.text} is bound by {other} already (line {line})"
            yield Problem(binds.line, ("env", name, "binds"), text)


def port_defaults_agree(document: Node) -> Iterator[Problem]:
    """Where nobody moves a service, its variable says what consumers of the 1.0 form are told."""
    provided = document.at("provides_services").items
    ports = {f"{item.at('name').text}.port": item.at("port") for item in provided}
    for name, variable in _bindings(document):
        default = variable.at("default")
        port = ports.get(variable.at("binds").text)
        if port is not None and default.text.isdigit() and default.text != port.text:
            text = f"{quoted(default.text)} is not {port.text}, as provides_services says (line {port.line})"
            yield Problem(default.line, ("env", name, "default"), text)


def _bindings(document: Node) -> Iterator[tuple[str, Node]]:
    for name, variable in document.at("env").members.items():
        if "binds" in variable.members:
            yield name, variable
