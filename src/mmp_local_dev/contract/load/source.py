"""The bytes of a file that anybody may have written, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmp_local_dev.contract.load.document import Problem, invalid
from mmp_local_dev.errors import ContractInvalid, Repair
from mmp_local_dev.files import TextRefused, read_text

MOST_BYTES = 1024 * 1024


def text_of(path: Path, *, missing: Sequence[Repair] = ()) -> str:
    """What the file says, without a byte order mark; `missing` are the repairs when it is not there.

    Raises ContractInvalid when it cannot be read, is no file, is too large, or is not UTF-8 text.
    """
    try:
        return read_text(path, most_bytes=MOST_BYTES)
    except OSError as error:
        repairs = missing if isinstance(error, FileNotFoundError) else ()
        raise ContractInvalid(f"{path}: cannot be read: {error.strerror}", repairs=repairs) from None
    except TextRefused as refused:
        if refused.line:
            raise invalid(path.name, [Problem(refused.line, (), str(refused))]) from None
        raise ContractInvalid(f"{path}: {refused}") from None
