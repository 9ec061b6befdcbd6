"""`init`: make a folder a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmp_local_dev import workspace_files
from mmp_local_dev.errors import MmpError
from mmp_local_dev.files import write_atomically

_IGNORED = (".mmp-dev/", ".env", ".env.*", "mlflow-artifacts/")


@dataclass(frozen=True)
class Init:
    """The workspace's folder, the files that were written, and those that were there and stay."""

    root: str
    written: tuple[str, ...]
    kept: tuple[str, ...]


def init(folder: Path) -> Init:
    """Write a workspace into `folder` (made when missing). What is there stays; `.gitignore` gains missing lines.

    Raises MmpError when the folder cannot be written.
    """
    written, kept = [], []
    try:
        for name in workspace_files.FILES:
            target = folder / name
            if target.exists():
                kept.append(name)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o755 if name.endswith(".sh") else 0o644
            write_atomically(target, workspace_files.text(name), mode=mode)
            written.append(name)
        (written if _ignore(folder / ".gitignore") else kept).append(".gitignore")
    except OSError as error:
        raise MmpError(f"{error.filename or folder} cannot be written: {error.strerror}.") from error
    return Init(str(folder.resolve()), tuple(written), tuple(kept))


def _ignore(path: Path) -> bool:
    """Append what is missing, as bytes: what is there may have any encoding and line ends."""
    content = path.read_bytes() if path.exists() else b""
    end = b"\r\n" if b"\r\n" in content else b"\n"
    missing = [line.encode() for line in _IGNORED if line.encode() not in content.splitlines()]
    if missing:
        start = end if content and not content.endswith(b"\n") else b""
        with path.open("ab") as file:
            file.write(start + b"".join(line + end for line in missing))
    return bool(missing)
