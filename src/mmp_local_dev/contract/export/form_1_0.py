"""The pure document of the 1.0 form, for consumers that compare whole documents."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.load.reading import as_word, in_quotes
from mmp_local_dev.contract.model import Contract, ContractService


def form_1_0(contract: Contract) -> str:
    """What is always there, as names and ports. Loading it gives the same names and ports again."""
    return "\n".join(_lines(contract)) + "\n"


def _lines(contract: Contract) -> Iterator[str]:
    yield f"version: {in_quotes(contract.version)}"
    yield "provides_env_variables:"
    yield from (f"  - {as_word(v.name)}" for v in contract.variables.values() if v.required and not v.accepted)
    yield "provides_services:"
    for service in contract.services.values():
        yield from _service(service)
    yield f"verification_script: {in_quotes(contract.verification_script)}"


def _service(service: ContractService) -> Iterator[str]:
    yield f"  - name: {in_quotes(service.name)}"
    yield f"    port: {service.port}"
    if service.health_path:
        yield f"    health_check: {in_quotes(service.health_path)}"
