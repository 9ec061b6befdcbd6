"""The variables and the services."""

from __future__ import annotations

from mmp_local_dev.contract.load.build.terms import optional, terms, texts, words
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import ContractService, Variable, VariableType


def variables(document: Node) -> dict[str, Variable]:
    """Every variable, by name."""
    return {name: _variable(name, node) for name, node in document.at("env").members.items()}


def services(document: Node) -> dict[str, ContractService]:
    """Every service, by name, with the port that provides_services gives it."""
    ports = {item.at("name").text: int(item.at("port").text) for item in document.at("provides_services").items}
    return {name: _service(name, node, ports[name]) for name, node in document.at("services").members.items()}


def _variable(name: str, node: Node) -> Variable:
    return Variable(
        name=name,
        type=VariableType(node.at("type").text),
        required=not node.at("required").is_false,
        sensitive=node.at("sensitive").is_true,
        default=optional(node, "default"),
        binds=optional(node, "binds"),
        const=node.at("const").is_true,
        enum=words(node.at("enum")),
        min_length=int(node.at("minLength").text or 0),
        accepted=node.at("set_by").text == "consumer",
        **terms(node),
    )


def _service(name: str, node: Node, port: int) -> ContractService:
    return ContractService(
        name=name,
        protocol=node.at("protocol").text,
        version=node.at("version").text,
        port=port,
        port_policy=node.at("port_policy").text or "env",
        needs=words(node.at("needs")),
        clients=texts(node.at("clients")),
        endpoints=texts(node.at("endpoints")),
        auth=node.at("auth", "method").text or "none",
        tls=node.at("auth", "tls").text or "none",
        health_path=optional(node.at("health", "httpGet"), "path"),
        **terms(node),
    )
