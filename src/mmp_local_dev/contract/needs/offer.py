"""What clauses of needs are checked against: a contract, asked in the words of a consumer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from mmp_local_dev.contract.clauses.base import Check, Clause, ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Contract, Feature, FeatureView, Promise, ServiceLevel, Table
from mmp_local_dev.contract.needs.subjects import Subject
from mmp_local_dev.errors import Repair

P = TypeVar("P", bound=Promise)


@dataclass(frozen=True)
class Offer:
    """A contract as a consumer looks at it."""

    contract: Contract

    def redact(self, text: str) -> str:
        """`text`: a contract holds no secrets."""
        return text

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables by their physical names."""
        return {table.physical_name: table for table in self.contract.tables.values()}

    @property
    def views(self) -> Mapping[str, FeatureView]:
        """The feature views, none where there is no feature store."""
        return self.contract.feast.views if self.contract.feast else {}

    def features(self, view: str) -> Mapping[str, Feature]:
        """The features of a view, none where there is no such view."""
        return self.views[view].features if view in self.views else {}

    def promise(self, subject: Subject) -> Promise | None:
        """What the contract says of a subject; None where it says nothing."""
        kind, name = subject
        container, _, part = name.partition(":")
        if kind == "column":
            return self.tables[container].columns.get(part) if container in self.tables else None
        if kind == "feature":
            return self.features(container).get(part)
        kinds: Mapping[str, Mapping[str, Promise]] = {
            "env": self.contract.variables,
            "service": self.contract.services,
            "table": self.tables,
            "view": self.views,
        }
        return kinds.get(kind, {}).get(name)

    def latency(self, element: str) -> ServiceLevel | None:
        """The level of latency that is promised of an element."""
        levels = self.contract.service_levels.values()
        return next((level for level in levels if (level.property, level.element) == ("latency", element)), None)


NeedClause = Clause[Offer]
NeedCheck = Check[Offer]


def promised(promises: Mapping[str, P], name: str, what: str, *, required: bool = True) -> P:
    """The promise of this name. `what` it is begins the sentences: "the variable".

    Raises ClauseBroken where it is needed and not promised, or promised as optional only, and ClauseSkipped where the
    consumer can do without.
    """
    found = promises.get(name)
    if found is None and not required:
        raise ClauseSkipped("optional, not promised")
    if found is None:
        raise _absent(name, what, promises)
    if required and not found.required:
        raise ClauseBroken(
            f"{what} {name} is promised as optional only",
            expected="always there",
            actual="required: false",
            repairs=[Repair("", "say `required: false` there if the consumer can do without")],
        )
    return found


def _absent(name: str, what: str, there: Iterable[str]) -> ClauseBroken:
    near = get_close_matches(name, list(there), 1)
    said = f"{what} {name} is not promised"
    return ClauseBroken(
        f"{said}; did you mean {near[0]}?" if near else said,
        expected=name,
        actual="no such promise",
        repairs=[Repair("", "ask the provider for it, or take it out there if the consumer does not need it")],
    )
