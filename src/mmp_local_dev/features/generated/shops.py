"""The tables that purchases are drawn from, made once of what `world` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmp_local_dev.features.generated import world
from mmp_local_dev.features.generated.randomness import profile, quantiles, slots

if TYPE_CHECKING:
    from mmp_local_dev.features.generated.randomness import Flags, Floats, Ints


class Shops:
    """So many merchants, and what is bought of them: when, how often, and for how much.

    Quantile tables are for `randomness.draw`; the others have a choice for each of `PLACES` equally likely places.
    """

    def __init__(self, merchants: int) -> None:
        import numpy as np

        kinds, cities = world.CATEGORIES, world.CITIES
        rest = slots([kind.weight for kind in kinds], merchants - len(kinds))
        # Each category has one merchant at least. Those of a category are neighbours.
        self.counts: Ints = np.bincount(rest, minlength=len(kinds)) + 1
        self.first: Ints = np.cumsum(self.counts) - self.counts
        # A category for each place, a row for each lifestyle; and one row of what thieves buy.
        self.wanted = _choices([[_weight(kind, more) for kind in kinds] for _, more in world.LIFESTYLES])
        self.stolen = _choices([[kind.stolen_weight for kind in kinds]])[0]
        self.weekdays = _choices([kind.weekdays for kind in kinds])
        # The second of the day: a row for each category, and the last for thieves.
        self.hours = _tables([profile(each, world.DAY) for each in (*(k.hours for k in kinds), world.STOLEN_HOURS)])
        # Dollars: a row for each category, then one of each for thieves.
        points = [kind.amounts for kind in kinds] + [kind.stolen_amounts for kind in kinds]
        self.amounts = _tables([quantiles(each) for each in points])
        self.online: Flags = np.array([kind.online for kind in kinds])
        # Degrees from where somebody is, and where the cities are.
        self.around = _tables([quantiles(world.AROUND)])[0]
        self.latitudes = _tables([[city.latitude for city in cities]])[0]
        self.longitudes = _tables([[city.longitude for city in cities]])[0]


def _weight(kind: world.Category, more: dict[str, int]) -> int:
    return kind.weight * more.get(kind.name, 100)


def _choices(weights: list[list[int]] | list[tuple[int, ...]]) -> Ints:
    import numpy as np

    return np.array([slots(each) for each in weights], dtype=np.int64)


def _tables(rows: list[list[float]]) -> Floats:
    import numpy as np

    return np.array(rows, dtype=np.float64)
