"""Files that are no Feast registry, or only a part of one: told as that, whatever is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmp_local_dev.errors import MmpError
from mmp_local_dev.services import feast_registry


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message: a message or text, as it stands in a file."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) if number < 16 else bytes([number << 3 & 127 | 130, 1, len(content)])


def message(*fields: tuple[int, bytes]) -> bytes:
    return b"".join(field(number, content) + content for number, content in fields)


NAMED = message((1, b"shop"))
ENTITY = message((1, message((1, b"user"), (4, b"user_id"), (9, b"shop")) + b"\x10\x02"))
REGISTRY = message((17, message((1, NAMED))), (1, ENTITY))


def test_a_registry(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(REGISTRY)
    (project,) = feast_registry.read(path).projects.values()
    assert (project.name, project.views, project.services) == ("shop", {}, {})
    assert project.entities == {"user": feast_registry.RegisteredEntity("user_id", "String")}


def test_one_of_an_older_feast_names_its_project_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(message((15, NAMED)))
    assert list(feast_registry.read(path).projects) == ["shop"]


def test_a_type_that_is_not_known_has_its_number_for_a_name(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(REGISTRY[:-1] + b"\x7f")
    assert feast_registry.read(path).projects["shop"].entities["user"].dtype == "value type 127"


def unusable(path: Path) -> str:
    with pytest.raises(MmpError) as raised:
        feast_registry.read(path)
    assert raised.value.code == "REGISTRY_UNUSABLE"
    return raised.value.message


class TestUnusable:
    def test_none(self, tmp_path: Path) -> None:
        assert "No such file" in unusable(tmp_path / "registry.db")

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "is no file" in unusable(tmp_path)

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "registry.db")
        assert "is no file" in unusable(tmp_path / "registry.db")

    def test_one_too_large_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "registry.db"
        path.touch()
        os.truncate(path, 2**40)
        assert "more than 64 MB" in unusable(path)

    def test_text(self, tmp_path: Path) -> None:
        path = tmp_path / "registry.db"
        path.write_text("project: shop\n")
        assert "no Feast registry" in unusable(path)

    @pytest.mark.parametrize("length", range(1, len(REGISTRY)))
    def test_a_part(self, tmp_path: Path, length: int) -> None:
        """Cut between two messages it is a smaller registry, which lacks what comes behind."""
        path = tmp_path / "registry.db"
        path.write_bytes(REGISTRY[:length])
        if length == len(message((17, message((1, NAMED))))):
            assert feast_registry.read(path).projects["shop"].entities == {}
        else:
            assert "part of one" in unusable(path)


@given(st.binary(max_size=64), st.integers(0, len(REGISTRY)))
def test_anything_else_never_crashes(tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int) -> None:
    path = tmp_path_factory.getbasetemp() / "registry.db"
    path.write_bytes(REGISTRY[:place] + noise + REGISTRY[place:])
    code = ""
    try:
        feast_registry.read(path)
    except MmpError as error:
        code = error.code
    assert code in ("", "REGISTRY_UNUSABLE")
