"""What a data set is to those who load it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from mmp_local_dev.services.postgresql_staging import Staging


@dataclass(frozen=True)
class Batch:
    """Some of a source's rows by table, and how much of the source is done with them."""

    rows: Mapping[str, pa.Table]
    done: int


class Source(Protocol):
    """Where a data set comes from. Progress through it counts up to `total`, in `unit`."""

    unit: str

    @property
    def total(self) -> int:
        """How much there is of it."""

    @property
    def name(self) -> str:
        """What the data set is called; of an import known when it is finished."""

    def prepare(self, staging: Staging) -> None:
        """Make what its batches need besides the feature tables."""

    def batches(self) -> Iterator[Batch]:
        """Its rows, in bounded memory. Raises InputError for what cannot be used."""

    def finish(self, staging: Staging) -> None:
        """Fill what its batches have left, and drop what `prepare` has made. Raises InputError as above."""
