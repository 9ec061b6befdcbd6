"""Services, in which versions and for which clients; what MLflow can do; how quick the answers are."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseUndecided
from mmp_local_dev.contract.clauses.mlflow import capability_id
from mmp_local_dev.contract.model import Severity
from mmp_local_dev.contract.needs.offer import NeedCheck, NeedClause, Offer, promised
from mmp_local_dev.contract.needs.packages import as_range, distribution
from mmp_local_dev.contract.ranges import is_subset
from mmp_local_dev.contract.requirements import LatencyNeed, Need, Requirements, ServiceNeed
from mmp_local_dev.errors import Repair

_SECONDS = {"ms": 0.001, "s": 1.0}


def services(requirements: Requirements) -> Iterator[NeedClause]:
    """Whether each is promised, in tolerated versions, and for the consumer's clients."""
    for need in requirements.services.values():
        ready = _of_service("ready", need.name, need, _is_promised(need))
        yield ready
        if need.version:
            yield _of_service("version", need.name, need, _version(need), ready.id)
        for package, versions in need.clients.items():
            yield _of_service("client", f"{need.name}:{package}", need, _client(need, package, versions), ready.id)


def _of_service(kind: str, subject: str, need: ServiceNeed, check: NeedCheck, *causes: str) -> NeedClause:
    return NeedClause(f"service.{kind}[{subject}]", check, need.line, causes, need.name, "services")


def _is_promised(need: ServiceNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> None:
        promised(offer.contract.services, need.name, "the service")

    return check


def _version(need: ServiceNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        runs = promised(offer.contract.services, need.name, "the service").version
        if not runs:
            raise ClauseUndecided(f"the contract does not say in which versions {need.name} runs")
        if not is_subset(runs, need.version):
            raise ClauseBroken(
                f"{need.name} may run in versions that the consumer does not tolerate",
                expected=need.version,
                actual=runs,
                repairs=[Repair("", "test the consumer with these versions and widen its range there")],
            )
        return runs

    return check


def _client(need: ServiceNeed, package: str, versions: str) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        clients = promised(offer.contract.services, need.name, "the service").clients
        if not clients:
            raise ClauseUndecided(f"the contract does not say which clients may connect to {need.name}")
        accepted = {distribution(name): accepted for name, accepted in clients.items()}.get(distribution(package))
        if accepted is None or not is_subset(as_range(versions), accepted):
            raise ClauseBroken(
                f"{package} {versions} is not a client that may connect to {need.name}",
                expected=f"{package} {versions}",
                actual=", ".join(f"{name} {accepted}" for name, accepted in clients.items()),
                repairs=[Repair("", "pin the client to what the contract accepts")],
            )
        return accepted

    return check


def capabilities(requirements: Requirements) -> Iterator[NeedClause]:
    """Whether each is promised of the MLflow server."""
    for need in requirements.capabilities.values():
        causes = ("service.ready[mlflow]",)
        yield NeedClause(capability_id(need.name), _capability(need), need.line, causes, "mlflow", "mlflow")


def _capability(need: Need) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> None:
        there = offer.contract.mlflow_capabilities
        if not there:
            raise ClauseUndecided("the contract does not say what its MLflow server can do")
        if need.name not in there:
            raise ClauseBroken(
                f"the MLflow server is not promised to do {need.name}", expected=need.name, actual=", ".join(there)
            )

    return check


def levels(requirements: Requirements) -> Iterator[NeedClause]:
    """Warnings, as latency is in contracts: how quick a machine is depends on the machine."""
    for need in requirements.latency.values():
        yield NeedClause(
            f"sla.latency[{need.name}]", _latency(need), need.line, section="slaProperties", severity=Severity.WARNING
        )


def _latency(need: LatencyNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        wanted, level = f"p95 <= {need.value:g} {need.unit}", offer.latency(need.name)
        if level is None:
            raise ClauseBroken(f"no latency of {need.name} is promised", expected=wanted, actual="no promise")
        said = f"p95 <= {level.value:g} {level.unit}"
        if level.value * _SECONDS[level.unit] > need.value * _SECONDS[need.unit]:
            raise ClauseBroken(f"{need.name} is promised slower than needed", expected=wanted, actual=said)
        return said

    return check
