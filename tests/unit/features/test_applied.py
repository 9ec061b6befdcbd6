"""What the last apply left: kept as it was, and no reason to fail when the file is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmp_local_dev.errors import MmpError
from mmp_local_dev.features import applied
from mmp_local_dev.features.applied import Applied

SOME = Applied("d1", "r1", "0.67.0", 3, "t1", {"merchant_stats": ("", "amount_max_30d")})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    registry = tmp_path / "registry.db"
    applied.save(registry, SOME)
    assert applied.load(registry) == SOME
    assert [path.name for path in tmp_path.iterdir()] == ["registry.db.applied.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"unknown": 1}', '{"leftovers": 1}', '{"leftovers": {"v": 1}}']
)
def test_a_damaged_one_counts_for_nothing(tmp_path: Path, text: str) -> None:
    registry = tmp_path / "registry.db"
    applied.beside(registry).write_text(text)
    assert applied.load(registry) == Applied()


def test_without_one_nothing_is_known(tmp_path: Path) -> None:
    assert applied.load(tmp_path / "registry.db") == Applied()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MmpError, match="cannot be written") as raised:
        applied.save(tmp_path / "file" / "registry.db", SOME)
    assert raised.value.code == "REGISTRY_UNUSABLE"
