"""Files that are read within limits and never half written, and the lock that keeps two commands apart."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mmp_local_dev.errors import MmpError, Repair


class TextRefused(Exception):
    """A file is not what `read_text` reads; the text says why, `line` where, counted from 1, 0 for as a whole."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


def read_text(path: Path, *, most_bytes: int) -> str:
    """The UTF-8 text of a file that anybody may have written, without a byte order mark.

    Raises OSError when it cannot be read, TextRefused when it is no regular file, larger than that, or no such text.
    """
    # A pipe would make us wait for its writer, and a device may never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise TextRefused("is not a file")
    with path.open("rb") as stream:
        data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise TextRefused(f"is larger than {most_bytes // 1024} KiB, more than is read here")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextRefused("is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace `path` by `text` (UTF-8) in one step: a reader or a crash sees the old file or the new one, whole.

    `mode` holds from the first byte on. Raises OSError when the folder cannot be written or the disk is full; the
    old file is then untouched.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def put_in_place(made: Path, path: Path, *, mode: int) -> None:
    """Replace `path` by the file `made`, which stands in the same folder, in one step that lasts. Raises OSError."""
    with made.open("rb") as file:
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    made.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_if_changed(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Write `text` atomically unless `path` already holds it with that mode; True when it was written."""
    if path.is_file() and path.stat().st_mode & 0o777 == mode and path.read_bytes() == text.encode():
        return False
    write_atomically(path, text, mode=mode)
    return True


def check_writable(path: Path) -> None:
    """Make `path`'s folder, and find out whether `write_text` will do. Raises OSError when it will not."""
    with suppress(FileExistsError):  # something else than a folder, as the next step tells
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():  # opening a pipe would already tell its reader something
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return
    with tempfile.TemporaryFile(dir=path.resolve().parent):
        pass


def write_text(path: Path, text: str) -> None:
    """Write `text` atomically, behind a link if `path` is one; into what is no plain file, such as a pipe, at once.

    Characters that UTF-8 does not have (half of a pair, as in a file's name that is no UTF-8) become `?`.
    """
    possible = text.encode("utf-8", "replace").decode("utf-8")
    if path.exists() and not path.is_file():
        path.write_text(possible, encoding="utf-8")
    else:
        write_atomically(path.resolve(), possible)


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A new file (0600) in place of `path`, open for writing; on the disk when this ends."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 -- takes modes
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def lock(path: Path, *, timeout: float, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`, calling `waiting` once when somebody else has it.

    The kernel releases it when its holder dies. Raises MmpError after `timeout` seconds.
    """
    from filelock import FileLock, Timeout

    guard = FileLock(path, mode=0o600)
    try:
        guard.acquire(timeout=0)
    except Timeout:
        waiting()
        try:
            guard.acquire(timeout=timeout, poll_interval=0.05)
        except Timeout:
            raise MmpError(
                f"Another mmp-dev command has been working on this stack for more than {timeout:.0f} seconds.",
                repairs=[Repair("mmp-dev status", "shows what runs; end the other command, or wait for it")],
                code="LOCKED",
            ) from None
    try:
        yield
    finally:
        guard.release()
