"""Clauses of the old and the new contract side by side, and what is compared of every clause whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.model import Promise, Severity, Stability

P = TypeVar("P", bound=Promise)
P_co = TypeVar("P_co", bound=Promise, covariant=True)

_STABILITIES = tuple(Stability)


@dataclass(frozen=True)
class Place:
    """Where a clause stands.

    `kind` is the word that its rules begin with. `at` names it in ids, `subject` in requirements; `within` is the
    stability of the clause that it is part of.
    """

    kind: str
    section: str
    subject: Subject
    at: str
    within: Stability = Stability.STABLE
    touches: tuple[Subject, ...] = ()


@dataclass(frozen=True)
class Pair(Generic[P_co]):
    """A clause as it was and as it is."""

    old: P_co
    new: P_co
    place: Place

    def change(self, rule: str, text: str, old: object = "", new: object = "", *, part: str = "") -> Change:
        """A change of it, or of this `part` of it, which its rule's id and a sentence tell."""
        place = self.place
        return Change(
            rule,
            place.subject,
            place.section,
            f"{place.at}:{part}" if part else place.at,
            f"{place.at}: {text}",
            str(old),
            str(new),
            self.old.line,
            self.new.line,
            _weaker(self.old.stability, place.within),
            self.old.severity,
            place.touches,
        )

    def differs(self, rule: str, what: str, old: object, new: object, *, part: str = "") -> Iterator[Change]:
        """One change by this rule where `what` is not what it was."""
        if old != new:
            yield self.change(rule, f"{what} is {_said(new)}, was {_said(old)}", _text(old), _text(new), part=part)

    def gained(self, rules: str, what: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
        """What of a list is gone, by the rule `rules`-removed, and what is new, by `rules`-added."""
        for word, more, less, told in (("removed", old, new, "no longer"), ("added", new, old, "now")):
            if found := sorted(set(more) - set(less)):
                text = f"{told} {what} {', '.join(found)}"
                yield self.change(f"{rules}-{word}", text, ", ".join(old), ", ".join(new))

    def appears(self, rules: str, what: str, old: object, new: object, *, part: str = "") -> Iterator[Change]:
        """A value that may be missing (None, or empty): by `rules`-added, -removed or -changed."""
        word = "changed" if old and new else "added" if new else "removed"
        yield from self.differs(f"{rules}-{word}", what, old or None, new or None, part=part)


Rule = Callable[[Pair[P]], Iterator[Change]]


def compared(
    old: Mapping[str, P], new: Mapping[str, P], place: Callable[[P], Place], rules: Sequence[Rule[P]], as_of: date
) -> Iterator[Change]:
    """Clauses of one kind: those that are gone or new, and what these rules find in those that stay."""
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is not None and now is not None:
            pair = Pair(was, now, place(was))
            yield from (change for rule in _TERMS for change in rule(pair))
            yield from (change for rule in rules for change in rule(pair))
        elif was is not None:
            yield _presence(was, place(was), as_of, "removed", "is gone", old_line=was.line)
        elif now is not None:
            yield _presence(now, place(now), as_of, "added", "is new", new_line=now.line)


def _presence(
    clause: Promise, place: Place, as_of: date, word: str, told: str, *, old_line: int = 0, new_line: int = 0
) -> Change:
    over = clause.deprecated and clause.sunset is not None and clause.sunset <= as_of
    sunset = f", and its sunset was on {clause.sunset}" if over else ""
    return Change(
        _presence_rule(clause, place.kind, word, over=over),
        place.subject,
        place.section,
        place.at,
        f"{place.at}: {told}{sunset}",
        old_line=old_line,
        new_line=new_line,
        stability=_weaker(clause.stability, place.within),
        promised=clause.severity,
        touches=place.touches,
    )


def _presence_rule(clause: Promise, kind: str, word: str, *, over: bool) -> str:
    if not clause.required:
        return f"any-optional-{word}"
    if kind == "env-input":
        return f"env-input-required-{word}"
    return f"{kind}-{word}-after-sunset" if over else f"{kind}-{word}"


def _required(pair: Pair[Promise]) -> Iterator[Change]:
    if pair.old.required != pair.new.required:
        word = "required" if pair.new.required else "optional"
        yield pair.change(f"{pair.place.kind}-became-{word}", f"is {word} now")


def _severity(pair: Pair[Promise]) -> Iterator[Change]:
    word = "lowered" if pair.old.severity is Severity.ERROR else "raised"
    yield from pair.differs(f"clause-severity-{word}", "severity", pair.old.severity, pair.new.severity)


def _stability(pair: Pair[Promise]) -> Iterator[Change]:
    old, new = pair.old.stability, pair.new.stability
    word = "decreased" if _weaker(old, new) is new else "increased"
    yield from pair.differs(f"clause-stability-{word}", "stability", old, new)


def _deprecation(pair: Pair[Promise]) -> Iterator[Change]:
    if pair.old.deprecated != pair.new.deprecated:
        word, told = ("deprecated", "is") if pair.new.deprecated else ("undeprecated", "is no longer")
        yield pair.change(f"clause-{word}", f"{told} deprecated")


def _sunset(pair: Pair[Promise]) -> Iterator[Change]:
    old, new = pair.old.sunset, pair.new.sunset
    word = "set" if new else "lifted"
    if old and new:
        word = "advanced" if new < old else "postponed"
    yield from pair.differs(f"clause-sunset-{word}", "sunset", old, new)


_TERMS: tuple[Rule[Promise], ...] = (_required, _severity, _stability, _deprecation, _sunset)


def _weaker(one: Stability, other: Stability) -> Stability:
    return min(one, other, key=_STABILITIES.index)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _said(value: object) -> str:
    return "none" if value is None or value == "" else str(value)
