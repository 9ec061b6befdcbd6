"""Feast by itself, on the stores of a stack: its own command, and what it leaves in Redis."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.measure import MeasureFailed, timed

if TYPE_CHECKING:
    from redis import Redis

FEAST = str(Path(sys.executable).with_name("feast"))
BEGIN, END = "2024-01-01T00:00:00", "2026-01-01T00:00:00"
BATCH = 10_000


def repository(root: Path, name: str, *lines: str) -> Path:
    """A folder with a stack's feature_store.yaml, and these lines more."""
    folder = root / name
    folder.mkdir()
    text = (root / "feast_repo" / "feature_store.yaml").read_text(encoding="utf-8")
    (folder / "feature_store.yaml").write_text("\n".join([text, *lines, ""]), encoding="utf-8")
    return folder


def materialize(folder: Path, environment: Mapping[str, str]) -> float:
    """The seconds that `feast materialize` takes."""
    return timed([FEAST, "materialize", BEGIN, END], environment, folder)


def stored(client: Redis) -> dict[bytes, dict[bytes, bytes]]:
    """All hashes of Feast's in Redis."""
    names: list[Any] = [name for name in client.scan_iter(count=BATCH) if not name.startswith(b"mmp-dev:")]
    if not names:
        raise MeasureFailed("nothing was materialized")
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.hgetall(name)
    return dict(zip(names, pipe.execute(), strict=True))


def written_raw(client: Redis, hashes: Mapping[bytes, Mapping[bytes, bytes]]) -> float:
    """The seconds that a pipeline takes for the same bytes, in batches as Feast writes them."""
    began = perf_counter()
    rest = iter(hashes.items())
    while batch := list(islice(rest, BATCH)):
        pipe = client.pipeline(transaction=False)
        for name, fields in batch:
            pipe.hset(name, mapping=fields)  # type: ignore[arg-type]
        pipe.execute()
    return perf_counter() - began
