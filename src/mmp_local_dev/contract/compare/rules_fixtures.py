"""What has changed about fixtures: keys that are known to exist, and answers that are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.compare.pairs import Pair, Place, Rule, compared
from mmp_local_dev.contract.model import Contract, Fixture, KnownAnswers, KnownKeys, Scalar

Answers = dict[tuple[str, str], str]


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of fixtures; one that becomes of the other kind is gone on the one side and new on the other."""
    yield from compared(_keys(old), _keys(new), _keys_place, _KEYS_RULES, as_of)
    yield from compared(_answers(old), _answers(new), _answers_place, _ANSWERS_RULES, as_of)


def _keys(contract: Contract) -> dict[str, KnownKeys]:
    return {name: each for name, each in contract.fixtures.items() if isinstance(each, KnownKeys)}


def _answers(contract: Contract) -> dict[str, KnownAnswers]:
    return {name: each for name, each in contract.fixtures.items() if isinstance(each, KnownAnswers)}


def _keys_place(fixture: KnownKeys) -> Place:
    return _place(fixture.name, Subject("entity", fixture.entity))


def _answers_place(fixture: KnownAnswers) -> Place:
    return _place(fixture.name, Subject("view", fixture.view))


def _place(name: str, touched: Subject) -> Place:
    return Place("fixture", "fixtures", Subject("fixture", name), name, touches=(touched,))


def _entity(pair: Pair[KnownKeys]) -> Iterator[Change]:
    yield from pair.differs("fixture-entity-changed", "entity", pair.old.entity, pair.new.entity)


def _values(pair: Pair[KnownKeys]) -> Iterator[Change]:
    yield from pair.gained("fixture-value", "with", _written(pair.old.values), _written(pair.new.values))


def _places(pair: Pair[KnownKeys]) -> Iterator[Change]:
    yield from pair.gained("fixture-place", "known", pair.old.places, pair.new.places)


def _view(pair: Pair[KnownAnswers]) -> Iterator[Change]:
    yield from pair.differs("fixture-view-changed", "view", pair.old.view, pair.new.view)


def _moment(pair: Pair[KnownAnswers]) -> Iterator[Change]:
    """None is online."""
    yield from pair.differs("fixture-moment-changed", "at", pair.old.at, pair.new.at)


def _known(pair: Pair[KnownAnswers]) -> Iterator[Change]:
    old, new = _by_key_and_feature(pair.old), _by_key_and_feature(pair.new)
    for known in sorted(old.keys() | new.keys()):
        yield from pair.appears("fixture-answer", " ".join(known), old.get(known), new.get(known), part=":".join(known))


def _given(pair: Pair[Fixture]) -> Iterator[Change]:
    """None is any data set, and the most that can be promised."""
    yield from pair.appears("fixture-given", "given", pair.old.given, pair.new.given)


def _by_key_and_feature(fixture: KnownAnswers) -> Answers:
    found: Answers = {}
    for answer in fixture.answers:
        keys = ",".join(f"{name}={_json(value)}" for name, value in sorted(answer.keys.items()))
        found.update({(keys, feature): _json(value) for feature, value in answer.values.items()})
    return found


def _written(values: Iterable[Scalar]) -> tuple[str, ...]:
    return tuple(_json(value) for value in values)


def _json(value: Scalar) -> str:
    return json.dumps(value, ensure_ascii=False)


_KEYS_RULES: tuple[Rule[KnownKeys], ...] = (_entity, _values, _places, _given)
_ANSWERS_RULES: tuple[Rule[KnownAnswers], ...] = (_view, _moment, _known, _given)
