"""The generated data set: the same transactions for the same numbers, on every machine, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmp_local_dev.features import data_set
from mmp_local_dev.features.generated.population import USER_ROWS, populate
from mmp_local_dev.features.generated.purchases import buy
from mmp_local_dev.features.generated.randomness import Chance
from mmp_local_dev.features.generated.rows import demographics, transactions
from mmp_local_dev.features.generated.shops import Shops
from mmp_local_dev.features.source import Batch

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql_staging import Staging


@dataclass(frozen=True)
class Generated:
    """The data set of so many `rows` of transactions, made from `seed`, by so many `users` (None: the usual number)."""

    rows: int
    seed: int
    users: int | None = None
    unit = "rows"

    @property
    def total(self) -> int:
        """The transactions."""
        return self.rows

    @property
    def name(self) -> str:
        """What the data set is called."""
        unusual = self.users if self.users != usual_users(self.rows) else None
        return data_set.generated_name(self.rows, self.seed, unusual)

    def prepare(self, staging: Staging) -> None:
        """Nothing: its batches need the feature tables alone."""

    def batches(self) -> Iterator[Batch]:
        """Some ten thousand transactions at a time; those of a user are together and in order of time."""
        shops = Shops(merchants(self.rows))
        people = populate(self.rows, self.seed, self.users or usual_users(self.rows))
        made = 0
        for number, group in enumerate(people.chunks(), 1):
            bought = buy(group, shops, Chance(self.seed, number))
            rows = {"user_demographics": demographics(group), "transactions": transactions(bought, group, made)}
            made += len(bought.user)
            yield Batch(rows, made)

    def finish(self, staging: Staging) -> None:
        """Nothing: its batches are all there is."""


def usual_users(rows: int) -> int:
    """How many users make so many transactions."""
    return max(rows // USER_ROWS, 1)


def merchants(rows: int) -> int:
    """How many merchants there are for so many transactions."""
    return min(max(rows // 250, 50), 1000)
