"""A profile as one page for browsers: `profile.html` with its style, which ask nobody for anything more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mmp_local_dev.cli.render import charts
from mmp_local_dev.cli.render.charts import Chart
from mmp_local_dev.cli.render.figures import age, day, figure, share
from mmp_local_dev.cli.render.templates import render
from mmp_local_dev.cli.render.words import duration, number
from mmp_local_dev.features.profile_facts import Column, Online, Precision, Profile, Share, Table
from mmp_local_dev.services.postgresql_measures import Kind

_VALUES = 5  # of a column that are shown
_SHARES = 12  # values of a column whose shares are shown
_LENGTHS = {Kind.TEXT: "characters", Kind.ARRAY: "elements", Kind.OTHER: "characters, as text"}

_PRECISION = {Precision.EXACT: "", Precision.ESTIMATE: "≈", Precision.AT_LEAST: "≥"}


@dataclass(frozen=True)
class ShownValue:
    """A value, how many rows have it in words, and its bar's length in percent."""

    text: str
    told: str
    length: float
    title: str


@dataclass(frozen=True)
class ShownColumn:
    """A column as the page shows it, its type in short. `figures` are name, value and the value in full; `told` is a
    sentence instead of them."""

    of: Column
    type: str
    missing: str
    missing_length: float
    distinct: str
    chart: Chart | None
    values: tuple[ShownValue, ...]
    more: str
    figures: tuple[tuple[str, str, str], ...]
    told: str


@dataclass(frozen=True)
class ShownShares:
    """How a label spreads: its share of all rows, charts, and lists of values by column."""

    label: str
    average: str
    charts: tuple[Chart, ...]
    lists: tuple[tuple[str, tuple[ShownValue, ...], str], ...]


@dataclass(frozen=True)
class ShownTable:
    """A table as the page shows it."""

    of: Table
    anchor: str
    entities: str
    missing: str
    outline: str
    chart: Chart | None
    shares: tuple[ShownShares, ...]
    columns: tuple[ShownColumn, ...]


@dataclass(frozen=True)
class ShownOnline:
    """How a view is online, as the page shows it: parts of the whole in percent, each with its kind and rows."""

    of: Online
    equal: str
    until: str
    parts: tuple[tuple[str, float], ...]
    differences: tuple[tuple[str, str], ...]


def page(profile: Profile) -> str:
    """The page about a profile."""
    return render(
        "profile.html",
        profile=profile,
        tables=[_table(table, f"table-{place}") for place, table in enumerate(profile.tables, 1)],
        online=[_online(each) for each in profile.online],
        taken=f"{datetime.fromisoformat(profile.taken):%-d %B %Y, %H:%M} UTC",
        rows=sum(table.rows for table in profile.tables),
        age=age,
        day=_day,
        duration=duration,
        figure=figure,
        number=number,
    )


def _table(table: Table, anchor: str) -> ShownTable:
    cells = sum(column.rows for column in table.columns)
    over_time = table.over_time
    title = f"Rows of {table.name} per {over_time.unit}" if over_time else ""
    return ShownTable(
        table,
        anchor,
        ", ".join(f"{each.count:,}" for each in table.entities) if table.views else "",
        share(sum(column.nulls for column in table.columns), cells),
        charts.outline(over_time.counts) if over_time else "",
        charts.histogram(over_time, title) if over_time and len(over_time.counts) > 1 else None,
        tuple(_shares(table)),
        tuple(_column(column) for column in table.columns),
    )


def _online(online: Online) -> ShownOnline:
    until = f"{datetime.fromisoformat(online.materialized):%Y-%m-%d %H:%M}" if online.materialized else ""
    parts = [("equal", online.equal), *online.differences.items()]
    return ShownOnline(
        online,
        share(online.equal, online.rows),
        until,
        tuple((kind, round(100 * count / online.rows, 2)) for kind, count in parts if count),
        tuple((kind, f"{count:,}") for kind, count in online.differences.items()),
    )


def _shares(table: Table) -> list[ShownShares]:
    labels = dict.fromkeys(found.label for found in table.shares)
    averages = {column.name: column.mean or 0.0 for column in table.columns}
    shown = []
    for label in labels:
        of_it = [found for found in table.shares if found.label == label]
        drawn = tuple(charts.shares(found, averages[label]) for found in of_it if found.form != "value")
        lists = tuple(_list(found) for found in of_it if found.form == "value")
        shown.append(ShownShares(label, share(averages[label], 1), drawn, lists))
    return shown


def _list(found: Share) -> tuple[str, tuple[ShownValue, ...], str]:
    ordered = sorted(found.groups, key=lambda group: -group.labelled / group.rows)
    parts = [group.labelled / group.rows for group in ordered]
    shown = tuple(
        ShownValue(
            group.text or "(empty)",
            share(group.labelled, group.rows),
            round(100 * part / (parts[0] or 1), 1),
            f"{group.labelled:,} of {number(group.rows, 'row')}",
        )
        for group, part in zip(ordered[:_SHARES], parts, strict=False)
    )
    return found.by, shown, f"and {len(ordered) - _SHARES} more" if len(ordered) > _SHARES else ""


def _column(column: Column) -> ShownColumn:
    drawn = column.histogram if _is_worth_drawing(column) else None
    values = () if drawn else tuple(_values(column))
    hidden = column.distinct - len(values)
    figures = tuple(_figures(column)) if column.kind is Kind.NUMBER and column.measured else ()
    return ShownColumn(
        column,
        _type(column),
        share(column.nulls, column.rows),
        round(100 * column.nulls / column.rows, 1) if column.rows else 0,
        f"{_PRECISION[column.precision]}{column.distinct:,}" if column.count else "",
        charts.histogram(drawn, _title(column)) if drawn else None,
        values,
        f"and {number(hidden, 'value')} more" if values and hidden > 0 else "",
        figures,
        "" if figures else _told(column),
    )


def _is_worth_drawing(column: Column) -> bool:
    return column.histogram is not None and column.low != column.high and len(column.histogram.counts) > 1


def _title(column: Column) -> str:
    return f"How many {_LENGTHS[column.kind]} {column.name} has" if column.kind in _LENGTHS else column.name


def _type(column: Column) -> str:
    """Its type in PostgreSQL's shorter words."""
    text = column.type.replace("character varying", "varchar").replace(" without time zone", "")
    return re.sub(r"timestamp(.*) with time zone", r"timestamptz\1", text)


def _values(column: Column) -> list[ShownValue]:
    most = column.values[0].count if column.values else 1
    return [
        ShownValue(
            f"{value.text}…" if value.shortened else value.text or "(empty)",
            share(value.count, column.rows),
            round(100 * value.count / most, 1),
            number(value.count, "row"),
        )
        for value in column.values[:_VALUES]
    ]


def _figures(column: Column) -> list[tuple[str, str, str]]:
    """Name, value, and the value in full where that says more."""
    quantiles = column.quantiles or {}
    return [
        ("Least", figure(column.low), column.lowest),
        ("5%", figure(quantiles.get("0.05")), ""),
        ("Median", figure(quantiles.get("0.5")), ""),
        ("Mean", figure(column.mean), ""),
        ("95%", figure(quantiles.get("0.95")), ""),
        ("Greatest", figure(column.high), column.highest),
    ]


def _day(text: str) -> str:
    """The day of a moment as PostgreSQL writes it."""
    return f"{text.split(' ')[0]}{' BC' if text.endswith(' BC') else ''}"


def _told(column: Column) -> str:
    if column.problem:
        return f"{column.problem}."
    if not column.count or column.low is None or column.high is None:
        return "no value" if column.rows else ""
    if column.kind is Kind.BOOLEAN:
        return ""
    told = _times(column) if column.kind is Kind.TIME else _lengths(column, column.low, column.high)
    different = column.distinct == column.count and column.precision is Precision.EXACT and column.count > 1
    return f"{told}; no two are equal" if different else told


def _times(column: Column) -> str:
    first, last = _day(column.lowest), _day(column.highest)
    return first if first == last else f"{first} to {last}, {day(_median(column))} in the middle"


def _lengths(column: Column, low: float, high: float) -> str:
    unit = _LENGTHS[column.kind] if high != 1 else _LENGTHS[column.kind].replace("rs", "r").replace("ts", "t")
    return (
        f"{figure(low)} {unit}"
        if low == high
        else f"{figure(low)} to {figure(high)} {unit}, {figure(_median(column))} in the middle"
    )


def _median(column: Column) -> float | None:
    return (column.quantiles or {}).get("0.5")
