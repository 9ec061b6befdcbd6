"""The contract as values: what `load` makes of `dev-contract.yml` and everything else reads.

Nothing here knows YAML, services or runtimes. `line` fields are 1-based lines of the contract file, so that every
later message can say where a promise stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class VariableType(StrEnum):
    """The types a variable can have; `contract.values` says what each accepts."""

    HOST = "host"
    PORT = "port"
    STRING = "string"
    URL = "url"
    PATH = "path"


@dataclass(frozen=True)
class Variable:
    """One environment variable that the provider promises.

    `binds` names the part of a service that it carries (`postgresql.port`, `mlflow.uri`, ...), or is None.
    """

    name: str
    type: VariableType
    required: bool = True
    sensitive: bool = False
    default: str | None = None
    binds: str | None = None
    description: str = ""
    line: int = 0


@dataclass(frozen=True)
class ContractService:
    """One service that the provider promises, and on what terms.

    `version` is the PEP 440 range that runs; `clients` maps a client library to the range that may connect;
    `endpoints` maps a view (`host`, `network`) to `host:port`; `needs` are the services that it cannot answer without.
    """

    name: str
    protocol: str
    version: str
    port: int
    port_policy: str = "env"
    needs: tuple[str, ...] = ()
    clients: Mapping[str, str] | None = None
    endpoints: Mapping[str, str] | None = None
    auth: str = "none"
    tls: str = "none"
    health_path: str | None = None
    line: int = 0


@dataclass(frozen=True)
class Contract:
    """A whole contract. `version` is the version of its content, `form` the version of its form (`mmp.dev/v2`)."""

    path: Path
    name: str
    version: str
    form: str
    variables: Mapping[str, Variable]
    services: Mapping[str, ContractService]
    mlflow_capabilities: tuple[str, ...] = ()
    mlflow_line: int = 0

    def declared(self, line: int) -> str:
        """Where a promise stands, as `dev-contract.yml:12`."""
        return f"{self.path.name}:{line}"

    def bound(self, part: str) -> Variable | None:
        """The variable that carries a service's part, such as `mlflow.uri`; None when none does."""
        return next((v for v in self.variables.values() if v.binds == part), None)
