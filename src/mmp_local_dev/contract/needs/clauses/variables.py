"""The contract's version, and variables."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.clauses.base import ClauseBroken
from mmp_local_dev.contract.model import VariableType
from mmp_local_dev.contract.needs.offer import NeedCheck, NeedClause, Offer, promised
from mmp_local_dev.contract.ranges import contains
from mmp_local_dev.contract.requirements import Requirements, VariableNeed
from mmp_local_dev.errors import Repair


def contract_range(requirements: Requirements) -> Iterator[NeedClause]:
    """One of the contract's version."""
    if requirements.contract:
        check = _in_range(requirements.contract)
        yield NeedClause(f"contract.range[{requirements.name}]", check, requirements.contract_line, section="contract")


def _in_range(wanted: str) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        version = offer.contract.version
        if not contains(wanted, version):
            raise ClauseBroken(
                f"contract {version} is not one that the consumer works with",
                expected=wanted,
                actual=version,
                repairs=[Repair("", "test the consumer against this contract and widen `contract` there")],
            )
        return version

    return check


def variables(requirements: Requirements) -> Iterator[NeedClause]:
    """Whether each is promised, and with the type that the consumer needs."""
    for need in requirements.variables.values():
        present = NeedClause(f"env.present[{need.name}]", _present(need), need.line, section="env")
        yield present
        if need.type:
            type_ = need.type
            yield NeedClause(f"env.type[{need.name}]", _typed(need, type_), need.line, (present.id,), section="env")


def _present(need: VariableNeed) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> None:
        found = promised(offer.contract.variables, need.name, "the variable", required=need.required)
        if found.accepted:
            raise ClauseBroken(
                f"the variable {need.name} is for the consumer to set, not for the provider",
                expected="set_by: provider",
                actual="set_by: consumer",
                repairs=[Repair("", "take it out there, and set it in the consumer")],
            )

    return check


def _typed(need: VariableNeed, wanted: VariableType) -> NeedCheck:
    def check(offer: Offer, _timeout: float) -> str:
        found = promised(offer.contract.variables, need.name, "the variable", required=need.required)
        if wanted not in (found.type, VariableType.STRING):  # every value is text
            raise ClauseBroken(
                f"the variable {need.name} is promised with another type", expected=wanted, actual=found.type
            )
        return found.type

    return check
