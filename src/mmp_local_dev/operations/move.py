"""Moving a stack's data from one runtime to another: dump, restore, compare; the old data stays.

The servers run on ports of their own meanwhile, so that no consumer writes to what is being read, or reads what is half
there. The stack changes sides in one step, once everything was compared; a move that was killed is undone by the next
command.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, RuntimeUnavailable
from mmp_local_dev.events import Began, Done, Emit, Note, Progress, Warned
from mmp_local_dev.files import write_atomically
from mmp_local_dev.operations.opened import Opened, choose_runtime, save
from mmp_local_dev.processes import free_port
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.runtimes.base import PORT_VARIABLES, Runtime
from mmp_local_dev.services import SERVICES
from mmp_local_dev.services.base import Counted, Home, Service
from mmp_local_dev.services.stores import STORES
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Stack, StackState

_TIMEOUT = 60.0  # seconds until a server answers
_CALL = 5.0
_LONGEST = 3600.0  # seconds that a move may take; keys that expire meanwhile are moved, and not compared
_FIRST_PORT = 20_000
_SERVICES = [SERVICES[name] for name in STORES]

Fingerprints = dict[str, Mapping[str, object]]


def source_of(opened: Opened, target: Opened, emit: Emit) -> Opened | None:
    """The stack on the runtime that has its data, when that is another than the target's. Raises RuntimeUnavailable."""
    if opened.state.runtime in ("", target.runtime.name):
        return None
    source = choose_runtime(opened, opened.state.runtime, emit)
    return source if source.runtime.data_set(source.env) in source.runtime.data_sets() else None


def plan(source: Opened, target: Opened) -> str:
    """What a move will do, for people."""
    return (
        f"The data of this stack is on the {source.runtime.name} runtime. Moving it to {target.runtime.name}: the "
        f"servers stop, {' and '.join(STORES)} are dumped, restored and compared, and start on {target.runtime.name}. "
        "The old data stays until `mmp-dev old-data --delete`; artifacts stay where they are."
    )


def on_other_ports(env: Environment) -> Environment:
    """`env` with every service at a port that no consumer knows."""
    given = [service.address(env)[1] for service in SERVICES.values()]
    free: list[int] = []
    for _ in given:
        free.append(free_port("localhost", _FIRST_PORT, [*given, *free]))
    ports = dict(zip(SERVICES, map(str, free), strict=True))
    uri = f"http://localhost:{ports['mlflow']}"
    return env.with_values(**{PORT_VARIABLES[name]: port for name, port in ports.items()}, MLFLOW_TRACKING_URI=uri)


def move(source: Opened, target: Opened, emit: Emit) -> Opened:
    """Copy what PostgreSQL and Redis hold to the target's servers, compare, and make the target the stack's runtime.

    Returns the target with the environment of its new data; nothing runs afterwards. Raises MmpError; then nothing is
    lost or changed, but the servers are stopped.
    """
    emit(Note(plan(source, target)))
    target.runtime.preflight(list(SERVICES.values()), on_other_ports(target.env))
    target.runtime.provide(list(SERVICES.values()), target.env)
    source.runtime.stop(list(SERVICES.values()))
    source.runtime.shut_down()
    env = target.runtime.make_room(target.env)
    folder = _begin(source.stack, target.runtime, env)
    try:
        lasting_until = time.time() + _LONGEST
        before = _read(source, folder, lasting_until, emit)
        _write(replace(target, env=env), folder, before, lasting_until, emit)
    except BaseException:
        undo(source.stack, source.state, emit)
        emit(Note(f"The data is as it was, on {source.runtime.name}; `mmp-dev up` starts it there."))
        raise
    chosen = {name: env[name] for name in target.runtime.settings}
    moved = replace(target, env=env, state=replace(target.state, chosen={**target.state.chosen, **chosen}))
    save(moved)
    shutil.rmtree(folder)
    return moved


def undo(stack: Stack, state: StackState, emit: Emit) -> None:
    """Take back a move that did not come to its end, if there is one: the new data goes, the old was never touched."""
    journal = _folder(stack) / "move.json"
    if journal.is_file():
        begun = json.loads(journal.read_text(encoding="utf-8"))
        if begun["runtime"] != state.runtime:  # otherwise the last step was done, and only the files are left
            runtime = RUNTIMES[begun["runtime"]](stack, state.id, emit)
            try:
                runtime.shut_down()
                runtime.delete(begun["data_set"])
            except RuntimeUnavailable as error:  # gone in the middle: another command will find the note
                emit(Warned(f"What a move to {begun['runtime']} has left cannot be deleted now. {error.message}"))
                return
            emit(Note(f"A move to {begun['runtime']} did not come to its end; its copy of the data was deleted."))
    shutil.rmtree(_folder(stack), ignore_errors=True)


def _folder(stack: Stack) -> Path:
    return stack.dir / "move"


def _begin(stack: Stack, runtime: Runtime, env: Environment) -> Path:
    """The folder of the move, with a note of what would have to be taken back."""
    folder = _folder(stack)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    begun = {"runtime": runtime.name, "data_set": runtime.data_set(env)}
    write_atomically(folder / "move.json", json.dumps(begun))
    return folder


def _read(source: Opened, folder: Path, lasting_until: float, emit: Emit) -> Fingerprints:
    """Dump every store of the source; what each holds."""
    home, runtime = Home(source.stack), source.runtime
    with _running(source, emit) as env:
        for name, store in STORES.items():
            with _step(name, "dump", emit) as progress:
                store.dump(env, home, runtime, folder / name, timeout=_TIMEOUT, progress=progress)
        return _fingerprints(env, home, lasting_until, emit)


def _write(target: Opened, folder: Path, before: Fingerprints, lasting_until: float, emit: Emit) -> None:
    """Restore every store on the target, and see that each holds what it held before."""
    home, runtime = Home(target.stack), target.runtime
    with _running(target, emit) as env:
        for name, store in STORES.items():
            with _step(name, "restore", emit) as progress:
                store.restore(env, home, runtime, folder / name, timeout=_TIMEOUT, progress=progress)
        after = _fingerprints(env, home, lasting_until, emit)
    different = [
        f"{name} {part or '(roles)'}"
        for name, parts in before.items()
        for part, digest in parts.items()
        if after[name].get(part) != digest
    ]
    if different:
        raise MmpError(
            f"After the move these differ from what they were: {', '.join(different[:5])}. The copy was given up; "
            "nothing was lost.",
            code="MOVE_DIFFERS",
        )


def _fingerprints(env: Environment, home: Home, lasting_until: float, emit: Emit) -> Fingerprints:
    found: Fingerprints = {}
    for name, store in STORES.items():
        with _step(name, "compare", emit):
            found[name] = store.fingerprint(env, home, timeout=_TIMEOUT, lasting_until=lasting_until)
    return found


@contextmanager
def _step(service: str, step: str, emit: Emit) -> Iterator[Counted]:
    began = time.monotonic()
    emit(Began(service, step))
    yield lambda done, total: emit(Progress(service, step, done, total, STORES[service].unit))
    emit(Done(service, step, time.monotonic() - began))


@contextmanager
def _running(side: Opened, emit: Emit) -> Iterator[Environment]:
    """The stores' servers, ready, on ports that no consumer knows; stopped afterwards."""
    runtime, env = side.runtime, on_other_ports(side.env)
    try:
        runtime.start(_SERVICES, env)
        for service in _SERVICES:
            _await(service, env, side)
        yield env
    finally:
        runtime.stop(_SERVICES)
        runtime.shut_down()


def _await(service: Service, env: Environment, side: Opened) -> None:
    def ready() -> None:
        service.prepare(env, Home(side.stack), side.runtime, timeout=_CALL)
        service.identify(env, timeout=_CALL)

    wait_until(ready, timeout=_TIMEOUT)
