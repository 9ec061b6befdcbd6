"""Fixtures: keys that are guaranteed to exist, and features that are guaranteed to have certain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import isclose
from typing import Any

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, Once, as_broken, clause_of
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.clauses.features import feature_ids, project_of
from mmp_local_dev.contract.clauses.given import where_given
from mmp_local_dev.contract.clauses.tables import Facts, located
from mmp_local_dev.contract.model import Contract, FeatureView, KnownAnswer, KnownAnswers, KnownKeys, Table
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair
from mmp_local_dev.services import postgresql_tables
from mmp_local_dev.services.feast import FeatureReader

Reader = Once[FeatureReader]

_TOLERANCE = 1e-6  # relative: a Float32 has seven digits
_LOAD = Repair("", "load the rows that the contract guarantees")
_SEED = Repair("mmp-dev features seed", "in the provider's workspace: makes the rows that the contract guarantees")
_MATERIALIZE = Repair("mmp-dev features materialize --full", "in the provider's workspace: writes all of them to Redis")


def feature_reader(contract: Contract) -> Reader:
    """The one feature store through which all clauses read; it is made when the first one does."""
    version = contract.feast.entity_key_serialization_version if contract.feast else 3
    return Once(lambda env, _timeout: FeatureReader(env, project_of(contract, env), key_version=version))


def clauses(contract: Contract, reader: Reader, facts: Facts) -> Iterator[LiveClause]:
    """One of each fixture and place."""
    if contract.feast is None:
        return
    for fixture in contract.fixtures.values():
        if isinstance(fixture, KnownAnswers):
            yield where_given(_of_answers(contract, fixture, reader), contract, fixture, facts)
        else:
            for clause in _of_keys(contract, fixture, reader):
                yield where_given(clause, contract, fixture, facts)


def causes_of_reading(contract: Contract, view: str, features: Iterable[str]) -> Iterator[str]:
    """The clauses without which these features of a view cannot be read through Feast.

    A view without a source may be computed from any other one; the contract does not say from which.
    """
    yield "service.ready[postgresql]"  # Feast's configuration names the offline store in any case
    yield from _ids(view, features)
    views = contract.feast.views if contract.feast else {}
    if view in views and not views[view].source:
        yield from (id_ for other in views.values() if other.source for id_ in _ids(other.name, other.features))


def _ids(view: str, features: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(id_ for feature in features for id_ in feature_ids(f"{view}:{feature}"))


def _of_answers(contract: Contract, fixture: KnownAnswers, reader: Reader) -> LiveClause:
    place, service = ("online", "redis") if fixture.at is None else ("offline", "postgresql")
    features = list(dict.fromkeys(name for answer in fixture.answers for name in answer.values))
    causes = [f"service.ready[{service}]", *causes_of_reading(contract, fixture.view, features)]
    if fixture.at and (table := _source(contract, fixture.view)):
        causes.append(f"table.grant[{table.physical_name}]")
    check = _answers(fixture, features, reader)
    return _clause(place, fixture, check, service, *causes, slow=True)


def _source(contract: Contract, view: str) -> Table | None:
    views = contract.feast.views if contract.feast else {}
    return contract.tables.get(views[view].source or "") if view in views else None


def _answers(fixture: KnownAnswers, features: Sequence[str], reader: Reader) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        store, view, keys = reader(env, timeout), fixture.view, [answer.keys for answer in fixture.answers]
        with as_broken("these values"):
            if fixture.at is None:
                rows = store.online(view, features, keys, timeout=timeout)
            else:
                rows = store.historical(view, features, keys, fixture.at, timeout=timeout)
        for answer, row in zip(fixture.answers, rows, strict=True):
            _compare(fixture, answer, row)

    return check


def _compare(fixture: KnownAnswers, answer: KnownAnswer, found: Mapping[str, Any]) -> None:
    wrong = [name for name, expected in answer.values.items() if not same(expected, found[name])]
    if wrong:
        when = f"as of {fixture.at.isoformat()}" if fixture.at else "online"
        raise ClauseBroken(
            f"{fixture.view} answers otherwise {when} for {_pairs(answer.keys)}",
            expected=_pairs({name: answer.values[name] for name in wrong}),
            actual=_pairs({name: found[name] for name in wrong}),
            repairs=_repairs(fixture, "online" if fixture.at is None else "offline"),
        )


def same(expected: object, found: object) -> bool:
    """Whether a value that was read is the promised one: floats nearly so, whole numbers as floats too (pandas makes
    them so beside nulls), moments in any zone."""
    if isinstance(found, datetime) and isinstance(expected, str):
        return _in_utc(datetime.fromisoformat(expected)) == _in_utc(found)
    if isinstance(expected, float) and isinstance(found, int | float | Decimal):
        return isclose(expected, found, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return isinstance(expected, bool) == isinstance(found, bool) and expected == found


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in values.items())


def _of_keys(contract: Contract, fixture: KnownKeys, reader: Reader) -> Iterator[LiveClause]:
    entity = f"feast.entity[{fixture.entity}]"
    if "offline" in fixture.places:
        tables = _tables(contract, fixture.entity)
        causes = [id_ for table, key in tables for id_ in _causes_of_rows(table, key)]
        check = _keys_offline(contract, fixture, tables)
        yield _clause("offline", fixture, check, "postgresql", entity, *causes)
    if "online" in fixture.places:
        views = _online_views(contract, fixture.entity)
        causes = [id_ for view in views for id_ in causes_of_reading(contract, view.name, view.features)]
        check = _keys_online(contract, fixture, views, reader)
        yield _clause("online", fixture, check, "redis", entity, "service.ready[redis]", *causes, slow=True)


def _clause(
    place: str, fixture: KnownKeys | KnownAnswers, check: LiveCheck, service: str, *causes: str, slow: bool = False
) -> LiveClause:
    clause_id = f"fixture.{place}[{fixture.name}]"
    return clause_of(clause_id, fixture, check, *causes, section="fixtures", service=service, slow=slow)


def _tables(contract: Contract, entity: str) -> list[tuple[Table, str]]:
    """The tables that views of the entity read, and the column of its key."""
    if contract.feast is None or entity not in contract.feast.entities:
        return []
    sources = dict.fromkeys(view.source or "" for view in contract.feast.views.values() if entity in view.entities)
    key = contract.feast.entities[entity].join_key
    return [(contract.tables[name], key) for name in sources if name in contract.tables]


def _causes_of_rows(table: Table, column: str) -> Iterator[str]:
    yield f"table.grant[{table.physical_name}]"
    if column in table.columns:
        yield f"table.column[{table.physical_name}:{column}]"


def _keys_offline(contract: Contract, fixture: KnownKeys, tables: Sequence[tuple[Table, str]]) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        if not tables:
            raise ClauseSkipped(f"no view of {fixture.entity} has a promised source")
        missing = [str(value) for value in fixture.values]
        for table, key in tables:
            if missing:
                with as_broken("an answer about its keys"):
                    location = located(contract, table, env)
                    there = postgresql_tables.present_values(env, location, key, missing, timeout=timeout)
                missing = [value for value in missing if value not in there]
        _none_missing(fixture, missing, "offline")

    return check


def _online_views(contract: Contract, entity: str) -> list[FeatureView]:
    """The views that are read online by this key alone; without what is computed on demand, even of nothing."""
    views = contract.feast.views.values() if contract.feast else ()
    read = [view for view in views if view.online and view.entities == (entity,)]
    return [view for view in read if view.source] or read


def _keys_online(contract: Contract, fixture: KnownKeys, views: Sequence[FeatureView], reader: Reader) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        if not views or contract.feast is None:
            raise ClauseSkipped(f"no view of {fixture.entity} alone is online")
        key = contract.feast.entities[fixture.entity].join_key
        keys = [{key: value} for value in fixture.values]
        store = reader(env, timeout)
        with as_broken("an answer about its keys"):
            read = [store.online(view.name, list(view.features), keys, timeout=timeout) for view in views]
        empty = [all(value is None for row in rows for value in row.values()) for rows in zip(*read, strict=True)]
        _none_missing(fixture, [str(v) for v, lost in zip(fixture.values, empty, strict=True) if lost], "online")

    return check


def _none_missing(fixture: KnownKeys, missing: Sequence[str], place: str) -> None:
    if missing:
        raise ClauseBroken(
            f"{place} there is nothing of {fixture.entity} {', '.join(missing)}",
            expected=f"all of {', '.join(map(str, fixture.values))}",
            actual=f"{len(missing)} of {len(fixture.values)} missing",
            repairs=_repairs(fixture, place),
        )


def _repairs(fixture: KnownKeys | KnownAnswers, place: str) -> list[Repair]:
    """What is not online may only not be materialized; only rows of a data set can be made."""
    load = _SEED if fixture.given else _LOAD
    return [_MATERIALIZE, load] if place == "online" else [load]
