"""A file of transactions as a data set: streamed, checked, and told apart from others by its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmp_local_dev.features import data_set
from mmp_local_dev.features.imported import faults, people
from mmp_local_dev.features.imported.layout import COLUMNS
from mmp_local_dev.features.imported.rows import column_types, impossible, rows_of
from mmp_local_dev.features.source import Batch

if TYPE_CHECKING:
    import pyarrow as pa

    from mmp_local_dev.services.postgresql_staging import Staging

_BLOCK = 4 * 2**20  # bytes that are read at once


class Imported:
    """The data set that a file in the layout of `fraudTrain.csv` is. Raises InputError when it cannot be that."""

    unit = "bytes"

    def __init__(self, path: Path) -> None:
        faults.check(path)
        self.path = path
        self._digest = hashlib.sha256()
        self._rows = 0

    @cached_property
    def total(self) -> int:
        """The bytes of the file."""
        return self.path.stat().st_size

    @property
    def name(self) -> str:
        """What the data set is called, once all batches are read."""
        file = self.path.name.encode("utf-8", "replace").decode()
        return data_set.imported_name(file, self._rows, self._digest.hexdigest())

    def prepare(self, staging: Staging) -> None:
        """A table for what the file tells of people."""
        staging.connection.execute(people.MAKE)

    def batches(self) -> Iterator[Batch]:
        """Its lines, some ten thousand at a time, in the file's order."""
        self._digest, self._rows = hashlib.sha256(), 0
        with self.path.open("rb", buffering=0) as file:
            counted = _Counted(file, self._digest)
            for lines in self._lines(counted):
                self._rows += len(lines)
                yield Batch(rows_of(lines), counted.done)
        if not self._rows:
            raise faults.unusable(self.path, "has no transactions, only the columns' names")

    def finish(self, staging: Staging) -> None:
        """The rows of people. Raises InputError for a transaction that is there twice."""
        if twice := staging.connection.execute(people.TWICE).fetchone():
            raise faults.find_twice(self.path, twice[0])
        staging.connection.execute(people.DERIVE)
        staging.connection.execute(people.DROP)

    def _lines(self, file: _Counted) -> Iterator[pa.Table]:
        """The columns that are needed, each in its type. Raises InputError, with the line, for the first fault."""
        import pyarrow as pa
        import pyarrow.csv

        try:
            reader = pyarrow.csv.open_csv(
                pa.PythonFile(file, "r"),
                read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=column_types(), include_columns=list(COLUMNS), null_values=[]
                ),
            )
            for batch in reader:
                lines = pa.Table.from_batches([batch])
                if columns := impossible(lines):
                    raise faults.find(self.path, f"something impossible stands in {', '.join(columns)}")
                yield lines
        except pa.ArrowInvalid as error:
            raise faults.find(self.path, str(error)) from None


class _Counted:
    """A file that is read once from end to end, its bytes hashed and counted on the way."""

    closed = False

    def __init__(self, file: Any, digest: Any) -> None:
        self._file = file
        self._digest = digest
        self.done = 0

    def read(self, size: int = -1) -> bytes:
        """As files have it."""
        data: bytes = self._file.read(size)
        self._digest.update(data)
        self.done += len(data)
        return data
