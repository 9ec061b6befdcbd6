"""From a sound document to the contract's values. Nothing is checked here: `load` has had it checked."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import Contract, ContractService, Variable, VariableType


def build(path: Path, document: Node) -> Contract:
    """The contract that `document`, read from `path`, describes."""
    provided = {item.at("name").text: item for item in document.at("provides_services").items}
    services = document.at("services").members
    capabilities = document.at("mlflow", "capabilities")
    return Contract(
        path=path,
        name=document.at("metadata", "name").text,
        version=document.at("version").text,
        form=document.at("apiVersion").text,
        variables={name: _variable(name, node) for name, node in document.at("env").members.items()},
        services={name: _service(name, node, provided[name]) for name, node in services.items()},
        mlflow_capabilities=_words(capabilities),
        mlflow_line=capabilities.line,
    )


def _variable(name: str, node: Node) -> Variable:
    return Variable(
        name=name,
        type=VariableType(node.at("type").text),
        required=not node.at("required").is_false,
        sensitive=node.at("sensitive").is_true,
        default=_optional(node, "default"),
        binds=_optional(node, "binds"),
        description=node.at("description").text,
        line=node.line,
    )


def _service(name: str, node: Node, provided: Node) -> ContractService:
    return ContractService(
        name=name,
        protocol=node.at("protocol").text,
        version=node.at("version").text,
        port=int(provided.at("port").text),
        port_policy=node.at("port_policy").text or "env",
        needs=_words(node.at("needs")),
        clients=_table(node, "clients"),
        endpoints=_table(node, "endpoints"),
        auth=node.at("auth", "method").text or "none",
        tls=node.at("auth", "tls").text or "none",
        health_path=_optional(node.at("health", "httpGet"), "path"),
        line=node.line,
    )


def _words(node: Node) -> tuple[str, ...]:
    return tuple(item.text for item in node.items)


def _table(node: Node, name: str) -> dict[str, str]:
    return {key: value.text for key, value in node.at(name).members.items()}


def _optional(node: Node, name: str) -> str | None:
    return node.at(name).text if name in node.members else None
