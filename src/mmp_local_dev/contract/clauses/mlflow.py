"""MLflow: what its server can do beyond answering."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, as_broken
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.services import mlflow


def clauses(contract: Contract) -> Iterator[LiveClause]:
    """One of the server's health, one of each capability."""
    service = contract.services.get("mlflow")
    if service is None:
        return
    ready = (f"service.ready[{service.name}]",)
    if service.health_path:
        clause_id, check = f"mlflow.health[{service.health_path}]", _calls(mlflow.health, "200")
        yield LiveClause(clause_id, check, service.line, ready, service.name, "mlflow", service.severity)
    for capability in contract.mlflow_capabilities:
        check = _calls(_CAPABILITIES[capability][1], "an answer")
        yield LiveClause(capability_id(capability), check, contract.mlflow_line, ready, service.name, "mlflow")


def capability_id(capability: str) -> str:
    """The id of the clause about a capability."""
    return f"mlflow.{capability}[{_CAPABILITIES[capability][0]}]"


# The words of the contract's schema, each with the call that proves it.
_CAPABILITIES: dict[str, tuple[str, Callable[..., None]]] = {
    "tracking": ("experiments", mlflow.search_experiments),
    "artifact_proxy": ("round_trip", mlflow.artifact_round_trip),
    "model_registry": ("registered_models", mlflow.search_models),
}


def _calls(call: Callable[..., None], expected: str) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        with as_broken(expected):
            call(env, timeout=timeout)

    return check
