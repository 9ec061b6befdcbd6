"""Chance that comes out the same everywhere: the raw numbers of a fixed generator, and nothing but IEEE arithmetic.

What libraries make of random numbers (normal variates, choices, `np.interp`) changes with their versions; `exp`, `log`
and the sum of floats change with the platform. So all is drawn from tables here, one exactly rounded step at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PLACES = 1024  # that a choice has
_RESOLUTION = 256  # steps of a quantile table


class Chance:
    """The stream number `stream` of a seed, of 0 to 2**64 - 1 each. Two streams have nothing in common."""

    def __init__(self, seed: int, stream: int) -> None:
        import numpy as np

        self._bits = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))

    def raw(self, count: int) -> NDArray[np.uint64]:
        """Whole numbers of 64 bits."""
        return self._bits.random_raw(count)

    def uniform(self, count: int) -> Floats:
        """Numbers from 0 up to, not including, 1, in steps of 2**-53."""
        return (self.raw(count) >> 11).astype("float64") * 2.0**-53

    def below(self, bound: int | Ints, count: int) -> Ints:
        """Whole numbers from 0 up to, not including, `bound`."""
        return whole(self.uniform(count) * bound)


def whole(values: Floats) -> Ints:
    """What is left of each number, none of them negative, without its fraction."""
    import numpy as np

    return values.astype(np.int64)


def rounded(values: Floats, steps: float) -> Floats:
    """To the nearest of so many steps in a unit."""
    import numpy as np

    return np.floor(values * steps + 0.5) / steps


def quantiles(points: Sequence[tuple[float, float]]) -> list[float]:
    """A table for `draw` of a distribution, given as (share, value): below a share of all draws, they stay below value.

    The first share is 0, the last 1; in between the values are joined by straight lines.
    """
    return [_line(points, step / _RESOLUTION) for step in range(_RESOLUTION + 1)]


def profile(weights: Sequence[int], length: float) -> list[float]:
    """A table for `draw` of places from 0 up to `length`, whose equal parts are as likely as their `weights` say."""
    part, total, so_far = length / len(weights), sum(weights), 0
    points = [(0.0, 0.0)]
    for number, weight in enumerate(weights, 1):
        so_far += weight
        points.append((so_far / total, number * part))
    return quantiles(points)


def slots(weights: Sequence[int], size: int = PLACES) -> list[int]:
    """Numbers of `weights`, each in as many of `size` places as its weight deserves: one place drawn is one choice."""
    total, so_far, borders = sum(weights), 0, [0]
    for weight in weights:
        so_far += weight
        borders.append(int(so_far / total * size + 0.5))
    return [number for number in range(len(weights)) for _ in range(borders[number + 1] - borders[number])]


def draw(table: Floats, uniform: Floats, row: Ints | None = None) -> Floats:
    """A value for each of `uniform`, from a quantile table, or from the `row`s of an array of such tables."""
    scaled = uniform * _RESOLUTION
    place = whole(scaled)
    at: Any = place if row is None else (row, place)
    after: Any = place + 1 if row is None else (row, place + 1)
    low: Floats = table[at]
    high: Floats = table[after]
    return low + (scaled - place) * (high - low)


def _line(points: Sequence[tuple[float, float]], share: float) -> float:
    for (low, start), (high, end) in pairwise(points):
        if share <= high and high > low:
            return start + (share - low) / (high - low) * (end - start)
    return points[-1][1]
