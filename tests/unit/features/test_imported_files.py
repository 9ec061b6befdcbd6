"""Files that are taken for fraudTrain.csv: what is wrong with each, by line, column and value, before anything else."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

import kaggle_file
from mmp_local_dev.errors import InputError
from mmp_local_dev.features.imported.layout import COLUMNS
from mmp_local_dev.features.imported.source import Imported
from mmp_local_dev.features.source import Batch

pytest.importorskip("pyarrow")

LINES = kaggle_file.lines(30)


def read(path: Path) -> list[Batch]:
    return list(Imported(path).batches())


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as error:
        read(path)
    assert error.value.code == "FILE_INVALID"
    assert error.value.message.startswith(f"{path}: ")
    assert error.value.message.endswith(" Nothing has changed.")
    return error.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is as it should be."""
    return kaggle_file.write(tmp_path / "fraudTrain.csv", LINES)


def changed(line: int, column: str, value: str) -> list[list[str]]:
    lines = [list(each) for each in LINES]
    lines[line][kaggle_file.HEADER.index(column)] = value
    return lines


def test_a_file_as_it_should_be_is_read(file: Path) -> None:
    data_set = Imported(file)
    (batch,) = data_set.batches()
    assert batch.done == data_set.total == file.stat().st_size
    (first, *_) = batch.rows["transactions"].to_pylist()
    line = dict(zip(kaggle_file.HEADER, LINES[0], strict=True))
    assert first["transaction_id"] == line["trans_num"]
    assert first["amount"] == Decimal(line["amt"])
    assert first["event_timestamp"].isoformat() == line["trans_date_trans_time"].replace(" ", "T") + "+00:00"
    assert first["merchant_id"] == line["merchant"]
    assert data_set.name.startswith("fraudTrain.csv: 30 rows, sha256 ")


def test_its_name_depends_on_its_content_alone(file: Path) -> None:
    again = kaggle_file.write(file.with_name("again.csv"), LINES)
    other = kaggle_file.write(file.with_name("other.csv"), kaggle_file.lines(30, seed=2))
    names = []
    for path in (file, again, other):
        data_set = Imported(path)
        list(data_set.batches())
        names.append(data_set.name.split("sha256 ")[1])
    assert names[0] == names[1] != names[2]


def test_more_columns_in_any_order_with_a_mark_and_windows_line_ends(tmp_path: Path) -> None:
    order = list(reversed(range(len(kaggle_file.HEADER))))
    lines = [[line[place] for place in order] for line in LINES]
    path = kaggle_file.write(tmp_path / "f.csv", lines, tuple(kaggle_file.HEADER[place] for place in order))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert [batch.rows["transactions"].num_rows for batch in read(path)] == [30]


VALUES = {
    ("amt", "a lot"): "an amount, as in 107.23",
    ("amt", "1.005"): "an amount below 10,000,000,000 in whole cents",
    ("amt", "10000000000.00"): "an amount below 10,000,000,000 in whole cents",
    ("amt", "nan"): "an amount below 10,000,000,000 in whole cents",
    ("amt", ""): "an amount, as in 107.23",
    ("trans_date_trans_time", "01/01/2019 00:00"): "a date with a time, as in 2019-01-31 23:59:59",
    ("trans_date_trans_time", "2019-02-30 00:00:00"): "a date that there is",
    ("trans_date_trans_time", "2019-02-01 00:00:00+09:00"): "a date with a time, as in 2019-01-31 23:59:59",
    ("cc_num", "2.70319E+15"): "the digits of a card's number (a spreadsheet seems to have rounded it)",
    ("cc_num", "x" * 80): "the digits of a card's number",
    ("dob", "9.3.88"): "a date, as in 1988-03-09",
    ("dob", "1988-02-30"): "a date that there is",
    ("is_fraud", "2"): "0 or 1",
    ("is_fraud", "yes"): "0 or 1",
    ("lat", "91"): "a number from -90 to 90",
    ("merch_long", "nan"): "a number from -180 to 180",
    ("merch_long", "inf"): "a number from -180 to 180",
    ("city_pop", "-1"): "a whole number",
    ("city_pop", "3495.5"): "a whole number",
    ("trans_num", ""): "a text, and it is empty",
    ("merchant", "m" * 101): "a text of at most 100 characters",
    ("job", "a\x00b"): "a text of at most 100 characters",
}


@pytest.mark.parametrize(("place", "should_be"), VALUES.items(), ids=[" ".join(place)[:40] for place in VALUES])
def test_a_wrong_value_is_told_by_line_and_column(tmp_path: Path, place: tuple[str, str], should_be: str) -> None:
    column, value = place
    path = kaggle_file.write(tmp_path / "f.csv", changed(20, column, value))
    shown = value if len(value) <= 60 else value[:59] + "…"
    assert f"line 22: {column} is {shown!r}, and should be {should_be}." in refused(path).message


def test_who_is_born_after_the_transaction(tmp_path: Path) -> None:
    path = kaggle_file.write(tmp_path / "f.csv", changed(4, "dob", "2031-01-01"))
    assert "line 6: dob is 2031-01-01, after the transaction of 2019-" in refused(path).message


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_that_is_read_is_missed(tmp_path: Path, column: str) -> None:
    header = tuple("else" if name == column else name for name in kaggle_file.HEADER)
    path = kaggle_file.write(tmp_path / "f.csv", LINES, header)
    assert f"has no column {column}; it has , " in refused(path).message


HEADERS = {
    "Time,V1,V2,V28,Amount,Class": "Kaggle's creditcard.csv",
    "step,type,amount,nameOrig,isFraud,isFlaggedFraud": "PaySim",
    "TransactionID,isFraud,TransactionDT": "IEEE-CIS",
    ";".join(kaggle_file.HEADER): "separated by semicolons",
    "\t".join(kaggle_file.HEADER): "separated by tabs",
    ",".join(LINES[0][:6] + LINES[0][8:]): "without its first line",
}


@pytest.mark.parametrize(("header", "seems"), HEADERS.items(), ids=HEADERS.values())
def test_another_table_is_recognised(tmp_path: Path, header: str, seems: str) -> None:
    path = tmp_path / "f.csv"
    path.write_text(header + "\n1,2,3\n", encoding="utf-8")
    assert seems in refused(path).message


def as_zip(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fraudTrain.csv", data)


def as_gzip(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data))


OTHERS: dict[str, tuple[Callable[[Path, bytes], object], str]] = {
    "zip": (as_zip, "is a zip archive, not the CSV file itself"),
    "gzip": (as_gzip, "is a gzip archive"),
    "UTF-16": (lambda path, data: path.write_bytes(data.decode().encode("utf-16")), "is text in UTF-16"),
    "web page": (lambda path, _: path.write_bytes(b"<!DOCTYPE html><title>Sign in"), "is a web page"),
    "empty": (lambda path, _: path.write_bytes(b""), "is empty"),
    "white": (lambda path, _: path.write_bytes(b"\n \n"), "is empty"),
    "folder": (lambda path, _: path.mkdir(), "is a folder, without a fraudTrain.csv in it"),
    "absent": (lambda path, _: None, "cannot be read: No such file or directory"),
    "only the header": (lambda path, data: path.write_bytes(data.split(b"\n")[0] + b"\n"), "has no transactions"),
    "binary": (lambda path, _: path.write_bytes(bytes(range(128, 256)) * 9), "is not UTF-8 text"),
    "cut off": (
        lambda path, data: path.write_bytes(data[: data.rindex(b"\n", 0, -1) + 60]),
        "line 31: has 4 columns in place of 23; it is the last one, so the file seems to be cut off",
    ),
    "cut off in a quote": (
        lambda path, data: path.write_bytes(data[: data.rindex(b'"')]),
        "so the file seems to be cut off",
    ),
    "more columns": (
        lambda path, data: path.write_bytes(data.replace(b"\n4,", b"\n4,5,6,")),
        "line 6: has 25 columns in place of 23",
    ),
    "a Latin letter": (
        lambda path, data: path.write_bytes(data.replace(b"Moravian", b"Moravi\xe1n", 1)),
        "there is a byte that is not UTF-8",
    ),
}


@pytest.mark.parametrize(("make", "told"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_such_file(file: Path, make: Callable[[Path, bytes], object], told: str) -> None:
    path = file.with_name("it")
    make(path, file.read_bytes())
    assert told in refused(path).message


def test_the_way_to_unpack_an_archive_is_a_command(file: Path) -> None:
    archive = file.with_name("archive (1).zip")
    as_zip(archive, b"")
    repair = refused(archive).repairs[0]
    assert repair.command.endswith(f" -m zipfile -e '{archive}' {archive.parent}")


def test_a_folder_with_the_file_in_it(file: Path) -> None:
    assert refused(file.parent).repairs[0].command == f"mmp-dev features seed --from {file}"
