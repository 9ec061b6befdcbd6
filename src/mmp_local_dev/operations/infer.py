"""`contract infer`: a draft of a consumer's requirements, from its files."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmp_local_dev.contract.infer import configs, python, sql
from mmp_local_dev.contract.infer.draft import draft
from mmp_local_dev.contract.infer.sightings import Sighting, merged
from mmp_local_dev.contract.load import load
from mmp_local_dev.errors import InputError, MmpError, Repair
from mmp_local_dev.events import Emit, Warned
from mmp_local_dev.files import write_atomically

MOST_BYTES = 1024 * 1024

_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "env", "build", "dist"})
_TESTS = frozenset({"test", "tests", "testing"})


@dataclass(frozen=True)
class Inferred:
    """The draft, the file that it was written to ("" if to none), and how many files were read."""

    text: str
    file: str
    read: int


def infer(
    path: Path, *, emit: Emit, output: Path | None = None, contract_file: Path | None = None, tests: bool = False
) -> Inferred:
    """Draft requirements from the file or folder `path`: Python, SQL, and configurations in YAML and JSON.

    Environments, hidden folders, files over MOST_BYTES and, unless `tests`, tests are left out; what cannot be read is
    told as a warning. With a contract, what it promises is taken for a start. Raises InputError when nothing is found,
    or when `output` is there already.
    """
    if output and output.exists():
        raise InputError(f"{output} is there already, and a draft replaces nothing.", code="FILE_EXISTS")
    files = list(_files(path, tests=tests))
    root = path if path.is_dir() else path.parent
    finds = merged((file.relative_to(root).as_posix(), seen) for file in files for seen in _seen(file, emit))
    if not finds:
        raise _nothing_found(path, len(files))
    text = draft(*_named(root), finds, load(contract_file) if contract_file else None)
    if output:
        _write(output, text)
    return Inferred(text, str(output) if output else "", len(files))


def _files(path: Path, *, tests: bool) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if _is_code(name, tests=tests))
        for name in sorted(names):
            is_test = name.startswith("test_") or name == "conftest.py"
            if _reader(name) and (tests or not is_test):
                yield Path(folder) / name


def _is_code(folder: str, *, tests: bool) -> bool:
    return not folder.startswith(".") and folder not in _SKIPPED and (tests or folder not in _TESTS)


def _reader(name: str) -> Callable[[str], Iterator[Sighting]] | None:
    """What reads a file of this name; that of a template is what it becomes."""
    suffixes = [part.lower() for part in Path(name.removesuffix(".j2").removesuffix(".jinja")).suffixes[-1:]]
    readers = {".py": python.sightings, ".sql": _statements}
    readers |= dict.fromkeys((".yml", ".yaml", ".json"), configs.sightings)
    return readers.get(suffixes[0]) if suffixes and not name.endswith(".req.yml") else None


def _statements(text: str) -> Iterator[Sighting]:
    return (Sighting(subject, 1) for subject in sql.reads(text))


def _seen(file: Path, emit: Emit) -> Iterator[Sighting]:
    """What is seen in a file; nothing, and a warning, when it cannot be read."""
    read = _reader(file.name)
    try:
        if read is None or file.stat().st_size > MOST_BYTES:
            raise ValueError(f"larger than {MOST_BYTES // 1024} KiB" if read else "not a kind of file that is read")
        found = sorted(read(file.read_text(encoding="utf-8-sig")), key=lambda sighting: sighting.line)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        emit(Warned(f"{file} was left out: {error or type(error).__name__}"))
        return
    yield from found


def _named(root: Path) -> tuple[str, str]:
    """Name and version of the project in a folder."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        project = {}
    return str(project.get("name") or root.resolve().name), str(project.get("version", ""))


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise MmpError(f"{path} cannot be written: {error.strerror}.") from error


def _nothing_found(path: Path, read: int) -> InputError:
    return InputError(
        f"Nothing in {path} reads a variable, a service, a table or a feature ({read} files read).",
        repairs=[Repair("mmp-dev contract infer --help", "says what is looked for")],
        code="NOTHING_FOUND",
    )
