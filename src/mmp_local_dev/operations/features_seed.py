"""`features seed`: a data set into the feature tables, made up or imported."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError, NotReady, Repair
from mmp_local_dev.events import Emit, ignore
from mmp_local_dev.features import data_set
from mmp_local_dev.features.load import load
from mmp_local_dev.features.source import Source
from mmp_local_dev.operations.opened import Opened, choose_runtime, contract_of, locked, open_stack, published
from mmp_local_dev.services import postgresql_contents
from mmp_local_dev.services.postgresql_contents import Held
from mmp_local_dev.workspace import Stack

NEXT = "mmp-dev features materialize"
_ANSWER = 30.0  # seconds that PostgreSQL may take for an answer
_LIBRARIES = ("numpy", "pyarrow")
_LOG_LINES = 50


@dataclass(frozen=True)
class FeaturesSeeded:
    """What a stack's feature tables hold now: the rows of each, and of the transactions the share that is fraud."""

    data_set: str
    schema: str
    rows: Mapping[str, int]
    fraud_share: float
    seconds: float
    next: str = NEXT


def own_rows(stack: Stack) -> Mapping[str, int]:
    """The rows in the feature tables that no seed has put there, by table: what another seed would lose.

    Of a table that has got or lost rows since it was seeded, all of them. Raises MmpError, NotReady.
    """
    env = published(stack, contract_of(stack))
    with _telling_what_starts_it():
        return _own(postgresql_contents.held(env, env["FEAST_DB_SCHEMA"], data_set.TABLES, timeout=_ANSWER))


def features_seed(
    stack: Stack, source: Source, *, losing: Mapping[str, int] | None = None, emit: Emit = ignore
) -> FeaturesSeeded:
    """Replace what the stack's feature tables hold by the data set of `source`.

    `losing` are the rows, by table, that `own_rows` has found and that may go; with other ones there nothing is changed
    and InputError is raised, with code CONFIRMATION_REQUIRED. Raises InputError for a source that cannot be used,
    NotReady when PostgreSQL does not answer, and MmpError, among them TABLE_IN_USE and DISK_FULL. Whatever is raised,
    and wherever this is interrupted, the tables hold what they held.
    """
    began = time.monotonic()
    env = published(stack, contract_of(stack))
    with locked(stack, emit):
        loaded = seed(stack, env, source, losing=losing or {}, emit=emit)
    return FeaturesSeeded(
        loaded.data_set, env["FEAST_DB_SCHEMA"], loaded.rows, loaded.fraud_share, time.monotonic() - began
    )
