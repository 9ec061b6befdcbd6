"""Arrow's rows as PostgreSQL's COPY takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def csv_of(rows: pa.Table) -> memoryview:
    """CSV in UTF-8 without a header; what is null is empty, unlike an empty text, which is quoted."""
    import pyarrow as pa
    import pyarrow.csv

    out = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, out, pyarrow.csv.WriteOptions(include_header=False))
    return memoryview(out.getvalue())
