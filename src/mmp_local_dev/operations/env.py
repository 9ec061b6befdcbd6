"""`env` and `run`: the environment for people, programs and shells."""

from __future__ import annotations

from collections.abc import Mapping

from mmp_local_dev.contract.load import load
from mmp_local_dev.environment import Environment
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import locked, open_stack, published, save
from mmp_local_dev.workspace import Stack


def env(stack: Stack) -> Environment:
    """What `.env` publishes. Raises MmpError when there is no `.env` yet."""
    return published(stack, load(stack.workspace.contract))


def write_env(stack: Stack, *, process_environment: Mapping[str, str] | None = None) -> Environment:
    """Resolve the environment and write `.env` without starting anything."""
    stack.create()
    with locked(stack, ignore):
        save(open_stack(stack, emit=ignore, process_environment=process_environment))
    return env(stack)
