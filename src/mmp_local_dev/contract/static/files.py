"""The files of a workspace as text from anybody: bounded, read as UTF-8, and quoted by file and line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from mmp_local_dev.errors import InputError

MOST_BYTES = 4 * 1024 * 1024
MOST_FILES = 500

# Folders of programs and packages, which hold no definitions of this provider.
_FOREIGN = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})


class FileBroken(InputError):
    """A file of the provider cannot be read; the message starts with the file, and its line where there is one."""

    code = "FILE_BROKEN"


@dataclass(frozen=True)
class Place:
    """Where something stands: the file relative to the workspace, and the line from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def text_of(root: Path, name: str) -> str | None:
    """The text of the file `name` below `root`; None when there is none. Raises FileBroken."""
    path = root / name
    try:
        # A pipe would make us wait for its writer, and a device may never end.
        if not S_ISREG(path.stat().st_mode):
            raise FileBroken(f"{name}: is not a file")
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileBroken(f"{name}: cannot be read: {error.strerror}") from None
    return _decoded(name, data)


def _decoded(name: str, data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise FileBroken(f"{name}: is larger than {MOST_BYTES // 1024 // 1024} MiB, more than is read here")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileBroken(f"{name}:{line}: is not UTF-8 text") from None


def texts_in(root: Path, folder: str, suffix: str) -> dict[str, str]:
    """The texts of all files below `folder` that end in `suffix`, by name in the order of the names.

    Empty when there is no such folder. Raises FileBroken, also when there are more than MOST_FILES.
    """
    names = []
    for name in _names(root, folder, suffix):
        names.append(name)
        if len(names) > MOST_FILES:
            raise FileBroken(f"{folder}: has more than {MOST_FILES} files {suffix}, more than are read here")
    texts = ((name, text_of(root, name)) for name in sorted(names))
    return {name: text for name, text in texts if text is not None}


def _names(root: Path, folder: str, suffix: str) -> Iterator[str]:
    for above, folders, files in os.walk(root / folder):
        folders[:] = [each for each in folders if not each.startswith(".") and each not in _FOREIGN]
        for file in files:
            if file.endswith(suffix):
                yield (Path(above) / file).relative_to(root).as_posix()
