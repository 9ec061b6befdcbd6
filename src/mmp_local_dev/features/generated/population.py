"""The people of a generated data set: who they are, where they live, and how much each of them buys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mmp_local_dev.features.generated import world
from mmp_local_dev.features.generated.randomness import PLACES, Chance, draw, quantiles, rounded, slots, whole

if TYPE_CHECKING:
    from mmp_local_dev.features.generated.randomness import Floats, Ints

USER_ROWS = 50  # transactions of a user, usually
_STREAM = 0  # of a seed; the chunks have those from 1 on
_CHUNK_ROWS = 65_536  # transactions that are made at once; another number makes another data set
_STOLEN = 12  # of a thousand transactions
_NEVER = 10**9  # a second, or a day, that does not come
_SIZES = (6, 6, 6, 4, 3, 3, 2, 2, 2)  # how often a thief buys 4, 5, … 12 times


@dataclass(frozen=True)
class Population:
    """Arrays with an entry for each user. Times are seconds from the period's start, places are numbers of CITIES.

    `stolen` of a user's `transactions` are made by a thief. A birthday, a move, a new job that the period does not see
    never comes.
    """

    number: Ints
    transactions: Ints
    stolen: Ints
    stolen_day: Ints
    stolen_city: Ints
    first_day: Ints
    age: Ints
    birthday: Ints
    female: Ints
    job: Ints
    next_job: Ints
    next_job_at: Ints
    city: Ints
    next_city: Ints
    moves_at: Ints
    north: Floats
    east: Floats
    lifestyle: Ints
    spending: Floats
    habit: Ints
    trip_day: Ints
    trip_days: Ints
    trip_city: Ints

    def __len__(self) -> int:
        return len(self.number)

    def chunks(self) -> Iterator[Population]:
        """The users in groups of neighbours whose transactions are some ten thousands."""
        import numpy as np

        before = np.cumsum(self.transactions) - self.transactions
        borders = np.flatnonzero(np.diff(before // _CHUNK_ROWS)) + 1
        starts, ends = [0, *borders.tolist()], [*borders.tolist(), len(self)]
        for start, end in zip(starts, ends, strict=True):
            yield Population(**{field.name: getattr(self, field.name)[start:end] for field in fields(self)})


def populate(rows: int, seed: int, users: int) -> Population:
    """So many users, who make exactly so many transactions, 1.2 % of which are fraud."""
    import numpy as np

    chance = Chance(seed, _STREAM)
    number = np.arange(1, users + 1)
    transactions = _shared_out(rows, whole(_drawn(world.ACTIVITY, chance, users)))
    stolen = _stolen(rows, transactions, chance)
    first_day = np.where(chance.uniform(users) < 0.85, 0, chance.below(120, users))
    left = world.DAYS - first_day
    return Population(
        number=number,
        transactions=transactions,
        stolen=stolen,
        stolen_day=first_day + chance.below(left, users),
        stolen_city=_cities(chance, users),
        first_day=first_day,
        trip_day=np.where(chance.uniform(users) < 0.3, first_day + chance.below(left, users), _NEVER),
        trip_days=3 + chance.below(8, users),
        trip_city=_cities(chance, users),
        **_person(chance, users, first_day),
        **_home(chance, users, first_day),
    )


def home(people: Population, user: Ints, second: Ints) -> tuple[Floats, Floats]:
    """Latitude and longitude of where users, by their places in `people`, live at these seconds."""
    import numpy as np

    city = np.where(second >= people.moves_at[user], people.next_city[user], people.city[user])
    latitudes = np.array([city.latitude for city in world.CITIES])
    longitudes = np.array([city.longitude for city in world.CITIES])
    north, east = latitudes[city] + people.north[user], longitudes[city] + people.east[user]
    return rounded(north, 1e4), rounded(east, 1e4)


def _shared_out(rows: int, weights: Ints) -> Ints:
    """Whole parts of `rows`, by weight: their sum is exact."""
    import numpy as np

    borders = np.cumsum(weights) * rows // int(weights.sum())
    return np.diff(borders, prepend=0)


def _stolen(rows: int, transactions: Ints, chance: Chance) -> Ints:
    """How many of each one's transactions a thief makes: a few of a few users, and never most of somebody's."""
    import numpy as np

    users = len(transactions)
    wanted = (rows * _STOLEN + 500) // 1000
    order = np.argsort(chance.raw(users), kind="stable")
    more = max(rows // (users * USER_ROWS), 1)  # where each buys more than usual, so does a thief
    sizes = (4 + _choices(_SIZES, chance, users)) * more
    possible = np.minimum(sizes, (transactions + 1) // 2)[order]
    before = np.cumsum(possible) - possible
    stolen = np.zeros(users, dtype=np.int64)
    stolen[order] = np.clip(wanted - before, 0, possible)
    return stolen


def _person(chance: Chance, users: int, first_day: Ints) -> dict[str, Any]:
    import numpy as np

    birthday = chance.below(365, users)  # day of the year
    age = whole(_drawn(world.AGES, chance, users))
    return {
        "age": age + (birthday <= first_day),
        "birthday": np.where((birthday > first_day) & (birthday < world.DAYS), birthday * world.DAY, _NEVER),
        "female": (chance.uniform(users) < 0.52).astype(np.int64),
        "job": chance.below(len(world.JOBS), users),
        "next_job": chance.below(len(world.JOBS), users),
        "next_job_at": _once(0.05, first_day, 9 * 3600, chance),
        "lifestyle": _choices(tuple(weight for weight, _ in world.LIFESTYLES), chance, users),
        "spending": _drawn(world.SPENDING, chance, users),
        "habit": np.floor(_drawn(world.HABIT, chance, users)).astype(np.int64),
    }


def _home(chance: Chance, users: int, first_day: Ints) -> dict[str, Any]:
    return {
        "city": _cities(chance, users),
        "next_city": _cities(chance, users),
        "moves_at": _once(0.06, first_day, 12 * 3600, chance),
        "north": _drawn(world.AROUND, chance, users) * 0.3,
        "east": _drawn(world.AROUND, chance, users) * 0.3,
    }


def _once(share: float, first_day: Ints, second: int, chance: Chance) -> Ints:
    """At that second of a day after the first one, for a share of the users; never for the others."""
    import numpy as np

    users = len(first_day)
    day = first_day + 1 + chance.below(world.DAYS - 1 - first_day, users)
    return np.where(chance.uniform(users) < share, day * world.DAY + second, _NEVER)


def _cities(chance: Chance, users: int) -> Ints:
    """Of each user one: in larger cities live more, but less than their size would have it."""
    return _choices(tuple(20 + min(int(city.population / 10_000), 140) for city in world.CITIES), chance, users)


def _choices(weights: tuple[int, ...], chance: Chance, count: int) -> Ints:
    import numpy as np

    return np.array(slots(weights))[chance.below(PLACES, count)]


def _drawn(points: world.Points, chance: Chance, count: int) -> Floats:
    import numpy as np

    return draw(np.array(quantiles(points)), chance.uniform(count))
