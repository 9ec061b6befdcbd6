"""The files of a workspace as text from anybody: bounded, read as UTF-8, and quoted by file and line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmp_local_dev.errors import InputError
from mmp_local_dev.files import TextRefused, read_text

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
    try:
        return read_text(root / name, most_bytes=MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileBroken(f"{name}: cannot be read: {error.strerror}") from None
    except TextRefused as refused:
        place = str(Place(name, refused.line)) if refused.line else name
        raise FileBroken(f"{place}: {refused}") from None


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
