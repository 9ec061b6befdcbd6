"""How a column of any type is looked at in SQL, so that one query can tell of many.

Its *measure* is a double: a number itself, a moment in seconds since 1970, the length of a text, the elements of an
array. Its *key* stands for the value where equal ones are counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.services.postgresql_relations import Relation, RelationColumn

if TYPE_CHECKING:
    from psycopg import sql

SHOWN = 80  # characters of a text that are fetched; longer ones are told apart by a digest behind them
DIGEST = 32  # characters of that

# What is beyond has no measure: squares of measures and sums of them have to be doubles, too.
_LARGEST: LiteralString = "1e100"

_INTEGERS = ("smallint", "integer", "bigint")
_FLOATS = ("real", "double precision")
_TIMES = ("timestamp with time zone", "timestamp without time zone", "date")
_TEXTS = ("text", "character varying", "character", "name", "citext")
_AS_IT_IS = ("boolean", "uuid")  # besides numbers and moments: equal ones are found without making texts of them


class Kind(StrEnum):
    """What the values of a column are, which says what its measure is."""

    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"
    TEXT = "text"
    ARRAY = "array"
    OTHER = "other"


@dataclass(frozen=True)
class Sampling:
    """Which rows are read: about `fraction` of them, with `by_blocks` whole blocks of a table at a time."""

    fraction: float = 1
    by_blocks: bool = False


def kind_of(column: RelationColumn) -> Kind:
    """What its values are."""
    kinds = {
        **dict.fromkeys((*_INTEGERS, *_FLOATS, "numeric", "money"), Kind.NUMBER),
        **dict.fromkeys(_TIMES, Kind.TIME),
        **dict.fromkeys((*_TEXTS, "uuid"), Kind.TEXT),
        "boolean": Kind.BOOLEAN,
    }
    forms = {"array": Kind.ARRAY, "enum": Kind.TEXT}
    return forms.get(column.form) or kinds.get(column.base, Kind.OTHER)


def is_whole(column: RelationColumn) -> bool:
    """Whether all its measures are integers."""
    return column.base in _INTEGERS or kind_of(column) not in (Kind.NUMBER, Kind.TIME)


def may_be_nan(column: RelationColumn) -> bool:
    """Whether its type has a value that is not a number."""
    return column.base in (*_FLOATS, "numeric")


def measure(column: RelationColumn, of: sql.Composable) -> sql.Composed:
    """The measure of the value `of`; null for NaN, infinities and what is too large for a double."""
    from psycopg import sql

    return sql.SQL(_measure(column)).format(of=of, largest=sql.SQL(_LARGEST))


def key(column: RelationColumn, of: sql.Composable) -> sql.Composed:
    """What is equal for equal values only, of any type: short, and something that PostgreSQL can hash and sort."""
    from psycopg import sql

    form: LiteralString = """
        CASE WHEN length({of}::text) <= {shown} THEN {of}::text
        ELSE left({of}::text, {shown}) || md5({of}::text) END COLLATE "C"
    """
    if column.base == "money":
        form = "{of}::numeric"
    elif kind_of(column) in (Kind.NUMBER, Kind.TIME) or column.base in _AS_IT_IS:
        form = "{of}"
    elif _is_short(column):
        form = '{of}::text COLLATE "C"'
    return sql.SQL(form).format(of=of, shown=sql.Literal(SHOWN))


def values_of(
    relation: Relation, columns: Sequence[RelationColumn], sampling: Sampling, *, keys: bool = True
) -> sql.Composed:
    """What stands behind FROM for the keys and measures of some columns: `k0`, `v0`, `k1`, `v1` and so on.

    Without `keys`, what stands there for a key of a text is the text. OFFSET 0 keeps PostgreSQL from working each of
    them out once for every place where it is used.
    """
    from psycopg import sql

    listed = []
    for place, column in enumerate(columns):
        name = of_source(column)
        plain = not keys and kind_of(column) is not Kind.NUMBER
        listed.append(sql.SQL("{} AS {}").format(name if plain else key(column, name), named("k", place)))
        listed.append(sql.SQL("{} AS {}").format(measure(column, name), named("v", place)))
    rows = sampled(relation, sampling)
    return sql.SQL("(SELECT {} FROM {} OFFSET 0) AS looked_at").format(sql.SQL(", ").join(listed), rows)


def of_source(column: RelationColumn) -> sql.Composed:
    """The column where the rows are called `source`, as `sampled` does."""
    from psycopg import sql

    return sql.SQL("source.{}").format(sql.Identifier(column.name))


def sampled(relation: Relation, sampling: Sampling) -> sql.Composed:
    """The rows of the relation, or a part of them, as `source`."""
    from psycopg import sql

    rows = sql.SQL("{} AS source").format(relation.sql())
    if sampling.fraction >= 1:
        return rows
    if not relation.has_tablesample:
        return sql.SQL("{} WHERE random() < {}").format(rows, sql.Literal(sampling.fraction))
    method = sql.SQL("SYSTEM" if sampling.by_blocks else "BERNOULLI")
    percent = sql.Literal(100 * sampling.fraction)
    return sql.SQL("{} TABLESAMPLE {} ({}) REPEATABLE (42)").format(rows, method, percent)


def named(letter: str, place: int) -> sql.Identifier:
    """`k0`: the key of the first column; `v0` is its measure."""
    from psycopg import sql

    return sql.Identifier(f"{letter}{place}")


def _is_short(column: RelationColumn) -> bool:
    """Whether its type says that no value is longer than what is fetched."""
    longest = re.fullmatch(r"character(?: varying)?\((\d+)\)", column.type)
    return column.form == "enum" or (longest is not None and int(longest[1]) <= SHOWN)


def _measure(column: RelationColumn) -> LiteralString:
    kind = kind_of(column)
    if kind is Kind.TIME:
        return "CASE WHEN isfinite({of}) THEN date_part('epoch', {of}) END"
    if kind is Kind.NUMBER:
        return _number(column)
    lengths: dict[Kind, LiteralString] = {
        Kind.BOOLEAN: "{of}::int::float8",
        Kind.TEXT: "length({of}::text)::float8",
        Kind.ARRAY: "cardinality({of})::float8",
        Kind.OTHER: "length({of}::text)::float8",
    }
    return lengths[kind]


def _number(column: RelationColumn) -> LiteralString:
    if column.base in _INTEGERS:
        return "{of}::float8"
    if column.base in _FLOATS:
        return "CASE WHEN abs({of}) <= {largest} THEN {of}::float8 END"
    if column.base == "money":
        return "{of}::numeric::float8"  # which does no harm to one that already is numeric
    if re.fullmatch(r"numeric\(\d\d?,\d\d?\)", column.type):  # it is NaN at worst
        return "nullif({of}::float8, 'NaN')"
    return "CASE WHEN abs({of}) < 1 / {largest} THEN 0 WHEN abs({of}) <= {largest} THEN {of}::float8 END"
