"""What has changed about variables: those that the provider sets, and those that it reads from the consumer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.compare.pairs import Pair, Place, Rule, compared
from mmp_local_dev.contract.model import Contract, Variable, VariableType


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of variables; one that changes sides is gone on the one and new on the other."""
    for kind, accepted in (("env", False), ("env-input", True)):
        was, now = (_of_side(contract, accepted=accepted) for contract in (old, new))
        yield from compared(was, now, partial(_place, kind), _RULES, as_of)


def _of_side(contract: Contract, *, accepted: bool) -> Mapping[str, Variable]:
    return {name: variable for name, variable in contract.variables.items() if variable.accepted is accepted}


def _place(kind: str, variable: Variable) -> Place:
    return Place(kind, "env", Subject("env", variable.name), variable.name)


def _type(pair: Pair[Variable]) -> Iterator[Change]:
    """Every type's values are strings; the other types have no values in common that one could rely on."""
    old, new = pair.old.type, pair.new.type
    word = {old: "narrowed", new: "widened"}.get(VariableType.STRING, "changed")
    yield from pair.differs(f"{pair.place.kind}-type-{word}", "type", old, new)


def _enum(pair: Pair[Variable]) -> Iterator[Change]:
    """No list means any value."""
    old, new, rules = pair.old.enum, pair.new.enum, f"{pair.place.kind}-enum-value"
    if old and new:
        yield from pair.gained(rules, "one of", old, new)
    else:
        yield from pair.differs(
            f"{rules}-{'removed' if new else 'added'}", "list of values", _listed(old), _listed(new)
        )


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(sorted(values))


def _min_length(pair: Pair[Variable]) -> Iterator[Change]:
    old, new = pair.old.min_length, pair.new.min_length
    word = "lowered" if new < old else "raised"
    yield from pair.differs(f"{pair.place.kind}-min-length-{word}", "minLength", old, new)


def _default(pair: Pair[Variable]) -> Iterator[Change]:
    rule = "env-const-changed" if pair.old.const and pair.new.const else "env-default-changed"
    if pair.old.sensitive or pair.new.sensitive:
        if pair.old.default != pair.new.default:
            yield pair.change(rule, "default is another")
    else:
        yield from pair.differs(rule, "default", pair.old.default, pair.new.default)


def _const(pair: Pair[Variable]) -> Iterator[Change]:
    if pair.old.const != pair.new.const:
        word, told = ("added", "is always") if pair.new.const else ("removed", "is no longer always")
        yield pair.change(f"env-const-{word}", f"{told} its default")


def _sensitive(pair: Pair[Variable]) -> Iterator[Change]:
    if pair.old.sensitive != pair.new.sensitive:
        yield pair.change(
            "env-sensitivity-changed", "is sensitive now" if pair.new.sensitive else "is no longer sensitive"
        )


def _binds(pair: Pair[Variable]) -> Iterator[Change]:
    yield from pair.appears("env-binding", "binds", pair.old.binds, pair.new.binds)


_RULES: tuple[Rule[Variable], ...] = (_type, _enum, _min_length, _default, _const, _sensitive, _binds)
