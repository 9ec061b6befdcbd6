"""The statistics of transactions once more, in plain Python, straight from the words of `scripts/feature_tables.sql`.

Nothing here is taken from the program, and nothing is clever: each value is counted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Transaction:
    """A row of `transactions`."""

    transaction_id: str
    event_timestamp: datetime
    user_id: str
    merchant_id: str
    category: str
    amount: Decimal
    is_fraud: int


@dataclass(frozen=True)
class Line:
    """What a line of an imported file says of a person."""

    transaction_id: str
    at: datetime
    user_id: str
    born: date
    rest: tuple[Any, ...]


def user_transaction_stats(transactions: Sequence[Transaction]) -> list[tuple[Any, ...]]:
    """Every row, in the order of its key."""
    return [row for user, own in _by(transactions, _user) for row in _of_user(user, own)]


def merchant_stats(transactions: Sequence[Transaction]) -> list[tuple[Any, ...]]:
    """Every row, in the order of its key."""
    last = _midnight_after(max(each.event_timestamp for each in transactions))
    return [row for merchant, own in _by(transactions, _merchant) for row in _daily(merchant, own, last)]


def category_stats(transactions: Sequence[Transaction]) -> list[tuple[Any, ...]]:
    """Every row, in the order of its key."""
    last = _midnight_after(max(each.event_timestamp for each in transactions))
    return [row for category, own in _by(transactions, _category) for row in _daily(category, own, last)]


def user_demographics(lines: Sequence[Line]) -> list[tuple[Any, ...]]:
    """Of an imported file: who each one is, whenever a line says something new and on each birthday."""
    end = _midnight_after(max(each.at for each in lines))
    found = []
    for user in sorted({each.user_id for each in lines}):
        own = sorted((each for each in lines if each.user_id == user), key=lambda each: (each.at, each.transaction_id))
        told = {each.at: each for each in own}  # of several at a moment the last one
        line, was = own[0], None
        for moment in sorted({*told, *_midnights(own[0].at, end)}):
            line = told.get(moment, line)
            now = (_age(line.born, moment.date()), line.rest, line.born)
            if now != was:
                found.append((user, moment, now[0], *line.rest))
            was = now
    return found


def _of_user(user: str, own: Sequence[Transaction]) -> Iterator[tuple[Any, ...]]:
    stamps = {each.event_timestamp.replace(microsecond=0) + timedelta(seconds=1) for each in own}
    for stamp in sorted(stamps):
        day, week, month = (_between(own, stamp - length * DAY, stamp) for length in (1, 7, 30))
        last = max(month, key=lambda each: (each.event_timestamp, each.transaction_id))
        counts = (len(day), len(week), len(month))
        sums = (_dollars(day), _dollars(week), _dollars(month))
        most = float(max(each.amount for each in month))
        mean = _dollars(month) / len(month)
        yield (user, stamp, *counts, *sums, mean, most, float(last.amount), last.event_timestamp)


def _daily(name: str, own: Sequence[Transaction], last: datetime) -> Iterator[tuple[Any, ...]]:
    midnight = _midnight_after(min(each.event_timestamp for each in own))
    while midnight <= last:
        month = _between(own, midnight - 30 * DAY, midnight)
        known = _between(own, midnight - 37 * DAY, midnight - 7 * DAY)
        mean = _dollars(month) / len(month) if month else None
        most = float(max(each.amount for each in month)) if month else None
        rate = float(Fraction(sum(each.is_fraud for each in known), len(known))) if known else None
        yield (name, midnight, len(month), mean, most, rate)
        midnight += DAY


def _between(own: Sequence[Transaction], start: datetime, end: datetime) -> list[Transaction]:
    return [each for each in own if start <= each.event_timestamp < end]


def _dollars(some: Sequence[Transaction]) -> float:
    return float(sum((each.amount for each in some), Decimal(0)))


def _midnight_after(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC) + DAY


def _midnights(start: datetime, end: datetime) -> Iterator[datetime]:
    moment = _midnight_after(start)
    while moment < end:
        yield moment
        moment += DAY


def _age(born: date, day: date) -> int:
    """Whole years; who is born on 29 February is a year older on 1 March of other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _by(
    transactions: Sequence[Transaction], key: Callable[[Transaction], str]
) -> Iterator[tuple[str, list[Transaction]]]:
    for name in sorted({key(each) for each in transactions}):
        yield name, [each for each in transactions if key(each) == name]


def _user(each: Transaction) -> str:
    return each.user_id


def _merchant(each: Transaction) -> str:
    return each.merchant_id


def _category(each: Transaction) -> str:
    return each.category
