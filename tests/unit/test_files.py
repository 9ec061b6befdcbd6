from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import BaseFileLock

from mmp_local_dev.errors import MmpError
from mmp_local_dev.files import lock, write_atomically, write_if_changed

HOLD = """
import sys
from pathlib import Path
from mmp_local_dev.files import lock
with lock(Path(sys.argv[1]), timeout=0, waiting=lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def take(path: Path, *, timeout: float = 0) -> int:
    """Take and release the lock; how often it told that it waits."""
    told: list[None] = []
    with lock(path, timeout=timeout, waiting=lambda: told.append(None)):
        return len(told)


class TestWriteAtomically:
    def test_text_arrives_byte_for_byte(self, tmp_path: Path) -> None:
        write_atomically(tmp_path / "f", "größe\r\n漢\n")
        assert (tmp_path / "f").read_bytes() == "größe\r\n漢\n".encode()

    def test_a_failed_write_leaves_the_old_file_whole_and_nothing_beside_it(self, tmp_path: Path) -> None:
        path = tmp_path / "f"
        write_atomically(path, "old", mode=0o600)
        with pytest.raises(UnicodeEncodeError):
            write_atomically(path, "x" * 100_000 + "\ud800")  # some of it is on the disk when the rest cannot follow
        assert path.read_text() == "old"
        assert mode(path) == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_a_full_disk_leaves_the_old_file_whole(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        write_atomically(tmp_path / "f", "old")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(tmp_path / "f", "new")
        assert (tmp_path / "f").read_text() == "old"
        assert os.listdir(tmp_path) == ["f"]  # noqa: PTH208 -- hidden ones too

    def test_the_new_file_is_on_the_disk_before_it_takes_the_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[str, int]] = []

        def fsync(handle: int) -> None:
            seen.append(((tmp_path / "f").read_text(), os.fstat(handle).st_size))

        write_atomically(tmp_path / "f", "old")
        monkeypatch.setattr(os, "fsync", fsync)
        write_atomically(tmp_path / "f", "newer")
        assert seen == [("old", len("newer"))]

    @pytest.mark.parametrize("wanted", [0o600, 0o644])
    def test_the_mode_holds_from_the_first_byte(
        self, wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        modes: list[int] = []
        real = os.fchmod

        def fchmod(handle: int, to: int) -> None:
            status = os.fstat(handle)
            modes.append(stat.S_IMODE(status.st_mode))
            assert status.st_size == 0
            real(handle, to)

        monkeypatch.setattr(os, "fchmod", fchmod)
        before = os.umask(0)
        try:
            write_atomically(tmp_path / "f", "secret" * 10_000, mode=wanted)  # more than a buffer holds
        finally:
            os.umask(before)
        assert modes == [0o600]
        assert mode(tmp_path / "f") == wanted

    def test_a_folder_that_is_not_there_is_an_oserror(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            write_atomically(tmp_path / "missing" / "f", "x")


class TestWriteIfChanged:
    def test_writes_only_what_is_not_there(self, tmp_path: Path) -> None:
        path = tmp_path / "f"
        assert write_if_changed(path, "a\n")
        node = path.stat().st_ino
        assert not write_if_changed(path, "a\n")
        assert path.stat().st_ino == node
        assert write_if_changed(path, "b\n")
        assert path.read_text() == "b\n"

    def test_a_file_that_others_could_read_is_written_anew(self, tmp_path: Path) -> None:
        path = tmp_path / "f"
        write_atomically(path, "secret", mode=0o644)
        assert write_if_changed(path, "secret", mode=0o600)
        assert mode(path) == 0o600
        assert not write_if_changed(path, "secret", mode=0o600)

    def test_line_ends_are_a_difference(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"a\r\n")
        assert write_if_changed(tmp_path / "f", "a\n")


class TestLock:
    @pytest.fixture(autouse=True)
    def no_collector(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lock that nobody releases would be released when it is collected, some time or other."""
        monkeypatch.setattr(BaseFileLock, "__del__", lambda _self: None)

    def test_a_free_lock_is_taken_without_a_word_and_released(self, tmp_path: Path) -> None:
        assert [take(tmp_path / "lock") for _ in range(2)] == [0, 0]
        assert mode(tmp_path / "lock") == 0o600

    def test_it_is_released_after_a_failure(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), lock(tmp_path / "lock", timeout=0, waiting=lambda: None):
            raise ZeroDivisionError
        assert take(tmp_path / "lock") == 0

    def test_a_second_holder_is_told_once_and_then_refused(self, tmp_path: Path) -> None:
        told: list[None] = []
        with (
            lock(tmp_path / "lock", timeout=0, waiting=lambda: None),
            pytest.raises(MmpError, match="Another mmp-dev command") as caught,
            lock(tmp_path / "lock", timeout=0.2, waiting=lambda: told.append(None)),
        ):
            pytest.fail("two hold the same lock")
        assert caught.value.code == "LOCKED"
        assert caught.value.exit_code == 3
        assert caught.value.repairs
        assert len(told) == 1

    def test_who_waits_gets_it_when_the_holder_is_done(self, tmp_path: Path) -> None:
        waits = threading.Event()
        order: list[str] = []

        def wait() -> None:
            with lock(tmp_path / "lock", timeout=30, waiting=waits.set):
                order.append("second")

        second = threading.Thread(target=wait, daemon=True)
        with lock(tmp_path / "lock", timeout=0, waiting=lambda: None):
            second.start()
            assert waits.wait(30)
            order.append("first")
        second.join(30)
        assert order == ["first", "second"]

    def test_another_process_is_excluded_until_it_dies(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(MmpError, match="Another mmp-dev command"):
                take(tmp_path / "lock")
            holder.kill()
            holder.wait(30)
            assert take(tmp_path / "lock", timeout=30) in (0, 1)
