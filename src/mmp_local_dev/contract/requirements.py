"""A consumer's requirements as values: what `load.requirements` makes of a `*.req.yml`, and `needs` compares.

Like `model`, nothing here knows YAML or services. `line` fields are 1-based lines of the file, and take no part in
comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from mmp_local_dev.contract.model import VariableType


@dataclass(frozen=True)
class Need:
    """One thing that a consumer needs, by the name that a contract gives it."""

    name: str
    _: KW_ONLY
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class VariableNeed(Need):
    """A variable that the consumer reads; of any type when `type` is None. `required`: it does not work without."""

    type: VariableType | None = None
    required: bool = True


@dataclass(frozen=True)
class ServiceNeed(Need):
    """A service that the consumer talks to.

    `version` is the range of server versions that it tolerates, "" for any; `clients` has the version or the range of
    each client library that it comes with.
    """

    version: str = ""
    clients: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnNeed(Need):
    """A column that the consumer reads; of any type when `type` is ""."""

    type: str = ""


@dataclass(frozen=True)
class TableNeed(Need):
    """A table, by its physical name (`schema.table`), with the columns that the consumer reads."""

    columns: Mapping[str, ColumnNeed]


@dataclass(frozen=True)
class FeatureNeed(Need):
    """A feature, by its reference `view:feature`; of any type when `dtype` is ""."""

    dtype: str = ""

    @property
    def view(self) -> str:
        """The feature view that it belongs to."""
        return self.name.partition(":")[0]

    @property
    def feature(self) -> str:
        """Its name in that view."""
        return self.name.partition(":")[2]


@dataclass(frozen=True)
class LatencyNeed(Need):
    """How long the 95th percentile of single reads of an element (`feast.VIEW`, `services.NAME`) may take at most."""

    value: float
    unit: str


@dataclass(frozen=True)
class Group(Need):
    """A part of the requirements: section words (`tables`), services, or ids of clauses."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Requirements:
    """All that one consumer needs. `contract` is the PEP 440 range of contract versions that it works with, "" for
    any; `version` and `revision` say which state of the consumer this is."""

    path: Path = field(compare=False)
    name: str
    _: KW_ONLY
    version: str = ""
    revision: str = ""
    contract: str = ""
    variables: Mapping[str, VariableNeed] = field(default_factory=dict)
    services: Mapping[str, ServiceNeed] = field(default_factory=dict)
    tables: Mapping[str, TableNeed] = field(default_factory=dict)
    features: Mapping[str, FeatureNeed] = field(default_factory=dict)
    capabilities: Mapping[str, Need] = field(default_factory=dict)
    latency: Mapping[str, LatencyNeed] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    description: str = field(default="", compare=False)
    contract_line: int = field(default=0, compare=False)

    def declared(self, line: int) -> str:
        """Where a need stands, as `modern-ml-pipeline.req.yml:12`."""
        return f"{self.path.name}:{line}"
