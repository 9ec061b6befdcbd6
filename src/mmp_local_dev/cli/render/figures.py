"""Numbers, shares, moments and lengths of time as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGES = (("year", 31557600), ("month", 2629800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def figure(number: float | None) -> str:
    """Four digits that count, more of whole numbers: `1,234,567`, `0.05212`, `3.1e+12`; "" for none."""
    if number is None:
        return ""
    if number == 0:
        return "0"
    if abs(number) >= 1e12 or abs(number) < 1e-4:
        return f"{number:.3g}"
    if float(number).is_integer() or abs(number) >= 1000:
        return f"{number:,.0f}"
    text = f"{number:.{3 - math.floor(math.log10(abs(number)))}f}"
    return text.rstrip("0").rstrip(".")


def share(part: float, whole: float) -> str:
    """A part in percent: `0%`, `<0.01%`, `1.25%`, `37.4%`, `>99.9%`, `100%`; "" of nothing."""
    if not whole:
        return ""
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f}%"
    if percent < 0.01:
        return "<0.01%"
    if percent > 99.9:
        return ">99.9%"
    return f"{percent:.2f}%" if percent < 10 else f"{percent:.1f}%"


def moment(seconds: float | None) -> str:
    """A moment that many seconds after 1970 began, UTC: `2025-01-31` at midnight, `2025-01-31 12:34` else."""
    if seconds is None:
        return ""
    try:
        at = _EPOCH + timedelta(seconds=round(seconds))
    except OverflowError:
        return f"{'after 9999' if seconds > 0 else 'before year 1'}"
    clock = (
        "" if (at.hour, at.minute, at.second) == (0, 0, 0) else f" {at:%H:%M}" if not at.second else f" {at:%H:%M:%S}"
    )
    return f"{at.year:04}-{at.month:02}-{at.day:02}{clock}"


def day(seconds: float | None) -> str:
    """The day alone."""
    return moment(seconds)[:10] if seconds is not None and -62135596800 <= seconds < 253402300800 else moment(seconds)


def age(seconds: float | None) -> str:
    """How long ago, in its largest unit: `17 months ago`, `in 3 days`, `now`; "" for none."""
    if seconds is None:
        return ""
    for unit, length in _AGES:
        count = int(abs(seconds) // length)
        if count >= (2 if unit in ("year", "month") else 1):
            words = f"{count:,} {unit}{'' if count == 1 else 's'}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "now"
