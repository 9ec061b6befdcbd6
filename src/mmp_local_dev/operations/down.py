"""`down`: stop everything of a stack; delete nothing."""

from __future__ import annotations

from dataclasses import dataclass

from mmp_local_dev import env_formats
from mmp_local_dev.errors import EnvironmentInvalid, RuntimeUnavailable
from mmp_local_dev.events import Emit, ignore
from mmp_local_dev.operations.move import undo
from mmp_local_dev.operations.opened import locked
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.runtimes.base import Runtime
from mmp_local_dev.services import SERVICES
from mmp_local_dev.services.base import STACK_ID
from mmp_local_dev.workspace import Stack, StackState


@dataclass(frozen=True)
class Down:
    """The services that were stopped, and whether anything at all of the stack was running."""

    stopped: tuple[str, ...]
    was_running: bool


def down(stack: Stack, *, emit: Emit = ignore) -> Down:
    """Stop the stack's services in named steps and end its supervisor, from any half-state.

    Needs neither a valid contract nor a readable `.env`: what is broken must still be stoppable.
    """
    state = stack.load() or _state_in_env_file(stack)
    if state is None:
        return Down((), was_running=False)
    stack.create()
    with locked(stack, emit):
        undo(stack, state, emit)
        if state.runtime:
            return _down(RUNTIMES[state.runtime](stack, state.id, emit))
        ended = [_down_if_available(make(stack, state.id, emit)) for make in RUNTIMES.values()]
    return Down(tuple(name for each in ended for name in each.stopped), any(each.was_running for each in ended))


def _down(runtime: Runtime) -> Down:
    stopped = runtime.stop(list(SERVICES.values()))
    was_running = runtime.shut_down()
    return Down(tuple(service.name for service in stopped), was_running or bool(stopped))


def _down_if_available(runtime: Runtime) -> Down:
    """For a stack that has forgotten which runtime it is on: one that this machine does not have runs nothing."""
    try:
        return _down(runtime)
    except RuntimeUnavailable:
        return Down((), was_running=False)


def _state_in_env_file(stack: Stack) -> StackState | None:
    """What `.env` tells when the stack's own folder was deleted: its identity, by which its processes are found."""
    try:
        values = env_formats.parse(stack.env_file.read_text(encoding="utf-8"), source=stack.env_file.name)
        return StackState(id=values[STACK_ID], root=str(stack.workspace.root))
    except (OSError, ValueError, KeyError, EnvironmentInvalid):
        return None
