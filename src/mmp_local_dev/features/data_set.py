"""What a data set is called: each of its tables has the name as its comment, which tells what a stack holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mmp_local_dev.services.postgresql_contents import Held

GENERATOR_VERSION = 1  # raised with every change of what the generator makes of the same rows and seed
DEFAULT_ROWS = 50_000
DEFAULT_SEED = 42
TABLES = ("transactions", "user_demographics", "user_transaction_stats", "merchant_stats", "category_stats")

_ROWS = re.compile(r": (\d+) rows?, ")


def generated_name(rows: int, seed: int, users: int | None = None) -> str:
    """`card-fraud 1: 50000 rows, seed 42`; a number of users is told where it is not the usual one (None)."""
    told = f", {users} users" if users is not None else ""
    return f"card-fraud {GENERATOR_VERSION}: {rows} {_plural(rows)}, seed {seed}{told}"


def imported_name(file: str, rows: int, digest: str) -> str:
    """`fraudTrain.csv: 1296675 rows, sha256 0123456789ab`, of a file's name, its transactions and its SHA-256."""
    return f"{file}: {rows} {_plural(rows)}, sha256 {digest[:12]}"


def rows_of(name: str) -> int | None:
    """How many transactions a data set of this name has; None for a text that is no data set's name."""
    found = _ROWS.findall(name)
    return int(found[-1]) if found else None


def own_rows(found: Mapping[str, Held]) -> dict[str, int]:
    """The rows that no seed has put there, by table: all of a table that is not as it was when it was seeded."""
    seeded = {table for table, held in found.items() if rows_of(held.comment) is not None and held.is_as_filled}
    return {table: found[table].rows for table in TABLES if table in found.keys() - seeded and found[table].rows}


def described(rows: Mapping[str, int]) -> str:
    """`12 rows of transactions, 1 row of category_stats`, of rows by table."""
    return ", ".join(f"{count:,} {_plural(count)} of {table}" for table, count in rows.items())


def _plural(rows: int) -> str:
    return "row" if rows == 1 else "rows"
