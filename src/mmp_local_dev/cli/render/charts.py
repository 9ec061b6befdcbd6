"""The shapes of small charts, in units of a box that is stretched to its place; the template draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mmp_local_dev.cli.render.figures import day, figure, moment, share
from mmp_local_dev.features.profile_bins import Scale
from mmp_local_dev.features.profile_facts import Histogram, Share, ShareGroup

HEIGHT = 100.0
_BIN, _GAP, _ASIDE = 10.0, 1.0, 5.0  # a bar's width and what is left free of it; what sets apart the bars beyond
_LEAST = 1.5  # the height of a bar that is not nothing
_WIDEST = 60  # bars of a share over time; neighbours are counted together


@dataclass(frozen=True)
class Bar:
    """A bar that stands on the ground, and what it says. `tone` is "", or `beyond` for what is outside the scale."""

    x: float
    width: float
    height: float
    title: str
    tone: str = ""

    @property
    def y(self) -> float:
        """Its upper end, from above."""
        return HEIGHT - self.height


@dataclass(frozen=True)
class Chart:
    """Bars in a box of that width; `ticks` stand under it from left to right. `level` is a line's height, if any."""

    width: float
    bars: tuple[Bar, ...]
    title: str
    description: str
    ticks: tuple[str, ...]
    notes: tuple[str, ...] = ()
    level: float | None = None
    highest: str = ""


def histogram(found: Histogram, title: str) -> Chart:
    """A bar for each bin, and one at either end for what is beyond."""
    highest = max(*found.counts, found.below, found.above, 1)
    bars, x = [], 0.0
    if found.below:
        bars.append(_bar(x, found.below, highest, f"below {_edge(found, 0)}", "beyond"))
        x += _BIN + _ASIDE
    for place, count in enumerate(found.counts):
        if count:
            bars.append(_bar(x, count, highest, _between(found, place)))
        x += _BIN
    if found.above:
        bars.append(_bar(x + _ASIDE, found.above, highest, f"from {_edge(found, -1)} on", "beyond"))
        x += _BIN + _ASIDE
    return Chart(
        x - _GAP,
        tuple(bars),
        title,
        _description(found, highest),
        _ticks(found),
        tuple(_notes(found)),
        highest=_rows(highest),
    )


def _bar(x: float, count: int, highest: int, where: str, tone: str = "") -> Bar:
    height = max(HEIGHT * count / highest, _LEAST)
    return Bar(round(x, 2), _BIN - _GAP, round(height, 2), f"{where}: {_rows(count)}", tone)


def _between(found: Histogram, place: int) -> str:
    if found.scale is Scale.CALENDAR:
        return _edge(found, place)
    if found.whole and found.edges[place + 1] - found.edges[place] == 1:
        return _edge(found, place)
    return f"{_edge(found, place)} to {_edge(found, place + 1)}"


def _edge(found: Histogram, place: int) -> str:
    edge = found.edges[place]
    if found.scale is Scale.LOG:  # which are no round numbers
        return figure(float(f"{edge:.2g}"))
    if found.scale is Scale.LINEAR:
        return figure(edge)
    return moment(edge) if found.unit in ("second", "minute", "hour") else day(edge)


def _description(found: Histogram, highest: int) -> str:
    by = f"per {found.unit}" if found.unit else "logarithmic scale" if found.scale is Scale.LOG else "equal steps"
    reach = f"{len(found.counts)} bins from {_edge(found, 0)} to {_edge(found, -1)}"
    return f"{reach}, {by}; the fullest has {_rows(highest)}."


def _ticks(found: Histogram) -> tuple[str, ...]:
    """The first, a middle and the last edge; of bins that are one number or one day each, the first and last."""
    last = len(found.edges) - 1
    each = found.scale is Scale.CALENDAR or (found.whole and found.edges[1] - found.edges[0] == 1)
    if each and found.scale is not Scale.LOG:
        return tuple(dict.fromkeys(_edge(found, place) for place in (0, last - 1)))
    places = (0, last // 2, last) if last % 2 == 0 and last > 3 else (0, last)
    return tuple(_edge(found, place) for place in places)


def _notes(found: Histogram) -> list[str]:
    beyond = [f"{found.below:,} below"] * bool(found.below) + [f"{found.above:,} above"] * bool(found.above)
    log = ["logarithmic scale"] if found.scale is Scale.LOG else []
    return [*log, *beyond]


def shares(found: Share, average: float) -> Chart:
    """A bar for each group's share of labelled rows, and a line for the average of all."""
    groups = _together(found.groups)
    parts = [group.labelled / group.rows if group.rows else 0 for group in groups]
    highest = max(*parts, average, 1e-9)
    bars = tuple(
        Bar(round(_BIN * place, 2), _BIN - _GAP, round(max(HEIGHT * part / highest, _LEAST), 2), _told(found, group))
        for place, (group, part) in enumerate(zip(groups, parts, strict=True))
        if group.rows
    )
    title = f"{found.label} by {'hour of the day' if found.form == 'hour' else found.by}"
    text = f"The highest share is {share(highest, 1)}, that of all rows {share(average, 1)} (the line)."
    level = round(HEIGHT * (1 - average / highest), 2)
    return Chart(_BIN * len(groups) - _GAP, bars, title, text, _ends(found, groups), (), level, share(highest, 1))


def _together(groups: Sequence[ShareGroup]) -> list[ShareGroup]:
    """Neighbours as one where there are too many: shares of few rows say little."""
    each = -(-len(groups) // _WIDEST)
    some = [groups[at : at + each] for at in range(0, len(groups), each)]
    return [ShareGroup(s[0].text, sum(g.rows for g in s), sum(g.labelled for g in s)) for s in some]


def _told(found: Share, group: ShareGroup) -> str:
    where = f"{int(float(group.text)):02}:00" if found.form == "hour" else _short(group.text)
    return f"{where}: {share(group.labelled, group.rows)} of {_rows(group.rows)}"


def _ends(found: Share, groups: Sequence[ShareGroup]) -> tuple[str, ...]:
    if not groups:
        return ()
    if found.form == "hour":
        return ("00:00", "12:00", "23:00") if len(groups) == 24 else (f"{groups[0].text} h", f"{groups[-1].text} h")
    return tuple(dict.fromkeys((_short(groups[0].text), _short(groups[-1].text))))


def _short(text: str) -> str:
    return moment(datetime.fromisoformat(text).timestamp())


def outline(counts: Sequence[int], *, points: int = 60) -> str:
    """The path of a filled line over at most that many points, in a box of 100 by 100; "" for nothing."""
    each = -(-len(counts) // points) or 1
    sums = [sum(counts[at : at + each]) for at in range(0, len(counts), each)]
    if len(sums) < 2 or not max(sums):
        return ""
    whole = len(counts) // each * each
    sums = sums if whole == len(counts) else sums[:-1]  # the last one would be a part only
    if len(sums) < 2:
        return ""
    across = 100 / (len(sums) - 1)
    line = " ".join(f"L{place * across:.1f},{HEIGHT - 95 * count / max(sums):.1f}" for place, count in enumerate(sums))
    return f"M0,100 {line} L100,100 Z"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
