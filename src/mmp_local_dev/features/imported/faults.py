"""What is wrong with a file, and where: read again, slowly, with Python's own reader, once something was wrong."""

from __future__ import annotations

import csv
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.features.imported.layout import COLUMNS, mistaken

_SHOWN = 60  # characters of a value
_MAGIC = {  # of what people take for the file
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3": "an SQLite database",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"<!DOCTYPE": "a web page, perhaps that of a login",
    b"<html": "a web page, perhaps that of a login",
}


def check(path: Path) -> list[str]:
    """The names of the columns, when the file can be it by all that its beginning tells. Raises InputError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _of_folder(path)
        if not stat.S_ISREG(mode):
            raise unusable(path, "is no file")
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise unusable(path, f"cannot be read: {error.strerror}") from None
    if not head.strip():
        raise unusable(path, "is empty")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise unusable(path, f"is {what}, not the CSV file itself", _unpacking(path, what))
    columns = _first_line(path)
    if missing := [name for name in COLUMNS if name not in columns]:
        raise _of_other_columns(path, columns, missing)
    if twice := [name for name in COLUMNS if columns.count(name) > 1]:
        raise unusable(path, f"has the column {twice[0]} twice")
    return columns


def find(path: Path, otherwise: str) -> InputError:
    """The first fault of a file that the quick reader has refused; `otherwise` is what that one said."""
    line = 0
    try:
        rows = _rows(path)
        _, columns = next(rows)
        for line, row in rows:
            if fault := _fault(columns, row):
                more = "" if _goes_on(rows) else "; it is the last one, so the file seems to be cut off"
                return unusable(path, f"line {line}: {fault}{more}")
    except UnicodeDecodeError as error:
        return unusable(path, f"line {_line_of_bad_byte(path)}: there is a byte that is not UTF-8 ({error.reason})")
    except csv.Error as error:
        return unusable(path, f"after line {line}: {error}")
    return unusable(path, otherwise)


def find_twice(path: Path, transaction: str) -> InputError:
    """The error for a number of a transaction that the file has twice."""
    rows = _rows(path)
    _, columns = next(rows)
    place = columns.index("trans_num")
    lines = [str(line) for line, row in rows if row[place] == transaction]
    return unusable(path, f"lines {' and '.join(lines)} have the same trans_num, {transaction}")


def unusable(path: Path, why: str, *repairs: Repair) -> InputError:
    """The error for a file that cannot be imported."""
    download = Repair("", "take fraudTrain.csv of Kaggle's data set kartik2112/fraud-detection, as it is")
    return InputError(f"{path}: {why}. Nothing has changed.", repairs=repairs or [download], code="FILE_INVALID")


def _fault(columns: Sequence[str], row: Sequence[str]) -> str:
    """What is wrong with a line; empty for nothing."""
    if len(row) != len(columns):
        return f"has {len(row)} columns in place of {len(columns)}"
    values = dict(zip(columns, row, strict=True))
    for name, rule in COLUMNS.items():
        try:
            rule(values[name])
        except ValueError as error:
            return f"{name} is {_short(values[name])!r}, and should be {error}"
    if values["dob"] > values["trans_date_trans_time"][:10]:
        return f"dob is {values['dob']}, after the transaction of {values['trans_date_trans_time']}"
    return ""


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its last line; empty lines are passed over."""
    csv.field_size_limit(2**20)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for row in reader:
            if row:
                yield reader.line_num, row


def _goes_on(rows: Iterator[object]) -> bool:
    return next(rows, None) is not None


def _first_line(path: Path) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(2**16)
    try:
        return next(csv.reader([line.decode("utf-8-sig")]))
    except UnicodeDecodeError:
        raise unusable(path, "is not UTF-8 text") from None
    except (csv.Error, StopIteration):
        raise unusable(path, "is not a table with commas") from None


def _line_of_bad_byte(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0


def _of_folder(path: Path) -> InputError:
    inside = path / "fraudTrain.csv"
    if inside.is_file():
        return unusable(path, "is a folder", Repair(shlex.join(["mmp-dev", "features", "seed", "--from", str(inside)])))
    return unusable(path, "is a folder, without a fraudTrain.csv in it")


def _of_other_columns(path: Path, columns: Sequence[str], missing: Sequence[str]) -> InputError:
    seems = mistaken(columns)
    told = f"; it seems to be {seems}" if seems else f"; it has {', '.join(map(_short, columns[:8]))}, …"
    return unusable(path, f"has no column {', '.join(missing)}{told}")


def _unpacking(path: Path, what: str) -> Repair:
    if "zip archive" in what and "gzip" not in what:
        argv = [sys.executable, "-m", "zipfile", "-e", str(path), str(path.parent)]
        return Repair(shlex.join(argv), "unpacks it; then seed from the file fraudTrain.csv in it")
    if "gzip" in what:
        return Repair(f"gunzip --keep {shlex.quote(str(path))}", "unpacks it")
    return Repair("", "take the CSV file fraudTrain.csv as it comes in Kaggle's archive")


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
