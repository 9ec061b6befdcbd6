"""The kinds of clauses: what each promise of the contract means on the live stack.

A clause's id and causes depend on the contract only, never on hosts or measured values. To add a kind: a function
that yields its clauses, and a line in KINDS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mmp_local_dev.contract.model import Contract, ContractService, Variable
from mmp_local_dev.contract.values import problem
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady, Repair, WrongService
from mmp_local_dev.processes import is_loopback, listening, outward_addresses
from mmp_local_dev.services import SERVICES, mlflow, postgresql

Check = Callable[[Environment, float], None]


class ClauseBroken(MmpError):
    """The promise is not kept: what was expected, what was found, and the repair."""

    code = "CLAUSE_BROKEN"

    def __init__(self, message: str, *, expected: str = "", actual: str = "", repairs: Sequence[Repair] = ()) -> None:
        super().__init__(message, repairs=repairs)
        self.expected = expected
        self.actual = actual


class ClauseSkipped(Exception):
    """The clause is about something optional that is not there."""


@dataclass(frozen=True)
class Clause:
    """One promise. `check` raises ClauseBroken or ClauseSkipped; any other error means that it was not found out.

    `causes` are the ids of clauses without which this one cannot be judged; `service` is the service it needs, or "".
    """

    id: str
    check: Check
    line: int
    causes: tuple[str, ...] = ()
    service: str = ""


def clauses_of(contract: Contract) -> list[Clause]:
    """Every clause of the contract, causes before what hangs on them."""
    return [clause for kind in KINDS for clause in kind(contract)]


def _variables(contract: Contract) -> Iterator[Clause]:
    for variable in contract.variables.values():
        present = Clause(f"env.present[{variable.name}]", _present(variable), variable.line)
        yield present
        yield Clause(f"env.type[{variable.name}]", _well_typed(variable), variable.line, (present.id,))


def _present(variable: Variable) -> Check:
    def check(env: Environment, _timeout: float) -> None:
        if env.get(variable.name):
            return
        if not variable.required:
            raise ClauseSkipped("optional, not set")
        raise ClauseBroken(
            f"{variable.name} is not in the environment",
            expected="a value",
            actual="none",
            repairs=[Repair("mmp-dev up", "writes it")],
        )

    return check


def _well_typed(variable: Variable) -> Check:
    def check(env: Environment, _timeout: float) -> None:
        value = env.get(variable.name)
        if not value:
            raise ClauseSkipped("optional, not set")
        if wrong := problem(variable.type, value):
            raise ClauseBroken(
                f"{variable.name}: {wrong}",
                expected=str(variable.type),
                actual=value,
                repairs=[Repair("mmp-dev up", f"once {variable.name} is corrected in .env")],
            )

    return check


def _services(contract: Contract) -> Iterator[Clause]:
    for service in contract.services.values():
        bound = [v for v in contract.variables.values() if v.binds and v.binds.startswith(f"{service.name}.")]
        causes = [f"env.type[{variable.name}]" for variable in bound]
        causes += [f"service.ready[{need}]" for need in service.needs]
        ready = f"service.ready[{service.name}]"
        yield Clause(ready, _ready(service), service.line, tuple(causes), service.name)
        yield Clause(f"service.version[{service.name}]", _version(service), service.line, (ready,), service.name)
        yield Clause(f"service.loopback[{service.name}]", _loopback(service), service.line, (ready,), service.name)
        if service.auth != "none":
            yield Clause(f"service.auth[{service.name}]", _auth(service), service.line, (ready,), service.name)


def _ready(service: ContractService) -> Check:
    def check(env: Environment, timeout: float) -> None:
        with _as_broken(f"{service.name} of this stack answers {service.protocol}"):
            SERVICES[service.name].probe(env, timeout=timeout)

    return check


def _version(service: ContractService) -> Check:
    def check(env: Environment, timeout: float) -> None:
        from packaging.specifiers import SpecifierSet

        with _as_broken("a version"):
            said = SERVICES[service.name].version(env, timeout=timeout)
        release = re.match(r"\d+(\.\d+)*", said)
        if not release or not SpecifierSet(service.version).contains(release[0], prereleases=True):
            raise ClauseBroken(
                f"{service.name} runs in a version outside the promised range",
                expected=service.version,
                actual=said,
                repairs=[Repair("./setup-dev-environment.sh", "installs the pinned versions again")],
            )

    return check


def _auth(service: ContractService) -> Check:
    def check(env: Environment, timeout: float) -> None:
        if service.auth == "optional-password" and not env.get(f"{service.name.upper()}_PASSWORD"):
            raise ClauseSkipped("no password is set")
        with _as_broken("a refusal"):
            refused = SERVICES[service.name].refuses_wrong_password(env, timeout=timeout)
        if not refused:
            raise ClauseBroken(
                f"{service.name} lets a client with a wrong password in",
                expected="a refusal",
                actual="access",
                repairs=[Repair(f"mmp-dev restart {service.name}", "applies this stack's own configuration")],
            )

    return check


def _loopback(service: ContractService) -> Check:
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


def _postgresql(contract: Contract) -> Iterator[Clause]:
    service = contract.services.get("postgresql")
    if service is None:
        return
    ready = (f"service.ready[{service.name}]",)
    if service.tls != "none":
        yield Clause(f"service.tls[{service.name}]", _tls, service.line, ready, service.name)
    if schema := contract.bound("postgresql.schema"):
        causes = (*ready, f"env.type[{schema.name}]")
        yield Clause(f"service.schema[{schema.name}]", _schema(schema), schema.line, causes, service.name)


def _tls(env: Environment, timeout: float) -> None:
    with _as_broken("TLS"):
        offered = postgresql.offers_tls(env, timeout=timeout)
    if not offered:
        raise ClauseBroken(
            "postgresql does not offer TLS",
            expected="sslmode=require works",
            actual="the server does not support SSL",
            repairs=[Repair("mmp-dev restart postgresql", "applies this stack's own configuration")],
        )


def _schema(variable: Variable) -> Check:
    def check(env: Environment, timeout: float) -> None:
        schema = env.get(variable.name)
        if not schema:
            raise ClauseSkipped("optional, not set")
        with _as_broken(f"schema {schema}"):
            usable = postgresql.schema_exists(env, schema, timeout=timeout)
        if not usable:
            raise ClauseBroken(
                f"schema {schema} is missing or {env['POSTGRES_USER']} cannot create tables in it",
                expected=f"schema {schema}, writable",
                actual="missing or not writable",
                repairs=[Repair("mmp-dev up", "makes it")],
            )

    return check


def _mlflow(contract: Contract) -> Iterator[Clause]:
    service = contract.services.get("mlflow")
    if service is None:
        return
    ready = (f"service.ready[{service.name}]",)
    if service.health_path:
        yield Clause(
            f"mlflow.health[{service.health_path}]",
            _calls(mlflow.health, "200"),
            service.line,
            ready,
            service.name,
        )
    for capability in contract.mlflow_capabilities:
        subject, call = _CAPABILITIES[capability]
        clause_id = f"mlflow.{capability}[{subject}]"
        yield Clause(clause_id, _calls(call, "an answer"), contract.mlflow_line, ready, service.name)


# The words of the contract's schema, each with the call that proves it.
_CAPABILITIES: dict[str, tuple[str, Callable[..., None]]] = {
    "tracking": ("experiments", mlflow.search_experiments),
    "artifact_proxy": ("round_trip", mlflow.artifact_round_trip),
    "model_registry": ("registered_models", mlflow.search_models),
}


def _calls(call: Callable[..., None], expected: str) -> Check:
    def check(env: Environment, timeout: float) -> None:
        with _as_broken(expected):
            call(env, timeout=timeout)

    return check


@contextmanager
def _as_broken(expected: str) -> Iterator[None]:
    """A context in which a service that is not ready breaks the clause."""
    try:
        yield
    except NotReady as error:
        actual = "something else answers" if isinstance(error, WrongService) else "no such answer"
        repairs = error.repairs or (Repair("mmp-dev up", "starts what does not run"),)
        raise ClauseBroken(error.message, expected=expected, actual=actual, repairs=repairs) from None


KINDS: tuple[Callable[[Contract], Iterator[Clause]], ...] = (_variables, _services, _postgresql, _mlflow)
