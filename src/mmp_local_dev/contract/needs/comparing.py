"""Requirements against a contract. Nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mmp_local_dev.contract.clauses.base import ClauseBroken
from mmp_local_dev.contract.model import Contract, Promise, Severity
from mmp_local_dev.contract.needs.clauses import clauses_of
from mmp_local_dev.contract.needs.offer import NeedCheck, NeedClause, Offer
from mmp_local_dev.contract.needs.subjects import needs_of
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.requirements import Requirements
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.contract.waivers import NONE, Waivers
from mmp_local_dev.errors import Repair


def compare(requirements: Requirements, contract: Contract, *, waivers: Waivers = NONE) -> Report:
    """Whether `contract` promises what `requirements` ask for, as a report of the mode `compare`.

    A finding's `declared` is a line of the requirements, `expected` what is needed, `actual` what is promised. What the
    contract says nothing about, as one of the 1.0 form does of versions, is unknown. What it promises and has
    deprecated is kept, with a warning beside it (`env.deprecated[NAME]`).
    """
    offer, clauses = comparison(requirements, contract)
    return verify(replace(contract, path=requirements.path), offer, clauses, mode="compare", waivers=waivers)


def comparison(requirements: Requirements, contract: Contract) -> tuple[Offer, list[NeedClause]]:
    """What `compare` checks, and against what: for those who check one clause at a time."""
    offer = Offer(contract)
    return offer, [*clauses_of(requirements), *_deprecations(requirements, offer)]


def _deprecations(requirements: Requirements, offer: Offer) -> Iterator[NeedClause]:
    for subject, need in needs_of(requirements).items():
        found = offer.promise(subject)
        if found and found.deprecated:
            kind, name = subject
            clause_id, check = f"{kind}.deprecated[{name}]", _deprecated(name, found)
            yield NeedClause(clause_id, check, need.line, severity=Severity.WARNING)


def _deprecated(name: str, promise: Promise) -> NeedCheck:
    def check(_offer: Offer, _timeout: float) -> None:
        until = f" and may be gone from {promise.sunset} on" if promise.sunset else ""
        raise ClauseBroken(
            f"{name} is deprecated{until}",
            repairs=[Repair("", promise.description or "ask the provider what takes its place")],
        )

    return check
