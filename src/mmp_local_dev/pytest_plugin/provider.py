"""The provider's contract and environment for the fixtures: there, or the test fails with what repairs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmp_local_dev.contract.load import load_lenient
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError
from mmp_local_dev.operations.consumer import contract_file, down, environment, is_up
from mmp_local_dev.operations.sandbox import Sandboxes
from mmp_local_dev.pytest_plugin.contracts import provided
from mmp_local_dev.pytest_plugin.settings import Settings
from mmp_local_dev.pytest_plugin.words import told


def headline(settings: Settings, path: Path) -> str:
    """The contract in one line."""
    try:
        contract, _ = load_lenient(path)  # what there is to say of it is said when it is used
    except MmpError:
        return f"mmp: {path} cannot be used"  # why is told when it is
    return f"mmp: contract {contract.name} {contract.version}, {settings.mode}"


def answers(settings: Settings) -> bool:
    """Whether the environment is up. One that cannot be read is not; why is told when it is used."""
    try:
        return is_up(environment(None, settings.env_file, os.environ, beside=settings.contract))
    except MmpError:
        return False


def contract(source: Path | None) -> Contract:
    """The contract of the source; without one the test fails."""
    with told_by_pytest():
        if source is None:
            raise InputError(
                "Say where the contract is: --mmp-contract, mmp_contract, or your own mmp_contract_source."
            )
        return provided(contract_file(source))


def running_environment(source: Path | None, settings: Settings) -> Environment:
    """The environment, with something that answers behind it; without that the test fails, or is skipped if_down."""
    with told_by_pytest():
        path = contract_file(source) if source else None
        env = environment(provided(path) if path else None, settings.env_file, os.environ, beside=path)
    if not is_up(env):
        give_up = pytest.skip if settings.skip_if_down else _fail
        give_up(told(down(env), path.parent if path else None))
    return env


@contextmanager
def sandboxes(env: Environment, *, clean: bool) -> Iterator[Sandboxes]:
    """What makes sandboxes; with `clean`, what killed sessions left is removed first."""
    with told_by_pytest(), Sandboxes(env) as made:
        if clean:
            made.remove_left_overs()
        yield made


@contextmanager
def told_by_pytest() -> Iterator[None]:
    """A context whose errors fail the test in their own words, without a traceback."""
    try:
        yield
    except MmpError as error:
        _fail(told(error))


def _fail(reason: str) -> None:
    pytest.fail(reason, pytrace=False)
