"""`old-data`: what moves between runtimes have left behind."""

from __future__ import annotations

from dataclasses import dataclass

from mmp_local_dev.errors import RuntimeUnavailable
from mmp_local_dev.events import Emit, Note, ignore
from mmp_local_dev.operations.opened import Opened, choose_runtime, locked, open_stack
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.runtimes.base import Runtime
from mmp_local_dev.workspace import Stack


@dataclass(frozen=True)
class OldData:
    """Data of the stack that is not in use: its name, the runtime that made it, and where it is."""

    name: str
    runtime: str
    where: str


def old_data(stack: Stack, *, emit: Emit = ignore) -> tuple[OldData, ...]:
    """Everything that the stack's runtimes keep and do not use. A runtime that cannot be asked is told and left out."""
    return tuple(found for _, found in _found(_open(stack, emit), emit))


def delete_old_data(stack: Stack, *, emit: Emit = ignore) -> tuple[OldData, ...]:
    """Delete it all; what was deleted."""
    with locked(stack, emit):
        found = list(_found(_open(stack, emit), emit))
        for runtime, old in found:
            runtime.delete(old.name)
    return tuple(old for _, old in found)


def _open(stack: Stack, emit: Emit) -> Opened:
    opened = open_stack(stack, emit=emit)
    return choose_runtime(opened, opened.state.runtime or "native", emit)


def _found(opened: Opened, emit: Emit) -> list[tuple[Runtime, OldData]]:
    found = []
    for name, make in RUNTIMES.items():
        runtime = opened.runtime if name == opened.runtime.name else make(opened.stack, opened.state.id, emit)
        try:
            sets = dict(runtime.data_sets())
        except RuntimeUnavailable as error:
            emit(Note(f"Old data on {name} cannot be looked for: {error.message}"))
            continue
        if runtime is opened.runtime:
            sets.pop(runtime.data_set(opened.env), None)
        found += [(runtime, OldData(each, name, where)) for each, where in sets.items()]
    return found
