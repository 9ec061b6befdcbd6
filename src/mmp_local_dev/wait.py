"""The one poll loop. Every wait has a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from mmp_local_dev.errors import NotReady, WrongService


def wait_until(
    probe: Callable[[], None],
    *,
    timeout: float,
    watch: Callable[[], None] = lambda: None,
    interval: float = 0.05,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call `probe` until it raises no NotReady any more.

    `watch` is called between two probes and may raise to give up early, for instance because the process is gone.
    Raises the last NotReady after `timeout` seconds, and WrongService at once: a stranger does not become ours.
    """
    deadline = clock() + timeout
    while True:
        try:
            return probe()
        except WrongService:
            raise
        except NotReady:
            if clock() >= deadline:
                raise
        watch()
        sleep(interval)
