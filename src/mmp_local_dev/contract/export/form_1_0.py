"""The pure document of the 1.0 form, for consumers that compare whole documents."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mmp_local_dev.contract.model import Contract, ContractService


def form_1_0(contract: Contract) -> str:
    """What is always there, as names and ports. Loading it gives the same names and ports again."""
    return "\n".join(_lines(contract)) + "\n"


def _lines(contract: Contract) -> Iterator[str]:
    yield f"version: {_text(contract.version)}"
    yield "provides_env_variables:"
    yield from (f"  - {v.name}" for v in contract.variables.values() if v.required and not v.accepted)
    yield "provides_services:"
    for service in contract.services.values():
        yield from _service(service)
    yield f"verification_script: {_text(contract.verification_script)}"


def _service(service: ContractService) -> Iterator[str]:
    yield f"  - name: {_text(service.name)}"
    yield f"    port: {service.port}"
    if service.health_path:
        yield f"    health_check: {_text(service.health_path)}"


def _text(value: str) -> str:
    """In quotes, so that YAML reads it as text whatever it is; JSON's are among YAML's."""
    return json.dumps(value)
