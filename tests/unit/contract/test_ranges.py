"""Ranges of versions: what lies in them is packaging's word, and which lies in which agrees with it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mmp_local_dev.contract.ranges import contains, is_subset

# Something in every gap between the bounds that `ranges` draws.
_NUMBERS = (
    *("0", "0.0.1", "0.1", "0.2", "0.5", "1", "1.0.1", "1.0.2", "1.0.3", "1.1", "1.1.1", "1.2", "1.2.1", "1.2.2"),
    *("1.3", "1.4", "2", "2.0.1", "2.1", "3", "3.0.1", "3.1", "4", "1!1"),
)
_SUFFIXES = ("", ".dev0", ".dev1", "a0", "a1", "a1.dev0", "rc1", "+local", ".post0", ".post1", ".post1.dev0", ".0.0.1")
GRID = [number + suffix for number in _NUMBERS for suffix in _SUFFIXES]

_final = st.sampled_from(["0", "0.1", "1", "1.0", "1.0.1", "1.1", "1.2.0", "1.2.1", "2", "2.0", "3.0"])
_specifiers = st.one_of(
    st.builds("{}{}".format, st.sampled_from([">=", ">", "<", "<=", "==", "!="]), _final),
    st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), _final),
    st.builds("~={}".format, _final.filter(lambda version: "." in version)),
)
ranges = st.lists(_specifiers, max_size=4).map(",".join)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [("17.10 (Debian 17.10-1.pgdg13+1)", "14.5 (Homebrew)"), ("17.0rc1", "18beta1"), ("15", "nothing known")],
)
def test_a_servers_banner_counts_as_its_release(inside: str, outside: str) -> None:
    assert contains(">=15,<18", inside)
    assert not contains(">=15,<18", outside)


def test_a_pre_release_lies_in_a_range_as_any_other_version() -> None:
    assert contains(">=1.2,<2", "1.3.0rc1")
    assert not contains(">=1.2,<2", "2.0.0rc1")


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (">=15,<16", ">=15,<18"),
        ("==1.4.2", "~=1.4"),
        ("~=1.4.2", "==1.4.*"),
        (">1", ">=1.0.0"),
        (">=1,<2,!=1.5", ">=1,<2"),
        ("<1.5", "!=1.5"),
        (">=3,<2", "==7"),
        (">=1", ""),
        ("<1.0.dev0", "<1.0"),
    ],
)
def test_the_narrower_lies_in_the_wider(inner: str, outer: str) -> None:
    assert is_subset(inner, outer)


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (">=15,<18", ">=15,<17"),
        ("", ">=0"),
        (">=1,<2", ">=1,<2,!=1.5"),
        (">=1", ">1"),
        ("<=2", "<2"),
        ("==1.*", "==1.0.*"),
        (">1.0.post1", ">1.0"),
    ],
)
def test_the_wider_does_not_lie_in_the_narrower(inner: str, outer: str) -> None:
    assert not is_subset(inner, outer)


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(InvalidSpecifier):
        is_subset("^1.2", "")


@settings(max_examples=150, deadline=None)
@given(inner=ranges, outer=ranges)
@example(inner=">1.0,<1.0.1", outer="!=1.0")
@example(inner=">=0", outer="")
def test_a_subset_is_what_samples_say(inner: str, outer: str) -> None:
    theirs, around = SpecifierSet(inner), SpecifierSet(outer)
    strays = [v for v in GRID if theirs.contains(v, prereleases=True) and not around.contains(v, prereleases=True)]
    assert is_subset(inner, outer) == (not strays), strays


@given(one=ranges)
def test_every_range_lies_in_itself_and_in_any(one: str) -> None:
    assert is_subset(f"{one},>=0.dev0".removeprefix(","), one)
    assert is_subset(one, "")


@given(one=ranges, other=ranges, third=ranges)
def test_what_lies_in_a_range_lies_in_all_around_it(one: str, other: str, third: str) -> None:
    inner, middle = ",".join(filter(None, (one, other, third))), ",".join(filter(None, (one, other)))
    assert is_subset(inner, middle)
    assert is_subset(middle, one)
    assert is_subset(inner, one)
