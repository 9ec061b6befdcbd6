"""Services: the Compose file makes each one, in the promised version, on its variable's port, for this machine only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from mmp_local_dev.contract.clauses.base import ClauseSkipped
from mmp_local_dev.contract.model import Contract, ContractService, Variable
from mmp_local_dev.contract.static.base import StaticCheck, StaticClause, drift, readable, readable_id
from mmp_local_dev.contract.static.compose import ComposeService, Published, expanded, reference
from mmp_local_dev.contract.static.files import Place
from mmp_local_dev.contract.static.sources import COMPOSE, Sources

_FILE = readable_id(COMPOSE)
_VERSION = re.compile(r"(?:v|pg)?(\d{1,9}(?:\.\d{1,9}){0,3})(?![\d.])", re.ASCII)
_NEWEST = ".999999"  # stands for the newest of a tag such as 17
_PATH_IN_URL = re.compile(r"https?://[^/\s\"']+(/[^\s\"'?#]*)")

CheckOfService = Callable[[Sources, ComposeService], str | None]


def clauses(contract: Contract) -> Iterator[StaticClause]:
    """Those of each service."""
    if not contract.services:
        return
    yield readable(COMPOSE, Sources.compose, "services", min(each.line for each in contract.services.values()))
    for service in contract.services.values():
        yield from _of_service(contract, service)


def _of_service(contract: Contract, service: ContractService) -> Iterator[StaticClause]:
    ready = _clause("ready", service, _there(service), _FILE)
    yield ready
    if service.version:
        yield _clause("version", service, _on(service, _version(service)), ready.id)
    yield _clause("port", service, _on(service, _port(contract, service)), ready.id)
    yield _clause("loopback", service, _on(service, _loopback), ready.id)
    if service.name == "postgresql" and service.auth != "none":
        yield _clause("auth", service, _on(service, _asks_for_password), ready.id)
    if service.name == "mlflow" and service.health_path:
        clause_id, check = f"mlflow.health[{service.health_path}]", _on(service, _health(service.health_path))
        yield StaticClause(clause_id, check, service.line, (ready.id,), service.name, "mlflow", service.severity)


def _clause(kind: str, service: ContractService, check: StaticCheck, *causes: str) -> StaticClause:
    clause_id = f"service.{kind}[{service.name}]"
    return StaticClause(clause_id, check, service.line, causes, service.name, "services", service.severity)


def _there(service: ContractService) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> str:
        return str(_found(sources, service).place)

    return check


def _found(sources: Sources, service: ContractService) -> ComposeService:
    there = sources.compose()
    if there is None:
        raise ClauseSkipped(f"there is no {COMPOSE}")
    if service.name in there:
        return there[service.name]
    raise drift(
        Place(COMPOSE, 1),
        f"has no service {service.name}",
        expected=service.name,
        actual=", ".join(there) or "no service",
        repair=f"name it {service.name} under services; mmp-dev init another-folder writes one to copy",
    )


def _on(service: ContractService, check: CheckOfService) -> StaticCheck:
    def checked(sources: Sources, _timeout: float) -> str | None:
        return check(sources, _found(sources, service))

    return checked


def _version(service: ContractService) -> CheckOfService:
    def check(sources: Sources, there: ComposeService) -> str:
        said, place = _pinned(sources, there) or _tagged(there)
        version = _VERSION.match(said)
        if not version:
            raise ClauseSkipped(f"the tag {said} does not tell a version")
        if not _contains(service.version, version[1]):
            raise drift(
                place,
                f"{service.name} is of a version outside the promised range",
                expected=service.version,
                actual=said,
                repair=f"take a version within {service.version}",
            )
        return said

    return check


def _contains(range_: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    promised = SpecifierSet(range_)
    return promised.contains(version, prereleases=True) or promised.contains(f"{version}{_NEWEST}", prereleases=True)


def _pinned(sources: Sources, there: ComposeService) -> tuple[str, Place] | None:
    """The version of the package of the service's name that an image built here holds; None when none is pinned."""
    if not there.build_context:
        return None
    name = f"{there.build_context.removeprefix('./').rstrip('/')}/requirements.txt"
    text = sources.text(name) or ""
    pin = re.search(rf"^{re.escape(there.name)}\s*===?\s*([^\s;\\]+)", text, re.MULTILINE | re.IGNORECASE)
    return (pin[1], Place(name, text.count("\n", 0, pin.start()) + 1)) if pin else None


def _tagged(there: ComposeService) -> tuple[str, Place]:
    """The tag of the image."""
    place = there.place_of("image")
    name, _, digest = there.image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    if not name or (digest and not colon):
        raise ClauseSkipped(f"the image {there.image} does not tell a version" if name else "the image has no name")
    if tag in ("", "latest"):
        raise drift(
            place,
            f"the image of {there.name} is whatever is the latest",
            expected="a tag with a version",
            actual=there.image,
            repair="give the image a tag with a version",
        )
    return tag, place


def _port(contract: Contract, service: ContractService) -> CheckOfService:
    inside = service.endpoints.get("network", "").rpartition(":")[2]
    variable = contract.bound(f"{service.name}.port")

    def check(_sources: Sources, there: ComposeService) -> str:
        _refuse_host_network(there)
        published = _of_container_port(there, inside)
        wrong = _wrong_port(published.host, str(service.port), variable, contract)
        if wrong:
            name = f"${{{variable.name}}}" if variable else str(service.port)
            raise drift(
                published.place,
                f"{service.name} {wrong}",
                expected=f"{name}:{published.container}",
                actual=f"{published.host or '(any)'}:{published.container}",
                repair=f'write ports: ["127.0.0.1:{name}:{inside or published.container}"]',
            )
        return f"{published.host}:{published.container}"

    return check


def _of_container_port(there: ComposeService, inside: str) -> Published:
    for published in there.ports:
        if not inside or published.container == inside:
            return published
    raise drift(
        there.place_of("ports"),
        f"{there.name} does not publish the port of its endpoint in the network",
        expected=inside or "a port",
        actual=", ".join(published.container for published in there.ports) or "none",
        repair=f"publish {inside or 'its port'}, or correct endpoints.network in the contract",
    )


def _wrong_port(host: str, promised: str, variable: Variable | None, contract: Contract) -> str:
    """What is wrong with the host's side of a published port; "" for nothing."""
    named = reference(host)
    if named is None:
        return "" if host == promised else f"is published on {host or 'any free port'}, not on {promised}"
    name, default = named
    if variable and name != variable.name:
        return f"is published on {name}, but its port is told by {variable.name}"
    known = contract.variables.get(name)
    default = default or (known.default if known else None) or ""
    if not default and not variable:
        raise ClauseSkipped(f"the port is what {name} says")
    return "" if default in ("", promised) else f"is published on {default} by default, not on {promised}"


def _loopback(_sources: Sources, there: ComposeService) -> str:
    _refuse_host_network(there)
    for published in there.ports:
        address = expanded(published.address)
        if published.address and not address:
            raise ClauseSkipped(f"the address is what {published.address} says")
        if not _is_loopback(address):
            raise drift(
                published.place,
                f"{there.name} is published beyond this machine's loopback",
                expected="127.0.0.1",
                actual=address or "0.0.0.0",  # noqa: S104 -- what is told, not bound
                repair=f'write ports: ["127.0.0.1:{published.host}:{published.container}"]',
            )
    return ", ".join(expanded(published.address) for published in there.ports) or "not published"


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _refuse_host_network(there: ComposeService) -> None:
    if there.on_host_network:
        raise ClauseSkipped("it shares the host's network, so nothing is published")


def _asks_for_password(_sources: Sources, there: ComposeService) -> None:
    environment = {name: expanded(value) for name, value in there.environment.items()}
    method = environment.get("POSTGRES_HOST_AUTH_METHOD", "")
    arguments = environment.get("POSTGRES_INITDB_ARGS", "")
    if method == "trust" or re.search(r"--auth(-host)?[= ]trust\b|-A ?trust\b", arguments):
        raise drift(
            there.place_of("environment"),
            f"{there.name} lets everybody in without a password",
            expected="scram-sha-256",
            actual="trust",
            repair="delete POSTGRES_HOST_AUTH_METHOD, and make the database anew",
        )


def _health(path: str) -> CheckOfService:
    def check(_sources: Sources, there: ComposeService) -> str:
        asked = _PATH_IN_URL.search(expanded(there.health_command))
        if not asked:
            raise ClauseSkipped("its healthcheck names no path")
        if asked[1] != path:
            raise drift(
                there.place_of("healthcheck"),
                f"the healthcheck of {there.name} asks another path",
                expected=path,
                actual=asked[1],
                repair=f"ask {path}, or correct health.httpGet.path in the contract",
            )
        return asked[1]

    return check
