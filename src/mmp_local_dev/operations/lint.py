"""`contract lint`: what is wrong with a contract, and the mechanical part of it mended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mmp_local_dev.contract.fix import fixed
from mmp_local_dev.contract.lint import KIND, Linted
from mmp_local_dev.contract.lint import lint as linted
from mmp_local_dev.errors import MmpError
from mmp_local_dev.files import write_atomically

_MARK = b"\xef\xbb\xbf"  # the byte order mark that some editors write


@dataclass(frozen=True)
class Lint:
    """The verdict on one file, after what `fixed` says was done to it."""

    result: Linted
    fixed: tuple[str, ...] = ()


def lint(path: Path, *, fix: bool = False) -> Lint:
    """Look for everything that is wrong with the file; with `fix`, mend first what is mechanical in a contract.

    Raises ContractInvalid when the file cannot be read at all, MmpError when it cannot be written.
    """
    result = linted(path, today=date.today())
    if not fix or result.clean or result.kind != KIND:
        return Lint(result)
    done = _mend(path)
    return Lint(linted(path, today=date.today()), done)


def _mend(path: Path) -> tuple[str, ...]:
    data = path.read_bytes()
    mended = fixed(path.name, data.decode("utf-8-sig"))
    if mended.done:
        mark = "\ufeff" if data.startswith(_MARK) else ""
        try:
            write_atomically(path.resolve(), mark + mended.text, mode=path.stat().st_mode & 0o777)
        except OSError as error:
            raise MmpError(f"{path} cannot be written: {error.strerror}.") from error
    return mended.done
