"""The statements with which the rows of feature views are read where they come from.

A view's table or query is text of its definition, which Feast puts into its own SQL in the same way; every name of a
column is quoted by the driver. All statements have parameters, and the driver then makes one % of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmp_local_dev.errors import MmpError
from mmp_local_dev.services.feast_registry import Project

if TYPE_CHECKING:
    from psycopg.sql import Composable, Composed


@dataclass(frozen=True)
class Source:
    """Where the rows of a view are: what stands behind FROM, and the columns; `created` is "" for none.

    `name` is for messages. `features` has the column of each feature.
    """

    name: str
    relation: str
    keys: tuple[str, ...]
    timestamp: str
    created: str
    features: Mapping[str, str]


def source_of(project: Project, view_name: str) -> Source:
    """Where a view has its rows. Raises MmpError, VIEW_WITHOUT_ROWS, when not in PostgreSQL or when it has no keys."""
    view = project.views.get(view_name)
    relation = (view.table or (view.query and f"({view.query})")) if view else ""
    if view is None or not (relation and view.join_keys and view.timestamp_field):
        raise MmpError(f"{project.name} has no view {view_name} with rows in PostgreSQL.", code="VIEW_WITHOUT_ROWS")
    return Source(
        view_name,
        relation,
        tuple(view.columns.get(name, name) for name in view.join_keys),
        view.columns.get(view.timestamp_field, view.timestamp_field),
        view.columns.get(view.created_timestamp_column, view.created_timestamp_column),
        {name: view.columns.get(name, name) for name in view.features},
    )


def quoted(*identifiers: str) -> str:
    """The names as they are written in SQL, whatever they are."""
    from psycopg.sql import Identifier

    return Identifier(*identifiers).as_string()


def no_rows(source: Source) -> Composed:
    """Without parameters: nothing, from which the types of the join keys can be read."""
    return _filled("SELECT {keys} FROM {relation} LIMIT 0", source)


def latest(source: Source) -> Composed:
    """Given a moment: the newest row of each entity that is not after it; of several, the one created last.

    Both orders are descending, so that the index of the primary key serves, read backwards.
    """
    return _filled(
        "SELECT DISTINCT ON ({keys}) {keys}, {columns} FROM {relation} WHERE {due} ORDER BY {descending}, {newest}",
        source,
    )


def entities(source: Source) -> Composed:
    """Given a moment: how many entities have a row that is not after it."""
    return _filled("SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {relation} WHERE {due}) AS entities", source)


def waiting(source: Source) -> Composed:
    """Given a moment: how many rows are after it."""
    return _filled("SELECT count(*) FROM {relation} WHERE {at} > %s", source)


def extent(source: Source) -> Composed:
    """Given `until`, `until` and `since`: of the time between them, how many entities have a row, when the first of all
    rows is, and how many of these entities lack a part of their key; and how many rows are after it."""
    return _filled(
        "SELECT count(first), min(first), count(first) FILTER (WHERE keyless), coalesce(sum(later), 0)::bigint FROM"
        " (SELECT min({at}) FILTER (WHERE {at} <= %s) AS first, count(*) FILTER (WHERE {at} > %s) AS later,"
        " {keyless} AS keyless FROM {relation} WHERE {at} >= %s GROUP BY {keys}) AS entities",
        source,
    )


def evenly(source: Source) -> Composed:
    """Given a moment and twice a number: so many entities with rows not after it, spread evenly over their order."""
    return _filled(
        "SELECT {keys} FROM (SELECT {keys}, row_number() OVER (ORDER BY {keys}) AS place, count(*) OVER () AS total"
        " FROM (SELECT DISTINCT {keys} FROM {relation} WHERE {due}) AS source) AS source"
        " WHERE place * %s / total <> (place - 1) * %s / total ORDER BY {keys}",
        source,
    )


def blockwise(source: Source) -> Composed:
    """Given the blocks of a table, a number, and a moment: the keys of a row in each of so many equal parts of it."""
    return _filled(
        "SELECT found.* FROM (SELECT %s::bigint AS blocks, %s::bigint AS parts) AS given"
        " CROSS JOIN LATERAL generate_series(0, parts - 1) AS part"
        " CROSS JOIN LATERAL (SELECT {keys} FROM {relation}"
        " WHERE source.ctid >= ('(' || part * blocks / parts || ',0)')::tid"
        " AND source.ctid < ('(' || (part + 1) * blocks / parts || ',0)')::tid AND {due} LIMIT 1) AS found",
        source,
    )


def first(source: Source) -> Composed:
    """Given a moment and a number: the keys of so many rows not after it, whichever come first."""
    return _filled("SELECT {keys} FROM {relation} WHERE {due} LIMIT %s", source)


def probing(source: Source, types: Sequence[str]) -> Composed:
    """Given what `asked` takes: the newest row of each entity as of its moment, by one look into the index for each;
    without an index, that is one reading of everything for each. `place` (from 1) is the place among those asked."""
    return _filled(
        "SELECT asked.place, newest.* FROM {asked} CROSS JOIN LATERAL"
        " (SELECT {columns} FROM {relation} WHERE {matching} ORDER BY {newest} LIMIT 1) AS newest",
        source,
        types,
    )


def history(source: Source, types: Sequence[str]) -> Composed:
    """Given what `asked` takes, and a number: up to so many rows of each entity as of its moment, the newest first."""
    return _filled(
        "SELECT asked.place, newest.* FROM {asked} CROSS JOIN LATERAL"
        " (SELECT {columns} FROM {relation} WHERE {matching} ORDER BY {newest} LIMIT %s) AS newest"
        " ORDER BY asked.place, 2",
        source,
        types,
    )


def joining(source: Source, types: Sequence[str]) -> Composed:
    """The same by one reading of everything for all."""
    return _filled(
        "SELECT DISTINCT ON (asked.place) asked.place, {columns} FROM {asked} JOIN {relation} ON {matching}"
        " ORDER BY asked.place, {newest}",
        source,
        types,
    )


def _filled(statement: str, source: Source, types: Sequence[str] = ()) -> Composed:
    """The statement with the parts that it names in braces: `relation` (with an alias), `keys`, `columns` (the moment,
    then the features), `at` (the moment), `keyless`, `due` (takes a moment), and what else is used here."""
    from psycopg.sql import SQL

    at = _column(source.timestamp)
    keys = [_column(key) for key in source.keys]
    newest = [at, _column(source.created)] if source.created else [at]
    return SQL(statement).format(
        relation=SQL(f"{_doubled(source.relation)} AS source"),
        keys=_listed(keys),
        columns=_listed([at, *map(_column, source.features.values())]),
        at=at,
        keyless=_joined(" OR ", (SQL("{} IS NULL").format(key) for key in keys)),
        due=_joined(" AND ", [*(SQL("{} IS NOT NULL").format(key) for key in keys), SQL("{} <= %s").format(at)]),
        descending=_listed(SQL("{} DESC").format(key) for key in keys),
        newest=_listed(SQL("{} DESC").format(each) for each in newest),
        asked=_asked(types),
        matching=_matching(keys, at),
    )


def _asked(types: Sequence[str]) -> Composed:
    """What is asked, as rows, given as JSON: a list of lists, each of the keys as texts and the moment.

    The keys get their columns' own types, for the indexes; null where they are no such value.
    """
    from psycopg.sql import SQL, Identifier

    keys = [
        SQL("CASE WHEN pg_input_is_valid({text}, {name}) THEN ({text})::{type} END AS {key}").format(
            text=SQL(f"given ->> {place}"), name=type_, type=SQL(type_), key=Identifier(f"key{place}")
        )
        for place, type_ in enumerate(types)
    ]
    return SQL(
        "(SELECT place, (given ->> {last})::timestamptz AS moment, {keys}"
        " FROM json_array_elements(%s::json) WITH ORDINALITY AS asked (given, place)) AS asked"
    ).format(last=len(types), keys=_listed(keys))


def _matching(keys: Sequence[Composable], at: Composable) -> Composed:
    """Given the ttl in seconds, twice."""
    from psycopg.sql import SQL, Identifier

    same = [SQL("{} = asked.{}").format(key, Identifier(f"key{place}")) for place, key in enumerate(keys)]
    young = SQL("(%s = 0 OR {at} >= asked.moment - %s * interval '1 second')").format(at=at)
    return _joined(" AND ", [*same, SQL("{at} <= asked.moment").format(at=at), young])


def _column(name: str) -> Composed:
    from psycopg.sql import SQL, Identifier

    return SQL("source.{}").format(Identifier(_doubled(name)))


def _doubled(text: str) -> str:
    return text.replace("%", "%%")


def _listed(parts: Iterable[Composable]) -> Composed:
    return _joined(", ", parts)


def _joined(by: str, parts: Iterable[Composable]) -> Composed:
    from psycopg.sql import SQL

    return SQL(by).join(parts)
