"""The transactions of a group of users: what each buys, when, where and for how much, and what is bought by thieves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmp_local_dev.features.generated import world
from mmp_local_dev.features.generated.population import home
from mmp_local_dev.features.generated.randomness import PLACES, Chance, draw, rounded, slots, whole

if TYPE_CHECKING:
    from mmp_local_dev.features.generated.population import Population
    from mmp_local_dev.features.generated.randomness import Flags, Floats, Ints
    from mmp_local_dev.features.generated.shops import Shops

_WEEKS = 26
_APART = 2  # seconds, at least, between two transactions of one user: a statistic is known one second after each
_HOME = -1  # in place of a city's number


@dataclass(frozen=True)
class Purchases:
    """Arrays with an entry for each transaction, in the order of users and, of each user, of time.

    `user` is a place in the group, `second` counts from the period's start, `merchant` and `category` from 0.
    """

    user: Ints
    second: Ints
    merchant: Ints
    category: Ints
    cents: Ints
    latitude: Floats
    longitude: Floats
    is_fraud: Ints


def buy(people: Population, shops: Shops, chance: Chance) -> Purchases:
    """Everything that these people, and those who have stolen their cards, buy in the period."""
    import numpy as np

    user = np.repeat(np.arange(len(people)), people.transactions)
    first = np.cumsum(people.transactions) - people.transactions
    rank = np.arange(len(user)) - first[user]
    draws = _Draws(people, shops, chance, user, rank < people.stolen[user])
    category = draws.categories()
    merchant = draws.merchants(category)
    day = draws.days(category)
    second = day * world.DAY + draws.seconds_of_day(category)
    cents = draws.cents(category)
    latitude, longitude = draws.places(category, day)
    order = np.argsort(user * (world.DAYS * world.DAY) + second, kind="stable")
    return Purchases(
        user=user,  # each one's rows stay together
        second=_apart(second[order], rank, people.transactions[user], user),
        merchant=merchant[order],
        category=category[order],
        cents=cents[order],
        latitude=latitude[order],
        longitude=longitude[order],
        is_fraud=draws.theft[order].astype(np.int64),
    )


@dataclass(frozen=True)
class _Draws:
    """What is drawn for each transaction, of which `user` and `theft` tell whose it is and whether a thief makes it.

    The order of the calls belongs to the data set: each takes the next numbers of `chance`.
    """

    people: Population
    shops: Shops
    chance: Chance
    user: Ints
    theft: Flags

    def categories(self) -> Ints:
        """As one's way of life has it; thieves have their own preferences."""
        import numpy as np

        place = self._below(PLACES)
        return np.where(
            self.theft, self.shops.stolen[place], self.shops.wanted[self.people.lifestyle[self.user], place]
        )

    def merchants(self, category: Ints) -> Ints:
        """Half of the time one's own favourite, else one of the well-known; thieves go where few others go."""
        import numpy as np

        count, chosen = self.shops.counts[category], self._uniform()
        place = whole(chosen * chosen * count)
        favourite = (self.people.number[self.user] * 7919 + category * 104_729) % count
        usual = np.where(self._uniform() < 0.5, favourite, place)
        return self.shops.first[category] + np.where(self.theft, count - 1 - place, usual)

    def days(self, category: Ints) -> Ints:
        """By the category's week, from the user's first day on; thieves buy on up to three days."""
        import numpy as np

        weekday = self.shops.weekdays[category, self._below(PLACES)]
        day = self._below(_WEEKS) * 7 + weekday - world.FIRST_WEEKDAY
        day = np.where(day < 0, day + _WEEKS * 7, day)  # of the first week, before the period: of the last one
        own_week = self.people.number[self.user] % (_WEEKS - 1)  # so that no week gets what is behind the period
        day = np.where(day >= world.DAYS, own_week * 7 + day % 7, day)
        late = np.maximum(self.people.first_day[self.user] - day, 0)
        first, later = self.people.stolen_day[self.user], np.array(slots((60, 28, 12)))[self._below(PLACES)]
        stolen = np.where(first + 2 < world.DAYS, first + later, first - later)
        found: Ints = np.where(self.theft, stolen, day + (late + 6) // 7 * 7)
        return found

    def seconds_of_day(self, category: Ints) -> Ints:
        """By the category's hours and the user's habits; most of what thieves do, by their own."""
        import numpy as np

        by_night = self.theft & (self._uniform() < 0.66)
        row = np.where(by_night, len(world.CATEGORIES), category)
        usual = whole(draw(self.shops.hours, self._uniform(), row))
        second: Ints = usual + np.where(self.theft, 0, self.people.habit[self.user])
        return second % world.DAY

    def cents(self, category: Ints) -> Ints:
        """By the category and what the user spends; a fifth of what thieves take is as anybody's."""
        import numpy as np

        bold = self.theft & (self._uniform() < 0.8)
        dollars = draw(self.shops.amounts, self._uniform(), category + np.where(bold, len(world.CATEGORIES), 0))
        spending = self.people.spending[self.user]
        spending = np.where(bold, 0.5 + spending * 0.5, spending)
        return np.maximum(whole(dollars * spending * 100.0 + 0.5), 1)

    def places(self, category: Ints, day: Ints) -> tuple[Floats, Floats]:
        """Latitude and longitude: around home, on a trip, at an online shop's seat, or where the card was taken."""
        import numpy as np

        people, user = self.people, self.user
        elsewhere, seat = self._uniform(), self._below(len(world.CITIES))
        online = self.shops.online[category]
        away = (day >= people.trip_day[user]) & (day < people.trip_day[user] + people.trip_days[user])
        usual = np.where(online & (elsewhere < 0.45), seat, _HOME)
        usual = np.where(away & ~online, people.trip_city[user], usual)
        city = np.where(self.theft, np.where(elsewhere < 0.5, people.stolen_city[user], _HOME), usual)
        north, east = home(people, user, day * world.DAY)
        latitude = np.where(city == _HOME, north, self.shops.latitudes[city])
        longitude = np.where(city == _HOME, east, self.shops.longitudes[city])
        return rounded(latitude + self._distances(), 1e6), rounded(longitude + self._distances(), 1e6)

    def _distances(self) -> Floats:
        return draw(self.shops.around, self._uniform())

    def _uniform(self) -> Floats:
        return self.chance.uniform(len(self.user))

    def _below(self, bound: int) -> Ints:
        return self.chance.below(bound, len(self.user))


def _apart(second: Ints, rank: Ints, count: Ints, user: Ints) -> Ints:
    """A user's seconds, in order, moved so that they lie apart and before the period's end."""
    import numpy as np

    length = world.DAYS * world.DAY
    of_user = user * (4 * length)  # nobody's last one is behind the next one's first
    # What comes too early after its forerunner moves behind it, then what is over the end moves before it.
    later: Ints = np.maximum.accumulate(second - _APART * rank + of_user) - of_user + _APART * rank
    latest: Ints = length - _APART * (count - rank)
    return np.where(later < latest, later, latest)
