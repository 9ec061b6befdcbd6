"""Which tables and queries a profile is made of: those that feature views read, and those that a contract promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmp_local_dev.contract.clauses.asking import meant
from mmp_local_dev.contract.clauses.tables import located, schema_of_features
from mmp_local_dev.contract.model import Contract, Table
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError
from mmp_local_dev.features.profile_table import Target
from mmp_local_dev.services import postgresql_relations
from mmp_local_dev.services.feast_registry import Project, RegisteredView
from mmp_local_dev.services.postgresql_relations import Relation, RelationUnreadable, quoted

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection


@dataclass(frozen=True)
class Known:
    """What knows of tables: contract and registry; and the connection on which they are looked for."""

    contract: Contract
    env: Environment
    project: Project
    connection: Connection


def targets(known: Known) -> list[Target]:
    """Each table and query once, the contract's first, in its order."""
    of_views = _merged(_of_views(known))
    promised = [_of_table(known, table, of_views) for table in known.contract.tables.values()]
    taken = {each.views for each in promised if each.views}
    return [*promised, *(each for each in of_views if each.views not in taken)]


def without_rows(project: Project) -> dict[str, str]:
    """The views that read no rows of PostgreSQL, each with the reason."""
    return {name: why for name, view in project.views.items() if (why := _why_without_rows(view))}


def named(found: Sequence[Target], names: Sequence[str]) -> list[Target]:
    """Those of these views or tables; all for no names. Raises InputError for a name that there is not."""
    for name in names:
        if not any(name in _names(target) for target in found):
            there = sorted({each for target in found for each in _names(target)})
            raise InputError(f"There is no view or table {name} to profile{meant(name, there)}.", code="VIEW_UNKNOWN")
    return [target for target in found if not names or _names(target) & set(names)]


def _names(target: Target) -> set[str]:
    relation = target.relation
    return {target.name, *target.views, *filter(None, (relation.name, relation.sql_name))}


def _of_views(known: Known) -> Iterator[Target]:
    for name, view in known.project.views.items():
        if _why_without_rows(view):
            continue
        relation, problem = Relation(query=view.query), ""
        if view.table:
            relation, problem = _found(known, view.table)
        keys = tuple(_in_source(view, view.join_keys))
        (timestamp,) = _in_source(view, [view.timestamp_field])
        features = frozenset(_in_source(view, view.features))
        yield Target(name, relation, (name,), (keys,), timestamp, features, ttl=view.ttl, problem=problem)


def _in_source(view: RegisteredView, names: Iterable[str]) -> Iterator[str]:
    """What the view calls so, as its source calls it."""
    return (view.columns.get(name, name) for name in names)


def _why_without_rows(view: RegisteredView) -> str:
    if view.kind == "on demand":
        return "computed when it is asked for"
    return "" if view.table or view.query else "its source is not in PostgreSQL"


def _found(known: Known, name: str) -> tuple[Relation, str]:
    """The relation of this name as SQL means it, and why there is nothing to be read from it."""
    try:
        if relation := postgresql_relations.find(known.connection, name):
            return relation, ""
        problem = "there is no such table"
    except RelationUnreadable as error:
        problem = error.message
    schema, _, last = name.replace('"', "").rpartition(".")
    return Relation(schema or schema_of_features(known.contract, known.env), last), problem


def _merged(found: Iterator[Target]) -> list[Target]:
    """Views that read one table become one target, of the table's name."""
    by_relation: dict[Relation, Target] = {}
    for target in found:
        other = by_relation.get(target.relation)
        by_relation[target.relation] = target if other is None else _together(other, target)
    return list(by_relation.values())


def _together(one: Target, other: Target) -> Target:
    return replace(
        one,
        name=one.relation.name or one.name,
        views=(*one.views, *other.views),
        keys=tuple(dict.fromkeys((*one.keys, *other.keys))),
        features=one.features | other.features,
        ttl=min(filter(None, (one.ttl, other.ttl)), default=0),
    )


def _of_table(known: Known, table: Table, of_views: Sequence[Target]) -> Target:
    """What the views say of a promised table, or else what its columns' names do."""
    relation, problem = _found(known, quoted(*located(known.contract, table, known.env)))
    same = next((each for each in of_views if each.relation == relation), None)
    if same is not None:
        return replace(same, description=table.description)
    join_keys = dict.fromkeys(entity.join_key for entity in known.project.entities.values())
    return Target(
        table.name,
        relation,
        keys=tuple((key,) for key in join_keys if key in table.columns),
        timestamp=_timestamp(known, table),
        description=table.description,
        problem=problem,
    )


def _timestamp(known: Known, table: Table) -> str:
    """The column that is the timestamp of feature views, or the first with moments."""
    told = [view.timestamp_field for view in known.project.views.values() if view.timestamp_field in table.columns]
    typed = [name for name, column in table.columns.items() if column.type.startswith("timestamp")]
    return next(iter([*told, *typed]), "")
