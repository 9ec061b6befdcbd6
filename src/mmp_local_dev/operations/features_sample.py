"""The sample data that `up` loads when somebody wants it: seeded, materialized, and asked for once in a new stack."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.events import Emit, Note
from mmp_local_dev.features import data_set, definitions
from mmp_local_dev.files import write_atomically
from mmp_local_dev.operations.opened import Opened, contract_of
from mmp_local_dev.services import postgresql_contents
from mmp_local_dev.workspace import Stack
from mmp_local_dev.workspace_files import FEATURE_TABLES

NEEDS = frozenset({"postgresql", "redis"})
_SECONDS = 10  # that it takes on a small laptop, Feast's imports included
_ANSWER = 30.0  # seconds that PostgreSQL may take for an answer
_WISH, _WANTED, _NOT_WANTED = "sample-data", "wanted\n", "asked\n"


def question(stack: Stack) -> str:
    """What to ask before the first `up` of a stack; empty where there is nothing to ask, or it was asked already.

    Raises ContractInvalid.
    """
    from mmp_local_dev.operations import features_seed  # here: hardly any `up` loads data, and each pays for imports

    root = stack.workspace.root
    new = stack.load() is None and not _wish(stack).exists()
    if not new or not (root / definitions.FOLDER).is_dir() or not (root / FEATURE_TABLES).is_file():
        return ""
    if contract_of(stack).feast is None or features_seed.missing_libraries():
        return ""
    return f"Load {data_set.DEFAULT_ROWS:,} sample transactions for card-fraud detection (about {_SECONDS} s)?"


def remember(stack: Stack, *, wanted: bool) -> None:
    """Remember the answer, so that it is not asked again, and a yes is not forgotten when the first `up` fails."""
    stack.create()
    write_atomically(_wish(stack), _WANTED if wanted else _NOT_WANTED)


def forget(stack: Stack) -> None:
    """Remember that sample data is not wanted any more, where it was."""
    if is_wanted(stack):
        remember(stack, wanted=False)


def is_wanted(stack: Stack) -> bool:
    """Whether sample data was wanted that is not loaded yet."""
    wish = _wish(stack)
    return wish.is_file() and wish.read_text(encoding="utf-8") == _WANTED


def check(names: Collection[str]) -> None:
    """Raise InputError unless these services suffice, and MmpError where libraries are missing."""
    from mmp_local_dev.operations import features_seed

    if missing := sorted(NEEDS - set(names)):
        raise InputError(
            f"Sample data needs {' and '.join(missing)}, too.",
            repairs=[Repair("mmp-dev up --seed", "starts everything")],
        )
    features_seed.check_libraries()


def load(opened: Opened, emit: Emit) -> None:
    """The default data set into both stores of a stack that runs and whose lock is held, unless it is there.

    Raises as `features_seed` and `features_materialize` do, InputError where rows of the user's would be lost.
    """
    from mmp_local_dev.operations import features_seed

    stack, contract, env = opened.stack, opened.contract, opened.env
    source = features_seed.source_of(rows=data_set.DEFAULT_ROWS, seed=data_set.DEFAULT_SEED)
    if _is_there(env, source.name):
        emit(Note(f"The feature tables hold {source.name} already."))
    else:
        features_seed.seed(stack, contract, env, source, losing={}, emit=emit)
    _materialize(contract, env, emit)
    forget(stack)


def _materialize(contract: Contract, env: Environment, emit: Emit) -> None:
    from mmp_local_dev.operations import features_materialize

    if contract.feast is not None:
        features_materialize.materialize(contract, env, emit=emit)


def _is_there(env: Environment, name: str) -> bool:
    found = postgresql_contents.held(env, env["FEAST_DB_SCHEMA"], data_set.TABLES, timeout=_ANSWER)
    return set(found) == set(data_set.TABLES) and all(
        each.comment == name and each.is_as_filled for each in found.values()
    )


def _wish(stack: Stack) -> Path:
    return stack.dir / _WISH
