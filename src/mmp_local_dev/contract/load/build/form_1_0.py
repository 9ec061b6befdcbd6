"""The 1.0 form: names and ports, and what is well known about some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mmp_local_dev.contract.load.build.terms import optional
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import Contract, ContractService, Variable, VariableType
from mmp_local_dev.contract.well_known import FORM_1_0, SERVICES, VARIABLES


def build_1_0(path: Path, document: Node) -> Contract:
    """The contract that `document`, of the 1.0 form and read from `path`, describes.

    It has no name of its own, so it takes that of its file.
    """
    listed = document.at("provides_env_variables").items
    provided = document.at("provides_services").items
    services = {item.at("name").text: _service(item) for item in provided}
    return Contract(
        path=path,
        name=path.stem,
        version=document.at("version").text,
        form=FORM_1_0,
        variables={item.text: _variable(item, services) for item in listed},
        services=services,
        verification_script=document.at("verification_script").text,
    )


def _variable(item: Node, services: Mapping[str, ContractService]) -> Variable:
    """What is well known of it; what it binds only where the contract has that service."""
    known = VARIABLES.get(item.text, Variable(item.text, VariableType.STRING))
    binds = known.binds if known.binds and known.binds.partition(".")[0] in services else None
    return replace(known, binds=binds, line=item.line)


def _service(item: Node) -> ContractService:
    name, health_path = item.at("name").text, optional(item, "health_check")
    return ContractService(
        name=name,
        protocol=SERVICES.get(name, "http" if health_path else ""),
        version="",
        port=int(item.at("port").text),
        health_path=health_path,
        line=item.line,
    )
