"""How often a label is 1: over time, by the hour, by the values of other columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mmp_local_dev.features import profile_columns
from mmp_local_dev.features.profile_bins import Edges, moment
from mmp_local_dev.features.profile_columns import Seen
from mmp_local_dev.features.profile_facts import Share, ShareGroup
from mmp_local_dev.services.postgresql_groups import Group, Grouping, Groups
from mmp_local_dev.services.postgresql_measures import Kind, kind_of
from mmp_local_dev.services.postgresql_relations import RelationColumn

_CATEGORIES = 30  # values of a column by which shares are told


def shares(
    labels: Sequence[Seen], seen: Sequence[Seen], grouped: Mapping[Grouping, Groups], timestamp: RelationColumn | None
) -> Iterator[Share]:
    """Of each label: over time, by the values of each column that has few of them, and by the hour of the day."""
    for place, label in enumerate(labels):
        for each in seen:
            groups = grouped.get(each.grouping)
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
