"""What data sets are called, and which rows are a seed's."""

from __future__ import annotations

import pytest

from mmp_local_dev.features import data_set
from mmp_local_dev.services.postgresql_contents import Held


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (data_set.generated_name(50_000, 42), 50_000),
        (data_set.generated_name(1, 42, 7), 1),
        (data_set.imported_name("fraudTrain.csv", 1_296_675, "0123456789abcdef"), 1_296_675),
        (data_set.imported_name("mine: 3 rows, copied.csv", 12, "0123456789abcdef"), 12),
        ("", None),
        ("my own table", None),
    ],
)
def test_a_name_tells_the_number_of_rows(name: str, rows: int | None) -> None:
    assert data_set.rows_of(name) == rows


def test_names() -> None:
    assert data_set.generated_name(50_000, 42) == "card-fraud 1: 50000 rows, seed 42"
    assert data_set.imported_name("f.csv", 1, "0123456789abcdef") == "f.csv: 1 row, sha256 0123456789ab"


def test_rows_are_a_seeds_when_their_table_says_so_and_none_came_or_went() -> None:
    name = data_set.generated_name(10, 1)
    found = {
        "transactions": Held(name, 10, 10),
        "user_demographics": Held(name, 3, 2),
        "user_transaction_stats": Held("", 9, 9),
        "merchant_stats": Held("", 0, None),
        "category_stats": Held(name, 1, None),
    }
    own = data_set.own_rows(found)
    assert own == {"user_demographics": 3, "user_transaction_stats": 9, "category_stats": 1}
    told = "3 rows of user_demographics, 9 rows of user_transaction_stats, 1 row of category_stats"
    assert data_set.described(own) == told
