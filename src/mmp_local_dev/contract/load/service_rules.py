"""What a contract's services have to be beyond their form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from mmp_local_dev.contract import values
from mmp_local_dev.contract.load.document import Node, Problem, quoted, unknown
from mmp_local_dev.contract.model import VariableType


def services_are_listed_once(document: Node) -> Iterator[Problem]:
    """No service is in provides_services twice."""
    listed: set[str] = set()
    for index, item in enumerate(document.at("provides_services").items):
        name = item.at("name")
        if name.text in listed:
            text = f"{quoted(name.text)} is listed twice"
            yield Problem(name.line, ("provides_services", f"[{index}]", "name"), text)
        listed.add(name.text)


def services_are_listed(document: Node) -> Iterator[Problem]:
    """provides_services lists every service, and nothing else."""
    services = document.at("services").members
    listed: set[str] = set()
    for index, item in enumerate(document.at("provides_services").items):
        name = item.at("name")
        if name.text not in listed:
            yield from unknown(name, ("provides_services", f"[{index}]", "name"), services, "in services")
        listed.add(name.text)
    for unlisted in services.keys() - listed:
        text = "is not in provides_services; list it there"
        yield Problem(services[unlisted].line, ("services", unlisted), text)


def ports_agree(document: Node) -> Iterator[Problem]:
    """The port in provides_services is that of the service's address as the host sees it."""
    for where, item, service in _provided(document):
        port = item.at("port")
        host = service.at("endpoints", "host")
        if host.text.rpartition(":")[2] != port.text:
            text = f"{port.text} is not the port of endpoints.host, {host.text} (line {host.line})"
            yield Problem(port.line, (*where, "port"), text)


def health_checks_agree(document: Node) -> Iterator[Problem]:
    """`health_check` in provides_services is the service's health.httpGet.path; absent if that is absent."""
    for where, item, service in _provided(document):
        listed = item.at("health_check")
        path = service.at("health", "httpGet", "path")
        if path.text and not listed.text:
            text = f'"health_check" is missing; health.httpGet.path is {path.text} (line {path.line})'
            yield Problem(item.line, where, text)
        elif listed.text != path.text:
            said = f"{path.text} (line {path.line})" if path.text else "absent"
            text = f"{quoted(listed.text)} is not the service's health.httpGet.path, which is {said}"
            yield Problem(listed.line, (*where, "health_check"), text)


def endpoints_are_addresses(document: Node) -> Iterator[Problem]:
    """An endpoint is a host and a port, both possible."""
    for name, service in document.at("services").members.items():
        for view, endpoint in service.at("endpoints").members.items():
            wrong = _address_problem(endpoint.text)
            if wrong:
                yield Problem(endpoint.line, ("services", name, "endpoints", view), wrong)


def _address_problem(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    wrong_host = values.problem(VariableType.HOST, host.removeprefix("[").removesuffix("]"))
    if wrong_host:
        return f"the host in {quoted(address)} {wrong_host}"
    wrong_port = values.problem(VariableType.PORT, port)
    return f"the port in {quoted(address)} {wrong_port}" if wrong_port else None


def needs_are_met(document: Node) -> Iterator[Problem]:
    """`needs` names services of this contract."""
    services = document.at("services").members
    for name, service in services.items():
        for item in service.at("needs").items:
            yield from unknown(item, ("services", name, "needs"), services, "a service")


def needs_have_an_end(document: Node) -> Iterator[Problem]:
    """No service needs itself, be it through others; one circle is reported if there are several."""
    services = document.at("services").members
    needs = {name: [item.text for item in service.at("needs").items] for name, service in services.items()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]
        line = services[circle[0]].at("needs").line
        yield Problem(line, ("services", circle[0], "needs"), f"a circle: {' needs '.join(circle)}")


def _provided(document: Node) -> Iterator[tuple[tuple[str, ...], Node, Node]]:
    """Where each item of provides_services stands, the item, and the service that it names."""
    services = document.at("services").members
    for index, item in enumerate(document.at("provides_services").items):
        service = services.get(item.at("name").text)
        if service is not None:
            yield ("provides_services", f"[{index}]"), item, service
