"""The names of the schemas in which tables are filled before they are put in place."""

from __future__ import annotations

import pytest

from mmp_local_dev.services.postgresql_staging import name_beside


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("features", "features_loading"),
        ("s" * 63, "s" * 55 + "_loading"),
        ("é" * 31, "é" * 27 + "_loading"),  # a letter of two bytes is not cut in two
    ],
)
def test_it_is_told_whole_whatever_the_schema_is_called(schema: str, name: str) -> None:
    assert name_beside(schema) == name
    assert len(name.encode()) <= 63
