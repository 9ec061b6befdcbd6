"""The profile of one table or query: what is asked of PostgreSQL, in which order, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmp_local_dev.features import profile_columns
from mmp_local_dev.features.profile_bins import Edges, moment
from mmp_local_dev.features.profile_columns import Seen
from mmp_local_dev.features.profile_facts import Column, Entities, Precision, Share, ShareGroup, Table
from mmp_local_dev.services import postgresql_groups, postgresql_profile, postgresql_relations
from mmp_local_dev.services.postgresql_groups import Group, Grouping, Groups
from mmp_local_dev.services.postgresql_measures import Kind, Sampling, is_whole, kind_of
from mmp_local_dev.services.postgresql_relations import Relation, RelationColumn

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

READ_WHOLE = 3_000_000  # rows; of larger tables a part is read
PART = 1_000_000  # rows of them
SAMPLE = 50_000  # rows that quantiles are taken from

COUNTED = 500_000  # rows: in tables of more, different values are counted in slices, if there are many
_VARIED = 0.2  # of a sample's values are different ones: of all values, then, at least ten thousand
_SLICES = 16

_LABELS = 2  # columns of a table whose shares are told
_CATEGORIES = 30  # values of a column by which they are


@dataclass(frozen=True)
class Target:
    """What is to be profiled: a relation, the views that read it, their join keys, and the column with the moments.

    `features` are columns that are features of a view; `ttl` is the shortest of the views', in seconds, 0 for none.
    Where `problem` says why, there is nothing to be read.
    """

    name: str
    relation: Relation
    views: tuple[str, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    timestamp: str = ""
    features: frozenset[str] = frozenset()
    description: str = ""
    ttl: int = 0
    problem: str = ""

    def role(self, column: str) -> str:
        """What a column is to the views: a key, the timestamp, a feature, or nothing."""
        if any(column in keys for keys in self.keys):
            return "key"
        if column == self.timestamp:
            return "timestamp"
        return "feature" if column in self.features else ""


@dataclass(frozen=True)
class _Reading:
    """A relation of so many rows on a connection, and how it is read."""

    connection: Connection
    relation: Relation
    rows: int

    @property
    def whole(self) -> bool:
        """Whether every row is read."""
        return self.rows <= READ_WHOLE

    @property
    def part(self) -> Sampling:
        """Which rows are read."""
        return Sampling() if self.whole else Sampling(PART / self.rows, by_blocks=True)

    @property
    def sample(self) -> Sampling:
        """Which rows quantiles are taken from: of no blocks, whose rows are often neighbours in time."""
        return Sampling(min(1, SAMPLE / self.rows))


def profile(connection: Connection, target: Target) -> Table:
    """All facts about the target. Raises what `postgresql_relations.reading` turns into errors."""
    described = postgresql_relations.columns(connection, target.relation)
    columns = [column for column in described if column.readable]
    timestamp = next((column for column in columns if column.name == target.timestamp), None)
    size = postgresql_profile.size(connection, target.relation, timestamp)
    reading = _Reading(connection, target.relation, size.rows)
    seen = _seen(reading, columns, timestamp) if size.rows and columns else []
    labels = [each for each in seen if _is_label(each, target)][:_LABELS]
    grouped = _grouped(reading, seen, [each.column for each in labels], timestamp)
    entities = {each.keys: each for each in _entities(reading, target, {column.name for column in columns})}
    return replace(
        unread(target, ""),
        comment=target.relation.comment,
        timestamp=timestamp.name if timestamp else "",
        rows=size.rows,
        read=seen[0].totals.rows if seen else size.rows,
        first=size.first,
        last=size.last,
        age=size.age,
        future=size.future,
        entities=tuple(entities.values()),
        columns=tuple(_columns(reading, target, described, seen, grouped, entities)),
        shares=tuple(_shares(labels, seen, grouped, timestamp)),
    )


def unread(target: Target, problem: str) -> Table:
    """What is known of a target without reading any row."""
    relation = target.relation
    return Table(
        name=target.name,
        relation=relation.sql_name,
        kind=relation.kind,
        views=target.views,
        description=target.description,
        problem=problem,
        ttl=target.ttl,
    )


def _seen(reading: _Reading, columns: Sequence[RelationColumn], timestamp: RelationColumn | None) -> list[Seen]:
    asked = reading.connection, reading.relation, columns
    samples = postgresql_profile.sample(*asked, reading.sample)
    totals = postgresql_profile.totals(*asked, reading.part)
    together = zip(columns, samples, totals, strict=True)
    return [profile_columns.seen(*each, wide=each[0] is timestamp) for each in together]


def _grouped(
    reading: _Reading, seen: Sequence[Seen], labels: Sequence[RelationColumn], timestamp: RelationColumn | None
) -> Mapping[Grouping, Groups]:
    asked = [Grouping(each.column, each.edges.values if each.edges else ()) for each in seen if each.totals.count]
    if labels and timestamp is not None:
        asked.append(Grouping(timestamp, by_hour=True))
    found = postgresql_groups.groups(reading.connection, reading.relation, asked, labels, reading.part)
    return dict(zip(asked, found, strict=True))


def _columns(
    reading: _Reading,
    target: Target,
    described: Sequence[RelationColumn],
    seen: Sequence[Seen],
    grouped: Mapping[Grouping, Groups],
    entities: Mapping[tuple[str, ...], Entities],
) -> Iterator[Column]:
    known = {each.column.name: each for each in seen}
    for column in described:
        role = target.role(column.name)
        if not column.readable:
            yield Column(column.name, column.type, kind_of(column), role, problem="the user of .env may not read it")
        elif column.name not in known:
            yield Column(column.name, column.type, kind_of(column), role)
        else:
            each = known[column.name]
            groups = grouped.get(_grouping(each))
            distinct = _distinct(reading, each, groups, entities)
            yield profile_columns.column(each, role, groups, distinct)


def _grouping(seen: Seen) -> Grouping:
    return Grouping(seen.column, seen.edges.values if seen.edges else ())


def _distinct(
    reading: _Reading, seen: Seen, groups: Groups | None, entities: Mapping[tuple[str, ...], Entities]
) -> tuple[int, Precision]:
    """How many different values there are: known already, or counted now. Where nearly all are, an estimate will do."""
    if groups is None:
        return 0, Precision.EXACT
    if seen.column.unique:
        return seen.totals.count, Precision.EXACT if reading.whole else Precision.AT_LEAST
    if reading.whole and (counted := entities.get((seen.column.name,))):
        return counted.count, Precision.EXACT
    precision = Precision.EXACT if reading.whole else Precision.AT_LEAST
    if not seen.edges:
        return groups.total - any(group.text is None for group in groups.groups), precision
    if seen.sample.rows == seen.totals.rows:
        return seen.sample.distinct, precision
    varied = reading.rows > COUNTED and seen.sample.distinct > _VARIED * seen.sample.count
    slices = _SLICES if varied and reading.whole else 1
    counted_now = postgresql_profile.distinct(
        reading.connection, reading.relation, seen.column, reading.part, slices=slices
    )
    return min(counted_now, seen.totals.count), precision if slices == 1 else Precision.ESTIMATE


def _entities(reading: _Reading, target: Target, columns: set[str]) -> Iterator[Entities]:
    for keys in target.keys:
        found = None
        if keys and columns.issuperset(keys):
            found = postgresql_profile.per_entity(reading.connection, reading.relation, keys)
        if found:
            yield Entities(keys, found.entities, found.least, found.median, found.most)


def _is_label(seen: Seen, target: Target) -> bool:
    """Whether a column is what a model may have to predict: 0 and 1, and no feature."""
    if target.role(seen.column.name) or not is_whole(seen.column):
        return False
    numbers = kind_of(seen.column) in (Kind.NUMBER, Kind.BOOLEAN)
    return numbers and (seen.totals.low, seen.totals.high) == (0, 1)


def _shares(
    labels: Sequence[Seen], seen: Sequence[Seen], grouped: Mapping[Grouping, Groups], timestamp: RelationColumn | None
) -> Iterator[Share]:
    for place, label in enumerate(labels):
        for each in seen:
            groups = grouped.get(_grouping(each))
            if groups is None or each is label:
                continue
            if each.column is timestamp and each.edges:
                told = tuple(_over_time(each.edges, groups, place))
                yield Share(label.column.name, each.column.name, "time", told, each.edges.unit)
            elif _is_category(each, groups):
                yield Share(label.column.name, each.column.name, "value", tuple(_share(groups.groups, place)))
        if timestamp is not None:
            hours = sorted(grouped[Grouping(timestamp, by_hour=True)].groups, key=lambda group: float(group.text or -1))
            yield Share(label.column.name, timestamp.name, "hour", tuple(_share(hours, place)))


def _is_category(seen: Seen, groups: Groups) -> bool:
    return kind_of(seen.column) in (Kind.TEXT, Kind.BOOLEAN) and not seen.edges and 1 < groups.total <= _CATEGORIES


def _share(groups: Sequence[Group], place: int) -> Iterator[ShareGroup]:
    for group in groups:
        if group.text is not None:
            yield ShareGroup(profile_columns.shown(group.text)[0], group.count, group.marked[place])


def _over_time(edges: Edges, groups: Groups, place: int) -> Iterator[ShareGroup]:
    found = {int(group.text): group for group in groups.groups if group.text is not None}
    for passed, edge in enumerate(edges.values[:-1], 1):
        group = found.get(passed)
        yield ShareGroup(moment(edge).isoformat(), *((group.count, group.marked[place]) if group else (0, 0)))
