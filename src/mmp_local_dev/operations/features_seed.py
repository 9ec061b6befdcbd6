"""`features seed`: a data set into the feature tables, made up or imported."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError, NotReady, Repair
from mmp_local_dev.events import Emit, ignore
from mmp_local_dev.features import data_set
from mmp_local_dev.features.generated.source import Generated
from mmp_local_dev.features.imported.source import Imported
from mmp_local_dev.features.load import Loaded, load
from mmp_local_dev.features.source import Source
from mmp_local_dev.operations.features_apply import Apply, check_running
from mmp_local_dev.operations.opened import Opened, choose_runtime, contract_of, locked, open_stack, published
from mmp_local_dev.services import SERVICES, postgresql_contents
from mmp_local_dev.services.postgresql_contents import Held
from mmp_local_dev.workspace import Stack

_ANSWER = 30.0  # seconds that PostgreSQL may take for an answer
_LIBRARIES = ("numpy", "pyarrow")
_LOG_LINES = 30
_FULL = "No space left on device"


@dataclass(frozen=True)
class FeaturesSeeded:
    """What a stack's feature tables hold now: the rows of each, and of the transactions the share that is fraud."""

    data_set: str
    schema: str
    rows: Mapping[str, int]
    fraud_share: float
    seconds: float
    next: str = "mmp-dev features materialize"


def source_of(*, rows: int, seed: int, users: int | None = None, file: Path | None = None) -> Source:
    """The data set that a file is or, without one, that is made of the numbers. Raises InputError for either.

    Raises MmpError, with code FEATURES_NOT_INSTALLED, where the libraries that it takes are not installed.
    """
    check_libraries()
    return Imported(file) if file else Generated(rows, seed, users)


def missing_libraries() -> list[str]:
    """What this Python lacks to make data sets."""
    return [name for name in _LIBRARIES if find_spec(name) is None]


def check_libraries() -> None:
    """Raise MmpError, with code FEATURES_NOT_INSTALLED, where one is missing."""
    if missing := missing_libraries():
        python = shlex.quote(sys.executable)
        raise MmpError(
            f"Data sets cannot be made with this Python: it has no {' and no '.join(missing)}.",
            repairs=[Repair(f"{python} -m pip install 'mmp-local-dev[features]'", "brings what feature stores need")],
            code="FEATURES_NOT_INSTALLED",
        )


def own_rows(stack: Stack) -> Mapping[str, int]:
    """The rows in the feature tables that no seed has put there, by table: what another seed would lose.

    Of a table that has got or lost rows since it was seeded, all of them. Raises NotReady, or MmpError.
    """
    contract = contract_of(stack)
    env = published(stack, contract)
    check_running("postgresql", env)
    return data_set.own_rows(_held(env))


def features_seed(
    stack: Stack, source: Source, *, losing: Mapping[str, int] | None = None, emit: Emit = ignore
) -> FeaturesSeeded:
    """Replace what the stack's feature tables hold by the data set of `source`.

    `losing` are the rows, by table, that may go though no seed has put them there: those that `own_rows` has found.
    Where there are others, InputError is raised, with code CONFIRMATION_REQUIRED. Raises InputError for a file that
    cannot be used, NotReady when PostgreSQL does not answer, and MmpError, among them TABLE_IN_USE and DISK_FULL.
    Whatever is raised, and wherever it is interrupted, the tables hold what they held.
    """
    contract = contract_of(stack)
    env = published(stack, contract)
    with locked(stack, emit):
        return seed(stack, contract, env, source, losing=losing or {}, emit=emit)


def seed(
    stack: Stack, contract: Contract, env: Environment, source: Source, *, losing: Mapping[str, int], emit: Emit
) -> FeaturesSeeded:
    """The same for a caller that holds the stack's lock."""
    began = time.monotonic()
    check_running("postgresql", env)
    Apply(stack, contract, env).make_tables()

    def agree(found: Mapping[str, Held]) -> None:
        if (own := data_set.own_rows(found)) and dict(own) != dict(losing):
            raise _unconfirmed(own)

    with _told_of_full_disk(stack, emit):
        loaded = load(env, source, agree, emit)
    return _result(loaded, env, time.monotonic() - began)


def _held(env: Environment) -> Mapping[str, Held]:
    return postgresql_contents.held(env, env["FEAST_DB_SCHEMA"], data_set.TABLES, timeout=_ANSWER)


def _result(loaded: Loaded, env: Environment, seconds: float) -> FeaturesSeeded:
    return FeaturesSeeded(loaded.data_set, env["FEAST_DB_SCHEMA"], loaded.rows, loaded.fraud_share, seconds)


def _unconfirmed(own: Mapping[str, int]) -> InputError:
    return InputError(
        f"The feature tables hold what no seed has put there: {data_set.described(own)}. Nothing has changed.",
        repairs=[Repair("mmp-dev features seed", "asks first, and then replaces them")],
        code="CONFIRMATION_REQUIRED",
    )


@contextmanager
def _told_of_full_disk(stack: Stack, emit: Emit) -> Iterator[None]:
    """A full disk with the way to make room; also where PostgreSQL, having none for its log, did not survive it."""
    try:
        yield
    except MmpError as error:
        opened = _opened(stack, emit)
        if opened and isinstance(error, NotReady) and _FULL in (tail := _last_words(opened)):
            full = MmpError(f"{error.message} Its disk is full.", detail=tail, code="DISK_FULL")
            full.repairs = (opened.runtime.room, Repair("mmp-dev up", "starts what has stopped"))
            raise full from None
        if opened and error.code == "DISK_FULL":
            error.repairs = (opened.runtime.room,)
        raise


def _opened(stack: Stack, emit: Emit) -> Opened | None:
    with suppress(MmpError):
        opened = open_stack(stack, emit=emit)
        return choose_runtime(opened, opened.state.runtime or "native", emit)
    return None


def _last_words(opened: Opened) -> str:
    with suppress(MmpError):
        service = SERVICES["postgresql"]
        return opened.env.redact("\n".join(opened.runtime.logs(service, tail=_LOG_LINES, follow=False)))
    return ""
