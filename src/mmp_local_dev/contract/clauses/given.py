"""What a fixture presupposes: which data set the stack holds, as the comments of its tables say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmp_local_dev.contract.clauses.asking import LiveClause, as_broken
from mmp_local_dev.contract.clauses.base import ClauseSkipped
from mmp_local_dev.contract.clauses.tables import Facts, located
from mmp_local_dev.contract.model import Contract, FeatureView, KnownAnswers, KnownKeys, Table
from mmp_local_dev.environment import Environment


def where_given(clause: LiveClause, contract: Contract, fixture: KnownKeys | KnownAnswers, facts: Facts) -> LiveClause:
    """A fixture's clause, skipped while a table that it is about holds another data set than its `given`."""
    if not fixture.given:
        return clause
    tables = _tables(contract, fixture)

    def check(env: Environment, timeout: float) -> str | None:
        with as_broken("the data set that the stack holds"):
            there = facts(env, timeout)
        for table in tables:
            found = there.get(located(contract, table, env))
            _require(fixture.given, found.comment if found else "")
        return clause.check(env, timeout)

    causes = dict.fromkeys((*clause.causes, *(f"table.present[{table.physical_name}]" for table in tables)))
    return replace(clause, check=check, causes=tuple(causes))


def _require(given: str, held: str) -> None:
    if not held:
        raise ClauseSkipped(f'the stack holds no data set; "{given}" is promised after mmp-dev up --seed')
    if held != given:
        raise ClauseSkipped(f'the stack holds the data set "{held}"; this is promised of "{given}"')


def _tables(contract: Contract, fixture: KnownKeys | KnownAnswers) -> list[Table]:
    """The sources of what the fixture is about; of all views where that has none, since it is computed from them."""
    views = list(contract.feast.views.values()) if contract.feast else []
    names = _sources([view for view in views if _is_about(fixture, view)]) or _sources(views)
    return [contract.tables[name] for name in names if name in contract.tables]


def _is_about(fixture: KnownKeys | KnownAnswers, view: FeatureView) -> bool:
    return fixture.view == view.name if isinstance(fixture, KnownAnswers) else fixture.entity in view.entities


def _sources(views: Sequence[FeatureView]) -> dict[str, None]:
    return dict.fromkeys(view.source for view in views if view.source)
