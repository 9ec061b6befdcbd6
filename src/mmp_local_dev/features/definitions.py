"""The feature definitions of a workspace: what an apply reads, as a digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

FOLDER = "feast_repo"

# What definitions are written in and read themselves; not data, of which Feast's own templates keep plenty there.
_SUFFIXES = (".json", ".py", ".sql", ".toml", ".yaml", ".yml")
_IGNORED = (".git", ".ipynb_checkpoints", ".venv", "__pycache__")
_VARIABLES = ("FEAST_DB_SCHEMA", "FEAST_PROJECT", "FEAST_REGISTRY_PATH")


def files(folder: Path) -> Iterator[Path]:
    """The files of a Feast repository, in order; none when there is no such folder. Raises OSError."""
    for path in sorted(folder.rglob("*")):
        named = path.suffix in _SUFFIXES or path.name == ".feastignore"
        if named and path.is_file() and not set(_IGNORED) & {*path.relative_to(folder).parts}:
            yield path


def digest(folder: Path, env: Mapping[str, str]) -> str:
    """What stands in these files, and in the variables by which they differ from stack to stack. Raises OSError."""
    found = sha256(repr([env.get(name) for name in _VARIABLES]).encode())
    for path in files(folder):
        found.update(f"\n{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def feast_version() -> str:
    """Of the Feast in this Python, "" when there is none. It is not imported for that."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("feast")
    except PackageNotFoundError:
        return ""
