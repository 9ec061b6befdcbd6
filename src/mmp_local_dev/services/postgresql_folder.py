"""The folder that holds a dump of PostgreSQL: its files, and the index that tells whether they are whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmp_local_dev.errors import MmpError
from mmp_local_dev.files import write_atomically
from mmp_local_dev.services.postgresql_database import Database

FORMAT = 1
INDEX = "index.json"
BLOCK = 1 << 20  # bytes that are read or moved at a time


@dataclass(frozen=True)
class Part:
    """One file of a dump: its name in the folder, its size in bytes, and the SHA-256 of what it holds."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Archive:
    """A database and the file with what is in it, which does not tell whether there is a schema `public`."""

    database: Database
    has_public: bool
    part: Part


@dataclass(frozen=True)
class Index:
    """What a dump holds. `server_version` is PostgreSQL's number for it, such as 170010."""

    server_version: int
    roles: Sequence[str]
    roles_part: Part
    archives: Sequence[Archive]

    @property
    def parts(self) -> Sequence[Part]:
        """All files but the index."""
        return [self.roles_part, *(archive.part for archive in self.archives)]


def begin(folder: Path) -> None:
    """Make the folder, closed to others. One that held a dump is none any more until its new index is written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / INDEX).unlink(missing_ok=True)


def write(folder: Path, index: Index) -> None:
    """Write the index: only now the folder holds a dump."""
    content = {"format": FORMAT, **asdict(index)}
    write_atomically(folder / INDEX, json.dumps({**content, "sha256": _digest(content)}, indent=2) + "\n", mode=0o600)


def read(folder: Path) -> Index:
    """The index, after every file was held against it.

    Raises MmpError with code DUMP_DAMAGED when anything is missing or differs, and DUMP_TOO_NEW when a newer mmp-dev
    wrote it.
    """
    try:
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        whole = content.pop("sha256") == _digest(content)
        known = content.pop("format") == FORMAT
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        whole = known = False
    if not whole:
        raise _damaged(folder, f"its {INDEX} is missing, or is not as it was written")
    if not known:
        raise MmpError(
            f"The dump in {folder} was written by a newer mmp-dev, in a form unknown here.", code="DUMP_TOO_NEW"
        )
    index = _index(content)
    for part in index.parts:
        _check(folder, part)
    return index


def sha256(path: Path) -> str:
    """The digest of a file, as the index has it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _index(content: dict[str, Any]) -> Index:
    archives = [
        Archive(Database(**each["database"]), each["has_public"], Part(**each["part"])) for each in content["archives"]
    ]
    return Index(content["server_version"], content["roles"], Part(**content["roles_part"]), archives)


def _check(folder: Path, part: Part) -> None:
    path = folder / part.file
    if not path.is_file():
        raise _damaged(folder, f"{part.file} is missing")
    if (size := path.stat().st_size) != part.size:
        raise _damaged(folder, f"{part.file} has {size} bytes instead of {part.size}")
    if sha256(path) != part.sha256:
        raise _damaged(folder, f"{part.file} is not what was written")


def _damaged(folder: Path, why: str) -> MmpError:
    return MmpError(f"The dump in {folder} is damaged: {why}. Nothing was changed.", code="DUMP_DAMAGED")


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
