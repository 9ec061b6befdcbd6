"""`init`: make a folder a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import mmp_local_dev
from mmp_local_dev.errors import MmpError
from mmp_local_dev.files import write_atomically

TEMPLATE = ("dev-contract.yml", "scripts/verify_contract.py")
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
        for name in TEMPLATE:
            target = folder / name
            if target.exists():
                kept.append(name)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, _template(name))
            written.append(name)
        (written if _ignore(folder / ".gitignore") else kept).append(".gitignore")
    except OSError as error:
        raise MmpError(f"{error.filename or folder} cannot be written: {error.strerror}.") from error
    return Init(str(folder.resolve()), tuple(written), tuple(kept))


def _template(name: str) -> str:
    """A file of the template: in an installed package beside the modules, in a checkout at its top."""
    packaged = resources.files(mmp_local_dev) / "template" / name
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / name).read_text(encoding="utf-8")


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
