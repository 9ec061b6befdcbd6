"""What the clauses about rows of features say of them: keys, values and moments, as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from mmp_local_dev.contract.clauses.base import ClauseBroken
from mmp_local_dev.errors import MmpError, Repair

_LONGEST = 60  # characters of a value
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def told_keys(keys: Mapping[str, Any]) -> str:
    """`user_id=u7, shop_id=3`."""
    return ", ".join(f"{name}={told(value)}" for name, value in keys.items())


def told(value: Any) -> str:
    """A value in one line, cut where it is long."""
    if isinstance(value, datetime):
        return told_moment(value)
    text = value if isinstance(value, str) and value.isprintable() and value else repr(value)
    text = "null" if value is None else text
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def told_moment(moment: datetime) -> str:
    """`2025-06-30 12:00:00 UTC`, with a fraction where there is one."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{moment:%Y-%m-%d %H:%M:%S}{f'.{moment.microsecond:06}' if moment.microsecond else ''} UTC"


def told_span(span: timedelta) -> str:
    """`3.2 h`, in the largest unit of which there is one."""
    seconds = span.total_seconds()
    unit, length = next(((u, s) for u, s in _UNITS if seconds >= s), _UNITS[-1])
    return f"{seconds / length:.3g} {unit}"


def more(count: int, shown: int) -> list[str]:
    """A last line on those that are not shown; none where all are."""
    return [f"and {count - shown:,} more"] if count > shown else []


@contextmanager
def readable() -> Iterator[None]:
    """A context in which a view whose rows PostgreSQL refuses to give breaks the clause."""
    try:
        yield
    except MmpError as error:
        if error.code != "SOURCE_UNREADABLE":
            raise
        repair = Repair("mmp-dev features apply", "in the provider's workspace: makes the tables that are not there")
        raise ClauseBroken(error.message, expected="readable rows", actual="none", repairs=[repair]) from None
