"""`env` and `run`: the environment for people, programs and shells."""

from __future__ import annotations

from collections.abc import Mapping

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.events import Emit, ignore
from mmp_local_dev.operations.move import source_of
from mmp_local_dev.operations.opened import choose_runtime, contract_of, locked, open_stack, published, save
from mmp_local_dev.workspace import Stack


def env(stack: Stack) -> Environment:
    """What `.env` publishes. Raises MmpError when there is no `.env` yet."""
    return published(stack, contract_of(stack))


def network_env(stack: Stack) -> Environment:
    """What `.env` publishes, with the addresses that containers on the stack's network use. Raises as `env`, and
    RuntimeUnavailable when the stack's runtime has no network."""
    return open_stack(stack, emit=ignore).runtime.network(env(stack))


def write_env(
    stack: Stack,
    *,
    runtime: str = "auto",
    process_environment: Mapping[str, str] | None = None,
    emit: Emit = ignore,
) -> None:
    """Resolve the environment and write `.env`, and what the runtime needs beside it, without starting anything.

    Raises InputError when the stack's data is with another runtime: only `up` moves it.
    """
    stack.create()
    with locked(stack, emit):
        opened = open_stack(stack, emit=emit, process_environment=process_environment)
        target = choose_runtime(opened, runtime, emit)
        if source := source_of(opened, target, emit):
            raise InputError(
                f"This stack's data is on {source.runtime.name}; only `up` moves it to {target.runtime.name}.",
                repairs=[Repair(f"mmp-dev up --runtime {target.runtime.name}", "moves it, and writes .env")],
                code="DATA_ELSEWHERE",
            )
        save(target)
        target.runtime.install()
