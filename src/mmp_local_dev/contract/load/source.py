"""The bytes of a file that anybody may have written, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG

from mmp_local_dev.contract.load.document import Problem, invalid
from mmp_local_dev.errors import ContractInvalid, Repair

MOST_BYTES = 1024 * 1024


def text_of(path: Path, *, missing: Sequence[Repair] = ()) -> str:
    """What the file says, without a byte order mark; `missing` are the repairs when it is not there.

    Raises ContractInvalid when it cannot be read, is no file, is too large, or is not UTF-8 text.
    """
    try:
        data = _bytes(path)
    except OSError as error:
        repairs = missing if isinstance(error, FileNotFoundError) else ()
        raise ContractInvalid(f"{path}: cannot be read: {error.strerror}", repairs=repairs) from None
    if len(data) > MOST_BYTES:
        raise ContractInvalid(f"{path}: is larger than {MOST_BYTES // 1024} KiB, which no contract needs")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise invalid(path.name, [Problem(line, (), "is not UTF-8 text")]) from None


def _bytes(path: Path) -> bytes:
    # A pipe would make us wait for its writer, and a device may never end.
    if not S_ISREG(path.stat().st_mode):
        raise ContractInvalid(f"{path}: is not a file")
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)
