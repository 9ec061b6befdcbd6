"""What is known of the data of a feature store, as values that can be written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mmp_local_dev.features.profile_bins import Scale
from mmp_local_dev.services.postgresql_measures import Kind


class Precision(StrEnum):
    """How a number is meant: it is right, about right, or what was seen of a sample."""

    EXACT = "exact"
    ESTIMATE = "estimate"
    AT_LEAST = "at least"


@dataclass(frozen=True)
class Histogram:
    """How many measures lie between each two neighbours of `edges`, below the first and not below the last one.

    `unit` is the length of a bin on a scale of the calendar, where edges are seconds since 1970. `whole`: there are
    whole numbers only, so a bin of length 1 is one number.
    """

    scale: Scale
    unit: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0
    whole: bool = False


@dataclass(frozen=True)
class Value:
    """A value and how many rows have it; `shortened` if it is longer than `text`."""

    text: str
    count: int
    shortened: bool = False


@dataclass(frozen=True)
class Column:
    """A column. `measured` values have a measure: numbers and moments are their own, of texts and others it is the
    length, of arrays the number of elements; `extreme` ones have none, being NaN (`nan`), infinite or beyond 1e100.

    `rows` were read, `count` of them are not null. `distinct` says how many different values there are.
    `quantiles` come from a sample of `sampled` rows. `lowest` and `highest` are as PostgreSQL writes them.
    """

    name: str
    type: str
    kind: Kind
    role: str = ""
    problem: str = ""
    rows: int = 0
    count: int = 0
    distinct: int = 0
    precision: Precision = Precision.EXACT
    measured: int = 0
    nan: int = 0
    low: float | None = None
    high: float | None = None
    lowest: str = ""
    highest: str = ""
    mean: float | None = None
    deviation: float | None = None
    quantiles: Mapping[str, float] | None = None
    sampled: int = 0
    histogram: Histogram | None = None
    values: tuple[Value, ...] = ()

    @property
    def nulls(self) -> int:
        """How many rows have no value."""
        return self.rows - self.count

    @property
    def extreme(self) -> int:
        """How many values cannot be measured."""
        return self.count - self.measured


@dataclass(frozen=True)
class Entities:
    """How many different `keys` there are, and how many rows one has: least, median and most."""

    keys: tuple[str, ...]
    count: int
    least: int
    median: int
    most: int


@dataclass(frozen=True)
class ShareGroup:
    """Of the rows of one group, how many have the label. `text` is a value, an hour, or a bin's first moment."""

    text: str
    rows: int
    labelled: int


@dataclass(frozen=True)
class Share:
    """How often `label` is 1 `by` a column's values, by its hours (UTC), or over time in bins of one `unit`."""

    label: str
    by: str
    form: str
    groups: tuple[ShareGroup, ...]
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A table, view or query: `views` read it. `read` of its `rows` were looked at.

    `comment` names the data set. `first` and `last` are moments of `timestamp` as PostgreSQL writes them, `age` is in
    seconds, `future` rows are later than now. Where `problem` says why, nothing else is known.
    """

    name: str
    relation: str
    kind: str = ""
    views: tuple[str, ...] = ()
    description: str = ""
    problem: str = ""
    comment: str = ""
    timestamp: str = ""
    rows: int = 0
    read: int = 0
    first: str = ""
    last: str = ""
    age: float | None = None
    future: int = 0
    entities: tuple[Entities, ...] = ()
    columns: tuple[Column, ...] = ()
    shares: tuple[Share, ...] = ()
    seconds: float = 0
    ttl: int = 0

    @property
    def over_time(self) -> Histogram | None:
        """Rows by their moments."""
        return next((column.histogram for column in self.columns if column.name == self.timestamp), None)


@dataclass(frozen=True)
class Online:
    """How the rows of a view are online, each compared with the latest of its entity offline.

    `rows` were compared, all that there are or, if not `whole`, some; `stored` of them are online. `differences` counts
    those that differ, by kind (see `feast_difference.Kind`), of which `example` tells the first. `waiting` rows are in
    the future offline. `materialized` is until when (ISO 8601) rows of `data_set` were loaded, "" where that is not
    known; `redefined`: by another definition than today's. Where `problem` says why, nothing is known.
    """

    view: str
    problem: str = ""
    rows: int = 0
    stored: int = 0
    cells: int = 0
    waiting: int = 0
    differences: Mapping[str, int] = field(default_factory=dict)
    example: str = ""
    whole: bool = True
    materialized: str = ""
    data_set: str = ""
    redefined: bool = False

    @property
    def equal(self) -> int:
        """How many rows are the same in both."""
        return self.rows - sum(self.differences.values())


@dataclass(frozen=True)
class Notice:
    """Something to look at: in which table, of which column (either may be "" for all)."""

    table: str
    column: str
    text: str


@dataclass(frozen=True)
class Profile:
    """A feature store's data, as of `taken` (ISO 8601, UTC). `without_rows` are views that read no table of PostgreSQL,
    each with the reason. `data_sets` are the names that the tables have in their comments."""

    project: str
    contract: str
    version: str
    stack: str
    taken: str
    seconds: float
    data_sets: tuple[str, ...]
    tables: tuple[Table, ...]
    online: tuple[Online, ...]
    without_rows: Mapping[str, str]
    notices: tuple[Notice, ...]

    @property
    def complete(self) -> bool:
        """Whether every table and the online store could be read."""
        return not any([*(table.problem for table in self.tables), *(each.problem for each in self.online)])
