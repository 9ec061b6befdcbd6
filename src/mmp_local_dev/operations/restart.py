"""`restart`: stop and start services, and see that they are ready again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmp_local_dev.events import Emit, ignore
from mmp_local_dev.operations.opened import locked, open_stack
from mmp_local_dev.operations.up import Up, up
from mmp_local_dev.services import SERVICES, select
from mmp_local_dev.workspace import Stack


def restart(
    stack: Stack,
    *,
    names: Sequence[str] = (),
    process_environment: Mapping[str, str] | None = None,
    wait_timeout: float = 120,
    emit: Emit = ignore,
) -> Up:
    """Stop the named services (all for no names), not those that they need, and bring them up. Raises as `up` does."""
    select(names)  # an unknown name is refused before anything stops
    stack.create()
    with locked(stack, emit):
        opened = open_stack(stack, emit=emit, process_environment=process_environment)
        opened.runtime.stop([service for service in SERVICES.values() if not names or service.name in names])
    return up(stack, names=names, process_environment=process_environment, wait_timeout=wait_timeout, emit=emit)
