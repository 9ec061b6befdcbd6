import re

import pytest
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mmp_local_dev.contract.load.form import shipped
from mmp_local_dev.contract.load.spelling import pep440_range

RANGE = re.compile(shipped()["$defs"]["range"]["pattern"])

NPM_RANGES = [
    ("^1.2", ">=1.2,<2"),
    ("^1.2.3", ">=1.2.3,<2"),
    ("^0.3.1", ">=0.3.1,<0.4"),
    ("^0", ">=0,<1"),
    ("~1.2.3", ">=1.2.3,<1.3"),
    ("~1", ">=1,<2"),
    ("1.x", ">=1,<2"),
    ("1.2.*", ">=1.2,<1.3"),
    ("=1.2.X", ">=1.2,<1.3"),
    ("v17", ">=17,<18"),
    ("17.2", ">=17.2,<17.3"),
    ("1.2.3", "==1.2.3"),
    ("=1.2.3", "==1.2.3"),
    (">=1.2 <2", ">=1.2,<2"),
    (">= 1.2 < 2", ">=1.2,<2"),
    (">=1.x, <2", ">=1,<2"),
]


@pytest.mark.parametrize(("written", "meant"), NPM_RANGES)
def test_ranges_of_npm_are_translated(written: str, meant: str) -> None:
    assert RANGE.fullmatch(written) is None
    assert pep440_range(written) == meant
    assert RANGE.fullmatch(meant)


@pytest.mark.parametrize("text", ["", "latest", "*", "1.2 || 2", "1.2 - 2", "git+ssh://x", "1.2beta"])
def test_what_is_no_range_is_not_translated(text: str) -> None:
    assert pep440_range(text) is None


@pytest.mark.parametrize(
    "text", [">=1.2,<2", "~=1.2", "==3.*", "!=3.1.4", ">= 1.2 , < 2", ">=2.0rc1", "<4", "==1", ">1.2.3.4"]
)
def test_pep_440_ranges_are_accepted(text: str) -> None:
    assert RANGE.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["", "1.2", "~=1", ">=1.*", ">=1.2,", ",<2", ">=1.2 <2", "=>1", "===1.2", ">=1..2", ">=1.2\n"]
)
def test_other_ranges_are_refused(text: str) -> None:
    assert RANGE.fullmatch(text) is None


OPERATORS = ["~=", "==", "!=", "<=", ">=", "<", ">", "===", "=", "^", "~", ""]
VERSIONS = ["1", "1.2", "1.2.3", "01.0", "1.2rc1", "1.2a0", "1.*", "1.2.*", "1.*.2", "1rc1.*", "*", "1.", ".1", "1..2"]


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_schema_takes_for_a_clause_what_packaging_takes(operator: str) -> None:
    for version in VERSIONS:
        assert bool(RANGE.fullmatch(operator + version)) == is_pep_440(operator + version), operator + version


def is_pep_440(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return bool(text) and not text.startswith("===")  # exact text, which is no range
