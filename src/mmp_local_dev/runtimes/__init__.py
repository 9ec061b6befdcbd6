"""The runtimes. To add one: its module, its line here, its line in the conformance suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmp_local_dev.events import Emit
from mmp_local_dev.runtimes.base import Runtime
from mmp_local_dev.runtimes.compose import ComposeRuntime
from mmp_local_dev.runtimes.native import NativeRuntime
from mmp_local_dev.workspace import Stack

# What a stack without data gets is the first that this machine has.
RUNTIMES: Mapping[str, Callable[[Stack, str, Emit], Runtime]] = {"compose": ComposeRuntime, "native": NativeRuntime}

PREFERRED = "MMP_DEV_RUNTIME"  # the variable that says how new stacks are to run


def settings() -> dict[str, str]:
    """Every variable with which users choose something about a runtime, with its default."""
    return {PREFERRED: "", **ComposeRuntime.settings, **NativeRuntime.settings}
