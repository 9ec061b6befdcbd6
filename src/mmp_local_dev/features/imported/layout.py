"""The layout of the file: its columns, and what may stand in each of those that are read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

_IMPOSSIBLE = "a date that there is"
Rule = Callable[[str], object]  # what a text means; raises ValueError that says what it should have been


def text(longest: int) -> Rule:
    """Any text of 1 to `longest` characters, for that is what its column holds."""

    def read(value: str) -> str:
        if not value:
            raise ValueError("a text, and it is empty")
        if len(value) > longest or "\x00" in value:
            raise ValueError(f"a text of at most {longest} characters")
        return value

    return read


def card(value: str) -> str:
    """The number of a card."""
    if not re.fullmatch(r"[0-9]{1,50}", value):
        spoiled = " (a spreadsheet seems to have rounded it)" if re.fullmatch(r"[0-9.,]+[eE]\+?[0-9]+", value) else ""
        raise ValueError(f"the digits of a card's number{spoiled}")
    return value


def moment(value: str) -> datetime:
    """A date with a time, as `2019-01-31 23:59:59`; the file has no time zone, and UTC is what it is taken for."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", value, re.ASCII):
        raise ValueError("a date with a time, as in 2019-01-31 23:59:59")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(_IMPOSSIBLE) from None


def day(value: str) -> date:
    """A date, as `1988-03-09`."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("a date, as in 1988-03-09")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(_IMPOSSIBLE) from None


def amount(value: str) -> Decimal:
    """Dollars and cents."""
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError("an amount, as in 107.23") from None
    if not found.is_finite() or abs(found) >= 10**10 or found != round(found, 2):
        raise ValueError("an amount below 10,000,000,000 in whole cents")
    return found


def degrees(most: int) -> Rule:
    """A latitude or longitude."""

    def read(value: str) -> float:
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not abs(found) <= most:
            raise ValueError(f"a number from -{most} to {most}")
        return found

    return read


def people(value: str) -> int:
    """How many live somewhere."""
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise ValueError("a whole number")
    return int(value)


def flag(value: str) -> int:
    """Yes or no."""
    if value not in ("0", "1"):
        raise ValueError("0 or 1")
    return int(value)


# The columns that are read. What else the file has (a row's number, names, street, zip, Unix time) is left alone.
COLUMNS: Mapping[str, Rule] = {
    "trans_date_trans_time": moment,
    "cc_num": card,
    "merchant": text(100),
    "category": text(50),
    "amt": amount,
    "gender": text(10),
    "city": text(100),
    "state": text(50),
    "lat": degrees(90),
    "long": degrees(180),
    "city_pop": people,
    "job": text(100),
    "dob": day,
    "trans_num": text(32),
    "merch_lat": degrees(90),
    "merch_long": degrees(180),
    "is_fraud": flag,
}

# Other files that one may take for this one, by columns that tell them.
_OTHERS: Mapping[str, Sequence[str]] = {
    "Kaggle's creditcard.csv, another data set, whose columns are anonymous": ("V1", "V28", "Class"),
    "PaySim, another data set": ("nameOrig", "isFlaggedFraud"),
    "IEEE-CIS Fraud Detection, another data set": ("TransactionID", "TransactionDT"),
    "a table of this stack's own transactions": ("transaction_id", "event_timestamp"),
}


def mistaken(columns: Sequence[str]) -> str:
    """What a file with other columns seems to be; empty for no idea."""
    if len(columns) == 1:
        for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if columns[0].count(sign) > 3:
                return f"a table whose columns are separated by {name} in place of commas"
    if columns and all(re.fullmatch(r"[-+.:0-9 ]+", column) for column in columns[:2]) and len(columns) > 10:
        return "a table without its first line, the columns' names"
    return next((what for what, signs in _OTHERS.items() if set(signs) <= set(columns)), "")
