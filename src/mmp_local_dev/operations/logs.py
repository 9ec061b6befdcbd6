"""`logs`: what the services say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread

from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.events import ignore
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.runtimes.base import Runtime
from mmp_local_dev.services import SERVICES, select
from mmp_local_dev.services.base import Service
from mmp_local_dev.workspace import Stack


def logs(
    stack: Stack, *, names: Sequence[str] = (), tail: int = 100, follow: bool = False
) -> Iterator[tuple[str, str]]:
    """Pairs of service and line: the last `tail` lines of each, then with `follow` every further one, without end.

    Raises InputError for an unknown service and MmpError before the first `up`.
    """
    select(names)
    state = stack.load()
    if state is None:
        raise MmpError(
            "Nothing was ever started in this stack, so there are no logs.",
            repairs=[Repair("mmp-dev up", "starts it")],
        )
    runtime = RUNTIMES[state.runtime or "native"](stack, state.id, ignore)
    chosen = [service for service in SERVICES.values() if not names or service.name in names]
    return _followed(runtime, chosen, tail) if follow else _ended(runtime, chosen, tail)


def _ended(runtime: Runtime, services: Sequence[Service], tail: int) -> Iterator[tuple[str, str]]:
    for service in services:
        for line in runtime.logs(service, tail=tail, follow=False):
            yield service.name, line


def _followed(runtime: Runtime, services: Sequence[Service], tail: int) -> Iterator[tuple[str, str]]:
    lines: SimpleQueue[tuple[str, str]] = SimpleQueue()

    def forward(service: Service) -> None:
        for line in runtime.logs(service, tail=tail, follow=True):
            lines.put((service.name, line))

    for service in services:
        Thread(target=forward, args=(service,), daemon=True).start()
    while True:
        yield lines.get()
