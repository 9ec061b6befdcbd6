"""Services: each answers its own protocol, as this stack's, in the promised version, to those who may ask only."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, as_broken, clause_of
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Contract, ContractService, Variable
from mmp_local_dev.contract.ranges import contains
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady, Repair
from mmp_local_dev.processes import is_loopback, listening, outward_addresses
from mmp_local_dev.services import SERVICES, postgresql


def clauses(contract: Contract) -> Iterator[LiveClause]:
    """Those of each service; PostgreSQL has some of its own."""
    for service in contract.services.values():
        yield from _of_service(contract, service)
    if (found := contract.services.get("postgresql")) is not None:
        yield from _of_postgresql(contract, found)


def _of_service(contract: Contract, service: ContractService) -> Iterator[LiveClause]:
    bound = [v for v in contract.variables.values() if v.binds and v.binds.startswith(f"{service.name}.")]
    causes = [f"env.type[{variable.name}]" for variable in bound]
    if service.port_policy == "fixed":
        port = _clause("port", service, _port(service), *causes)
        causes = [port.id]
        yield port
    causes += [f"service.ready[{need}]" for need in service.needs]
    ready = _clause("ready", service, _ready(service), *causes)
    yield ready
    if service.version:
        yield _clause("version", service, _version(service), ready.id)
    yield _clause("loopback", service, _loopback(service), ready.id)
    if service.auth != "none":
        yield _clause("auth", service, _auth(service), ready.id)
    for package, versions in service.clients.items():
        check = _client(service, package, versions)
        yield clause_of(f"service.client[{service.name}:{package}]", service, check, section="services")


def _clause(kind: str, service: ContractService, check: LiveCheck, *causes: str) -> LiveClause:
    clause_id = f"service.{kind}[{service.name}]"
    return LiveClause(clause_id, check, service.line, causes, service.name, "services", service.severity)


def _ready(service: ContractService) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        with as_broken(f"{service.name} of this stack answers {service.protocol}"):
            SERVICES[service.name].probe(env, timeout=timeout)

    return check


def _version(service: ContractService) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        with as_broken("a version"):
            said = SERVICES[service.name].version(env, timeout=timeout)
        if not contains(service.version, said):
            raise ClauseBroken(
                f"{service.name} runs in a version outside the range",
                expected=service.version,
                actual=said,
                repairs=[Repair("", f"run {service.name} {service.version}, or promise or require what runs")],
            )
        return said

    return check


def _auth(service: ContractService) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        if service.auth == "optional-password" and not env.get(f"{service.name.upper()}_PASSWORD"):
            raise ClauseSkipped("no password is set")
        with as_broken("a refusal"):
            refused = SERVICES[service.name].refuses_wrong_password(env, timeout=timeout)
        if not refused:
            raise ClauseBroken(
                f"{service.name} lets a client with a wrong password in",
                expected="a refusal",
                actual="access",
                repairs=[Repair(f"mmp-dev restart {service.name}", "applies this stack's own configuration")],
            )

    return check


def _loopback(service: ContractService) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        implementation = SERVICES[service.name]
        host, port = implementation.address(env)
        if not is_loopback(host):
            raise ClauseSkipped(f"{host} is not this machine's loopback; seen from the host it can be judged")
        for address in outward_addresses():
            if not listening(address, port):
                continue
            try:
                implementation.identify(implementation.at(env, address), timeout=timeout)
            except NotReady:
                continue  # somebody else's, on an address that is not ours
            raise ClauseBroken(
                f"{service.name} answers beyond this machine's loopback",
                expected=f"only {host}:{port}",
                actual=f"{address}:{port}",
                repairs=[Repair(f"mmp-dev restart {service.name}", "applies this stack's own configuration")],
            )

    return check


def _port(service: ContractService) -> LiveCheck:
    def check(env: Environment, _timeout: float) -> None:
        _, port = SERVICES[service.name].address(env)
        if port != service.port:
            raise ClauseBroken(
                f"{service.name} is promised on a fixed port, and the environment names another",
                expected=str(service.port),
                actual=str(port),
                repairs=[Repair("mmp-dev up", "once the port in .env is the promised one")],
            )

    return check


def _client(service: ContractService, package: str, versions: str) -> LiveCheck:
    def check(_env: Environment, _timeout: float) -> str:
        installed = _installed(package)
        if not contains(versions, installed):
            raise ClauseBroken(
                f"the client library {package} of this Python is outside the range that may connect to {service.name}",
                expected=versions,
                actual=installed,
                repairs=[Repair(f"{shlex.quote(sys.executable)} -m pip install '{package}{versions}'")],
            )
        return installed

    return check


def _installed(package: str) -> str:
    """The version of a library; one that is offered with a C library inside too has a second name for that."""
    for name in (package, f"{package}-binary"):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    raise ClauseSkipped(f"{package} is not installed in this Python")


def _of_postgresql(contract: Contract, service: ContractService) -> Iterator[LiveClause]:
    ready = f"service.ready[{service.name}]"
    if service.tls != "none":
        yield _clause("tls", service, _tls, ready)
    if variable := contract.bound("postgresql.schema"):
        yield LiveClause(
            f"service.schema[{variable.name}]",
            _schema(variable),
            variable.line,
            (ready, f"env.type[{variable.name}]"),
            service.name,
            "services",
            variable.severity,
        )


def _tls(env: Environment, timeout: float) -> None:
    with as_broken("TLS"):
        offered = postgresql.offers_tls(env, timeout=timeout)
    if not offered:
        raise ClauseBroken(
            "postgresql does not offer TLS",
            expected="sslmode=require works",
            actual="the server does not support SSL",
            repairs=[Repair("mmp-dev restart postgresql", "applies this stack's own configuration")],
        )


def _schema(variable: Variable) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        schema = env.get(variable.name)
        if not schema:
            raise ClauseSkipped("optional, not set")
        with as_broken(f"schema {schema}"):
            usable = postgresql.schema_exists(env, schema, timeout=timeout)
        if not usable:
            raise ClauseBroken(
                f"schema {schema} is missing or {env['POSTGRES_USER']} cannot create tables in it",
                expected=f"schema {schema}, writable",
                actual="missing or not writable",
                repairs=[Repair("mmp-dev up", "makes it")],
            )

    return check
