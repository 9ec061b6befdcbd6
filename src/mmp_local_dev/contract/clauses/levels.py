"""Service levels: how long a read takes, and how old the newest row is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, as_broken, clause_of
from mmp_local_dev.contract.clauses.base import ClauseBroken
from mmp_local_dev.contract.clauses.fixtures import Reader, causes_of_reading
from mmp_local_dev.contract.clauses.tables import located
from mmp_local_dev.contract.model import Contract, FeatureView, KnownAnswers, KnownKeys, ServiceLevel, Table
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.services import SERVICES, postgresql_tables
from mmp_local_dev.services.feast import Keys

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}  # per unit

_READS = 20

Warm = Callable[[Environment, float], AbstractContextManager[Callable[[], object]]]


def clauses(contract: Contract, reader: Reader) -> Iterator[LiveClause]:
    """One of each service level."""
    for level in contract.service_levels.values():
        kind, _, name = level.element.partition(".")
        if level.property == "freshness":
            yield _of_freshness(contract, level, kind, name)
        elif kind == "services":
            yield _of_service(level, name)
        elif contract.feast and name in contract.feast.views:
            yield _of_online_reads(contract, level, contract.feast.views[name], reader)
        else:
            yield _clause(level, _unmeasurable(f"the contract does not say what {level.element} is"), service="redis")


def _clause(level: ServiceLevel, check: LiveCheck, *causes: str, service: str) -> LiveClause:
    clause_id = f"sla.{level.property}[{level.name}]"
    clause = clause_of(clause_id, level, check, *causes, section="slaProperties", service=service)
    return replace(clause, alone=level.property == "latency")


def _of_service(level: ServiceLevel, name: str) -> LiveClause:
    def warm(env: Environment, timeout: float) -> AbstractContextManager[Callable[[], object]]:
        return SERVICES[name].warm(env, timeout=timeout)

    return _clause(level, _latency(level, warm), f"service.ready[{name}]", service=name)


def _of_online_reads(contract: Contract, level: ServiceLevel, view: FeatureView, reader: Reader) -> LiveClause:
    features, keys = list(view.features), _known_keys(contract, view)

    def warm(env: Environment, timeout: float) -> AbstractContextManager[Callable[[], object]]:
        store = reader(env, timeout)
        return nullcontext(lambda: store.online(view.name, features, [keys], timeout=timeout))

    causes = ["service.ready[redis]", *causes_of_reading(contract, view.name, features)]
    return replace(_clause(level, _latency(level, warm), *causes, service="redis"), slow=True)


def _known_keys(contract: Contract, view: FeatureView) -> Keys:
    """The keys of one row of the view, known to exist where a fixture says so."""
    entities = contract.feast.entities if contract.feast else {}
    keys = {entities[name].join_key: _known_value(contract, name) for name in view.entities if name in entities}
    answers = (f for f in contract.fixtures.values() if isinstance(f, KnownAnswers) and f.view == view.name)
    return next((answer.keys for fixture in answers for answer in fixture.answers), keys)


def _known_value(contract: Contract, entity: str) -> object:
    fixtures = (f for f in contract.fixtures.values() if isinstance(f, KnownKeys) and f.entity == entity)
    dtype = contract.feast.entities[entity].dtype if contract.feast else "String"
    return next((value for fixture in fixtures for value in fixture.values), "none" if dtype == "String" else 0)


def _latency(level: ServiceLevel, warm: Warm) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        with as_broken("answers"), warm(env, timeout) as ask:
            ask()
            taken = sorted(_times(ask, timeout))
        p95 = taken[-(-len(taken) * 95 // 100) - 1]  # the nearest rank, rounded up
        return _judged(level, p95, f"p95 of {len(taken)} reads")

    return check


def _times(ask: Callable[[], object], timeout: float) -> Iterator[float]:
    """How long each of some calls takes, in seconds: at least one, and none is begun after `timeout` seconds."""
    began = time.perf_counter()
    for _ in range(_READS):
        before = time.perf_counter()
        ask()
        yield time.perf_counter() - before
        if time.perf_counter() - began > timeout:
            return


def _of_freshness(contract: Contract, level: ServiceLevel, kind: str, name: str) -> LiveClause:
    views = contract.feast.views.values() if contract.feast else ()
    about = [view for view in views if name == (view.name if kind == "feast" else view.source)]
    timed = next((v for v in about if v.timestamp_field and v.source in contract.tables), None)
    if timed is None:
        why = f"no feature view says which column of {level.element} holds the time of its rows"
        return _clause(level, _unmeasurable(why), service="postgresql")
    table, column = contract.tables[timed.source or ""], timed.timestamp_field or ""
    causes = [f"table.present[{table.physical_name}]", f"table.grant[{table.physical_name}]"]
    if column in table.columns:
        causes.append(f"table.column[{table.physical_name}:{column}]")
    return _clause(level, _freshness(contract, level, table, column), *causes, service="postgresql")


def _unmeasurable(why: str) -> LiveCheck:
    def check(_env: Environment, _timeout: float) -> None:
        raise MmpError(why)

    return check


def _freshness(contract: Contract, level: ServiceLevel, table: Table, column: str) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        with as_broken("the time of the newest row"):
            age = postgresql_tables.age(env, located(contract, table, env), column, timeout=timeout)
        if age is None:
            raise _exceeded(level, "no row")
        return _judged(level, max(age, 0), "since the newest row")

    return check


def _judged(level: ServiceLevel, seconds: float, what: str) -> str:
    """What was measured, in the level's unit. Raises ClauseBroken when that is more than promised."""
    measured = seconds / SECONDS[level.unit]
    told = f"{measured:.3g} {level.unit} ({what})"
    if measured > level.value:
        raise _exceeded(level, told)
    return told


def _exceeded(level: ServiceLevel, actual: str) -> ClauseBroken:
    repair = {
        "latency": Repair("mmp-dev status", "shows what else runs here; a busy machine is slow"),
        "freshness": Repair("", "load newer rows"),
    }
    return ClauseBroken(
        f"the {level.property} of {level.element} is worse than promised",
        expected=f"at most {level.value:g} {level.unit}",
        actual=actual,
        repairs=[repair[level.property]],
    )
