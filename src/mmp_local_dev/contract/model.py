"""The contract as values: what `load` makes of `dev-contract.yml` and everything else reads.

Nothing here knows YAML, services or runtimes. `line` fields are 1-based lines of the contract file, so that every
later message can say where a promise stands; they take no part in comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

Scalar = str | int | float | bool | None


class VariableType(StrEnum):
    """The types a variable can have; `contract.values` says what each accepts."""

    HOST = "host"
    PORT = "port"
    STRING = "string"
    URL = "url"
    PATH = "path"


class Severity(StrEnum):
    """What a broken promise weighs: an error breaks the contract, a warning is told and passes."""

    ERROR = "error"
    WARNING = "warning"


class Stability(StrEnum):
    """How far a promise may be relied on. Changes of what is not yet `stable` are told and break nobody."""

    DRAFT = "draft"
    ALPHA = "alpha"
    BETA = "beta"
    STABLE = "stable"


@dataclass(frozen=True)
class Promise:
    """What every clause of a contract has.

    `required`: it is always there. `sunset`: the day from which a `deprecated` promise may be gone.
    """

    name: str
    _: KW_ONLY
    required: bool = True
    severity: Severity = Severity.ERROR
    stability: Stability = Stability.STABLE
    deprecated: bool = False
    sunset: date | None = None
    description: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Variable(Promise):
    """One environment variable.

    `binds` names the part of a service that it carries (`postgresql.port`, `mlflow.uri`, ...), or is None.
    `const`: the value is its default and no other. `accepted`: the consumer sets it and the provider reads it; all
    others the provider sets.
    """

    type: VariableType
    sensitive: bool = False
    default: str | None = None
    binds: str | None = None
    _: KW_ONLY
    const: bool = False
    enum: tuple[str, ...] = ()
    min_length: int = 0
    accepted: bool = False


@dataclass(frozen=True)
class ContractService(Promise):
    """One service that the provider promises, and on what terms.

    `version` is the PEP 440 range that runs, "" for any; `clients` maps a client library to the range that may connect;
    `endpoints` maps a view (`host`, `network`) to `host:port`; `needs` are the services that it cannot answer without.
    """

    protocol: str
    version: str
    port: int
    port_policy: str = "env"
    needs: tuple[str, ...] = ()
    clients: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    auth: str = "none"
    tls: str = "none"
    health_path: str | None = None


@dataclass(frozen=True)
class Column(Promise):
    """A column of a table. `type` is PostgreSQL's name of its type as written in the contract (`varchar(50)`)."""

    type: str
    nullable: bool = True
    unique: bool = False


@dataclass(frozen=True)
class Table(Promise):
    """A table that consumers may read. `physical_name` is `schema.table`; `primary_key` are columns in order."""

    physical_name: str
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entity(Promise):
    """A Feast entity; `dtype` is Feast's name of its value type (`String`, `Int64`)."""

    join_key: str
    dtype: str


@dataclass(frozen=True)
class Feature(Promise):
    """A feature of a view; `dtype` is Feast's name of its type."""

    dtype: str


@dataclass(frozen=True)
class FeatureView(Promise):
    """A Feast feature view. `source` is the name of a Table of this contract, or None; `ttl` in seconds, 0 for none."""

    entities: tuple[str, ...]
    features: Mapping[str, Feature]
    source: str | None = None
    timestamp_field: str | None = None
    ttl: int = 0
    online: bool = True
    definition_digest: str = ""


@dataclass(frozen=True)
class FeatureService(Promise):
    """A Feast feature service: references `view:feature`."""

    features: tuple[str, ...]


@dataclass(frozen=True)
class Feast:
    """What a feature store of this provider holds."""

    project: str
    entity_key_serialization_version: int
    entities: Mapping[str, Entity]
    views: Mapping[str, FeatureView]
    services: Mapping[str, FeatureService] = field(default_factory=dict)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Fixture(Promise):
    """Data that is guaranteed to be there: always, or while the stack holds the data set `given` (its name, or "")."""

    _: KW_ONLY
    given: str = ""


@dataclass(frozen=True)
class KnownKeys(Fixture):
    """Values of an entity's join key that are guaranteed to exist in these places: `offline`, `online`."""

    entity: str
    values: tuple[Scalar, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class KnownAnswer:
    """The values that the features of one view have for these join keys."""

    keys: Mapping[str, Scalar]
    values: Mapping[str, Scalar]


@dataclass(frozen=True)
class KnownAnswers(Fixture):
    """Guaranteed answers of a feature view: as of the moment `at` (a point-in-time join), or online if that is None."""

    view: str
    answers: tuple[KnownAnswer, ...]
    at: datetime | None = None


@dataclass(frozen=True)
class ServiceLevel(Promise):
    """How quick or fresh something is: `element` is `services.NAME`, `feast.VIEW` or `schema.TABLE`; less is better.

    `latency` is the 95th percentile of single reads; `freshness` the age of the newest row.
    """

    property: str
    value: float
    unit: str
    element: str


@dataclass(frozen=True)
class Contract:
    """A whole contract. `version` is the version of its content, `form` the version of its form (`mmp.dev/v2`, `1.0`).

    `ruleset` pins the severities of `contract diff`. `reserved` has the names that are gone and must not come back
    with another meaning, by kind: env, services, tables, features.
    """

    path: Path = field(compare=False)
    name: str
    version: str
    form: str
    variables: Mapping[str, Variable]
    services: Mapping[str, ContractService]
    _: KW_ONLY
    tables: Mapping[str, Table] = field(default_factory=dict)
    feast: Feast | None = None
    mlflow_capabilities: tuple[str, ...] = ()
    fixtures: Mapping[str, KnownKeys | KnownAnswers] = field(default_factory=dict)
    service_levels: Mapping[str, ServiceLevel] = field(default_factory=dict)
    reserved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ruleset: int = 1
    verification_script: str = ""
    status: str = ""
    owner: str = ""
    description: str = field(default="", compare=False)
    mlflow_line: int = field(default=0, compare=False)

    def declared(self, line: int) -> str:
        """Where a promise stands, as `dev-contract.yml:12`."""
        return f"{self.path.name}:{line}"

    def bound(self, part: str) -> Variable | None:
        """The variable that carries a service's part, such as `mlflow.uri`; None when none does."""
        return next((v for v in self.variables.values() if v.binds == part), None)
