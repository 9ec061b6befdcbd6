"""The process that applies definitions, when it does not get far; what it does with real Feast: test_feast_apply.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.features.candidate import Candidate
from writer import eventually

BEFORE = b"what was there"


class Place:
    """A repository, a registry, and a folder with a `feast` that does what a test wants."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repository, self.registry = folder / "feast_repo", folder / "feast" / "registry.db"
        self.modules = folder / "modules"
        for each in (self.repository, self.registry.parent, self.modules):
            each.mkdir()
        self.registry.write_bytes(BEFORE)
        monkeypatch.setenv("PYTHONPATH", str(self.modules), prepend=":")

    def begun(self, feast: str) -> Candidate:
        (self.modules / "feast.py").write_text(feast)
        return Candidate(self.repository, self.registry, Environment({"PASSWORD": "s3cret"}, {"PASSWORD"}))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.registry.parent.iterdir())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path, monkeypatch)
    yield made
    assert made.registry.read_bytes() == BEFORE
    assert made.left() == ["registry.db"]


def refused(candidate: Candidate) -> MmpError:
    with candidate:
        candidate.offline_store_is_ready()
        with pytest.raises(MmpError) as raised:
            candidate.key_version(timeout=60)
    return raised.value


def test_a_feast_that_is_not_whole_is_to_be_installed(place: Place) -> None:
    error = refused(place.begun("raise ImportError('there is no pyarrow')"))
    assert (error.code, error.exit_code) == ("FEAST_NOT_INSTALLED", 3)
    assert "there is no pyarrow" in error.message
    assert error.repairs[0].command.endswith("-m pip install 'mmp-local-dev[features]'")


@pytest.mark.parametrize(
    ("end", "told"),
    [("os._exit(5)", "with exit code 5"), ("os.kill(os.getpid(), 9)", "was ended by signal 9")],
    ids=["exit", "killed"],
)
def test_an_end_without_an_answer_is_told_with_what_was_printed(place: Place, end: str, told: str) -> None:
    error = refused(place.begun(f"import os\nprint('the password is s3cret', flush=True)\n{end}"))
    assert (error.code, error.exit_code) == ("APPLY_FAILED", 3)
    assert told in error.message
    assert error.detail == "the password is ********"


def test_one_without_an_end_is_ended_with_all_that_it_started(place: Place, tmp_path: Path) -> None:
    child = tmp_path / "child"
    feast = (
        f"import pathlib, subprocess, time\nchild = subprocess.Popen(['sleep', '100'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid))\ntime.sleep(100)\n"
    )
    with place.begun(feast) as candidate:
        candidate.offline_store_is_ready()
        assert eventually(lambda: child.exists() and child.read_text() != "")
        with pytest.raises(MmpError, match="took longer than 0 seconds"):
            candidate.key_version(timeout=0)
    pid = int(child.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_an_interruption_left_goes(place: Place) -> None:
    (place.registry.parent / ".registry.db.abc.candidate").write_bytes(b"half")
    with place.begun("raise ImportError") as candidate:
        assert place.left() == [candidate.path.name, "registry.db"]
        assert candidate.path.read_bytes() == BEFORE


def test_a_registry_that_somebody_else_has_written_meanwhile_stays(place: Place) -> None:
    with place.begun("raise ImportError") as candidate:
        place.registry.write_bytes(b"another")
        with pytest.raises(MmpError) as raised:
            candidate.put_in_place()
        assert raised.value.code == "REGISTRY_CHANGED"
        assert place.registry.read_bytes() == b"another"
        place.registry.write_bytes(BEFORE)
