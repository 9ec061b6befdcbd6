"""Edges of bins: they rise, cover what they should and are few, whatever the numbers are."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mmp_local_dev.features import profile_bins as bins
from mmp_local_dev.features.profile_bins import MOST, MOST_MOMENTS, Scale, Spread

FINITE = st.floats(-1e100, 1e100)


def spread(*values: float) -> Spread:
    """That of these values, the quantiles among them."""
    ordered = sorted(values)
    last = len(ordered) - 1
    positive = min((value for value in ordered if value > 0), default=None)
    q01, median, q99 = (ordered[round(last * part)] for part in (0.01, 0.5, 0.99))
    return Spread(ordered[0], ordered[-1], q01, median, q99, positive)


@given(values=st.lists(FINITE, min_size=1, max_size=50), whole=st.booleans())
def test_edges_rise_and_are_few(values: list[float], *, whole: bool) -> None:
    numbers = [float(round(value)) for value in values] if whole else values
    edges = bins.of_numbers(spread(*numbers), whole=whole)
    assert 2 <= len(edges.values) <= MOST + 3
    assert all(low < high for low, high in pairwise(edges.values))


@given(st.lists(FINITE, min_size=1, max_size=50))
def test_every_number_is_counted_once_and_nearly_all_between_the_edges(values: list[float]) -> None:
    of = spread(*values)
    edges = bins.of_numbers(of, whole=False)
    below, *between, above = bins.counted(edges.values, [(value, 1) for value in values])
    assert below + sum(between) + above == len(values)
    assert above <= sum(value > of.q99 for value in values)


@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=20), st.sampled_from([MOST, MOST_MOMENTS]))
def test_moments_of_all_times(values: list[float], most: int) -> None:
    edges = bins.of_moments(spread(*values), most=most)
    assert 2 <= len(edges.values) <= most + 3
    assert all(low < high for low, high in pairwise(edges.values))
    assert edges.scale is Scale.CALENDAR
    for edge in edges.values:
        bins.moment(edge)
