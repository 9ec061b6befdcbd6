"""What has changed about service levels: less is better in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.compare.pairs import Pair, Place, Rule, compared
from mmp_local_dev.contract.model import Contract, ServiceLevel

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of service levels."""
    yield from compared(_levels(old), _levels(new), _place, _RULES, as_of)


def _levels(contract: Contract) -> dict[str, ServiceLevel]:
    """By what they are about and their id: a level of something else is another one, whatever its id."""
    return {f"{level.property}:{level.element}:{level.name}": level for level in contract.service_levels.values()}


def _place(level: ServiceLevel) -> Place:
    return Place("slo", "slaProperties", Subject(level.property, level.element), level.name)


def _value(pair: Pair[ServiceLevel]) -> Iterator[Change]:
    old, new = _seconds(pair.old), _seconds(pair.new)
    if old != new:
        word = "relaxed" if new > old else "tightened"
        yield from pair.differs(f"slo-{word}", pair.old.property, _said(pair.old), _said(pair.new))


def _seconds(level: ServiceLevel) -> float:
    return round(level.value * _SECONDS[level.unit], 6)


def _said(level: ServiceLevel) -> str:
    return f"{level.value:g} {level.unit}"


_RULES: tuple[Rule[ServiceLevel], ...] = (_value,)
