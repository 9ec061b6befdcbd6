"""A data set into the feature tables: beside the old data, which it replaces in one step when all of it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.events import Began, Done, Emit, Progress, Waiting
from mmp_local_dev.features import data_set
from mmp_local_dev.features.arrow import csv_of
from mmp_local_dev.features.derived import derive
from mmp_local_dev.features.source import Source
from mmp_local_dev.services import postgresql_contents, postgresql_swap
from mmp_local_dev.services.postgresql import scalar
from mmp_local_dev.services.postgresql_contents import Held
from mmp_local_dev.services.postgresql_staging import Staging, staging
from mmp_local_dev.wait import wait_until

Agree = Callable[[Mapping[str, Held]], None]
NAME = "features"  # as events call it
_ANSWER = 30.0  # seconds that PostgreSQL may take to let us in
_IN_USE = 60.0  # seconds that others may take to finish with the old tables


@dataclass(frozen=True)
class Loaded:
    """What was loaded: the data set's name, the rows of each table, and which share of the transactions is fraud."""

    data_set: str
    rows: Mapping[str, int]
    fraud_share: float


def load(env: Environment, source: Source, agree: Agree, emit: Emit) -> Loaded:
    """Replace what the feature tables hold. Interrupted anywhere, they hold what they held.

    `agree` is told what they hold, at the beginning and again when nobody can change it any more, and raises to keep
    it. Raises InputError for a source that cannot be used; MmpError when something depends on the tables, when they are
    not there (TABLE_MISSING), or the disk is full (DISK_FULL); NotReady when PostgreSQL does not answer.
    """
    schema = env["FEAST_DB_SCHEMA"]
    with staging(env, schema, data_set.TABLES, timeout=_ANSWER) as made:
        found = postgresql_contents.read(made.connection, schema, data_set.TABLES)
        _check_there(found, schema)
        agree(found)
        postgresql_swap.check_free(made)
        made.make()
        with _step("load", emit):
            _fill(made, source, emit)
        with _step("derive", emit):
            _derive(made, emit)
        share = scalar(made.connection, "SELECT avg(is_fraud)::float8 FROM transactions")
        return Loaded(source.name, _put_in_place(made, source.name, agree, emit), share)


def _check_there(found: Mapping[str, Held], schema: str) -> None:
    if missing := [f"{schema}.{table}" for table in data_set.TABLES if table not in found]:
        raise MmpError(
            f"There is no table {' and no '.join(missing)}.",
            repairs=[Repair("mmp-dev features apply", "makes the tables of scripts/feature_tables.sql")],
            code="TABLE_MISSING",
        )


def _fill(made: Staging, source: Source, emit: Emit) -> None:
    source.prepare(made)
    for batch in source.batches():
        for table, rows in batch.rows.items():
            made.copy(table, rows.column_names, csv_of(rows))
        emit(Progress(NAME, "load", batch.done, source.total, source.unit))
    source.finish(made)


def _derive(made: Staging, emit: Emit) -> None:
    """The statistics, and every key and index as soon as its table is full: those of transactions are read by."""
    keys = made.keys()
    derived = [table for table in data_set.TABLES if table.endswith("_stats")]
    for table, statement in keys:
        if table not in derived:
            made.connection.execute(statement)
    made.analyze("transactions")
    rows = postgresql_contents.count(made.connection, made.name, "transactions")
    for done in derive(made.connection):
        emit(Progress(NAME, "derive", done, rows, "rows"))
    for table, statement in keys:
        if table in derived:
            made.connection.execute(statement)
    made.analyze(*data_set.TABLES)


def _put_in_place(made: Staging, name: str, agree: Agree, emit: Emit) -> Mapping[str, int]:
    """The rows of each table. Waits for a while for those who use the old tables."""
    rows: Mapping[str, int] = {}
    until = time.monotonic() + _IN_USE

    def put() -> None:
        nonlocal rows
        rows = postgresql_swap.put_in_place(made, name, agree)

    def tell() -> None:
        emit(Waiting("those who use the tables", until - time.monotonic()))

    wait_until(put, timeout=_IN_USE, watch=tell)
    return rows


@contextmanager
def _step(step: str, emit: Emit) -> Iterator[None]:
    began = time.monotonic()
    emit(Began(NAME, step))
    yield
    emit(Done(NAME, step, time.monotonic() - began))
