"""`up`: from whatever is there to a verified stack."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from mmp_local_dev.contract.clauses.base import concerning
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load.waivers import waivers_beside
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import Environment, doubt
from mmp_local_dev.errors import InputError, MmpError, NotReady, Repair, RuntimeUnavailable, ServiceFailed
from mmp_local_dev.events import Done, Emit, Note, Warned, ignore
from mmp_local_dev.operations import features_sample, move
from mmp_local_dev.operations.features_up import FeatureStore
from mmp_local_dev.operations.opened import Opened, check_hosts, check_names, choose_runtime, locked, open_stack, save
from mmp_local_dev.processes import free_port
from mmp_local_dev.runtimes.base import PORT_VARIABLES, Runtime, State
from mmp_local_dev.services import feast, select
from mmp_local_dev.services.base import Home, Service
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Stack

_PROBE_TIMEOUT = 5.0
_LOG_LINES = 15
_LOOK_EVERY = 0.5
_WITHOUT_DOCKER = "native"
_SETTLED_AFTER = 10.0


@dataclass(frozen=True)
class Up:
    """What `up` did. `report` is None after a dry run; `started` are the services this call started.

    `left_to_check` counts the slow clauses that it did not verify.
    """

    env: Environment
    runtime: str
    services: tuple[str, ...]
    started: tuple[str, ...]
    urls: Mapping[str, str]
    env_file: str
    env_file_written: bool
    report: Report | None
    left_to_check: int
    seconds: float


def up(
    stack: Stack,
    *,
    names: Sequence[str] = (),
    runtime: str = "auto",
    given: Mapping[str, str] | None = None,
    process_environment: Mapping[str, str] | None = None,
    auto_ports: bool = False,
    dry_run: bool = False,
    wait_timeout: float = 120,
    thorough: bool = False,
    seed: bool = False,
    emit: Emit = ignore,
) -> Up:
    """Start what does not run, wait until each service is ready, provision, write `.env`, verify the contract.

    `names` limit it to these services and what they need. Slow clauses are verified only if it is `thorough`. With
    `seed` the sample data is loaded unless it is there, and everything is verified. Twice is the same as once. On
    failure only what this call started is stopped, and no data is touched; what runs stays when the sample data cannot
    be loaded. Raises MmpError: InputError for unusable input, PreflightFailed with every problem of this machine at
    once, ServiceFailed with the end of the log of a service that does not come up.
    """
    began = time.monotonic()
    services = select(names)
    if seed:
        features_sample.check([service.name for service in services])
        if dry_run:
            emit(Note("The sample data would be loaded, unless it is there."))
    if not dry_run:
        stack.create()
    with _unlocked() if dry_run else locked(stack, emit):
        opened = open_stack(stack, emit=emit, given=given, process_environment=process_environment)
        check_names(opened.env)
        check_hosts(opened, services)
        with _offering_another_runtime(opened, runtime):
            target = choose_runtime(opened, runtime, emit)
            _check_data_set(opened, target, process_environment or {})
            source = move.source_of(opened, target, emit)
            _warn_of_doubtful_values(target, emit)
            _warn_of_rotation(target, emit)
            if dry_run:
                return _tried(source, target, services, began, emit)
            move.undo(stack, opened.state, emit)
            if source:
                target = move.move(source, target, emit)
            return _up(target, services, began, wait_timeout, emit, auto_ports=auto_ports, thorough=thorough, seed=seed)


def _up(
    opened: Opened,
    services: Sequence[Service],
    began: float,
    wait_timeout: float,
    emit: Emit,
    *,
    auto_ports: bool,
    thorough: bool,
    seed: bool,
) -> Up:
    waivers = waivers_beside(opened.contract.path)  # before anything is started: the file may be wrong
    if auto_ports:
        opened = _with_free_ports(opened, services, emit)
    opened.runtime.preflight(services, opened.env)
    written = save(opened)
    with FeatureStore(opened, emit, timeout=wait_timeout) as features:
        if features.needs in {service.name for service in services}:
            features.begin()
        started = opened.runtime.start(services, opened.env)
        with _undone_on_failure(opened.runtime, started):
            for service in services:
                _bring_up(service, opened, wait_timeout, emit)
                if service.name == features.needs:
                    features.go_on()
            for service in started:
                _settle(service, opened.runtime)
            features.end()
    if seed:
        features_sample.load(opened, emit)
    clauses = concerning(clauses_of(opened.contract), [service.name for service in services])
    now = [clause for clause in clauses if thorough or seed or not clause.slow]
    report = verify(opened.contract, opened.env, now, waivers=waivers)
    return _result(opened, services, started, report, began, written=written, left_to_check=len(clauses) - len(now))


def _tried(source: Opened | None, target: Opened, services: Sequence[Service], began: float, emit: Emit) -> Up:
    """What a dry run finds."""
    if source:
        emit(Note(move.plan(source, target)))
    # Before a move the stack's own ports are held by the servers that will have gone by then.
    target.runtime.preflight(services, move.on_other_ports(target.env) if source else target.env)
    return _result(target, services, (), None, began, written=False)


def _check_data_set(opened: Opened, target: Opened, process_environment: Mapping[str, str]) -> None:
    """Raise InputError when the shell's variables lead back to older data than what the stack used last."""
    runtime = target.runtime
    chosen = opened.state.chosen
    given = [n for n in runtime.settings if process_environment.get(n) and process_environment[n] != chosen.get(n)]
    asked, last = (runtime.data_set(env) for env in (target.env, target.env.with_values(**chosen)))
    if given and asked != last and {asked, last} <= set(runtime.data_sets()):
        raise InputError(
            f"This stack's data was last in {last}; {' and '.join(given)} in your shell would take the older {asked}.",
            repairs=[
                Repair(f"env {' '.join(f'-u {name}' for name in given)} mmp-dev up", "goes on with the newest"),
                Repair("mmp-dev old-data", "shows what else there is; a value in .env takes it"),
            ],
            code="OLDER_DATA",
        )


@contextmanager
def _offering_another_runtime(opened: Opened, wanted: str) -> Iterator[None]:
    """A stack without data may as well run otherwise; one with data could not be moved from what cannot be used."""
    try:
        yield
    except MmpError as error:
        unusable = isinstance(error, RuntimeUnavailable) or error.code == "IMAGE_UNAVAILABLE"
        if unusable and not opened.state.runtime and wanted != _WITHOUT_DOCKER:
            error.repairs += (Repair(f"mmp-dev up --runtime {_WITHOUT_DOCKER}", "runs the servers without Docker"),)
        raise


def _warn_of_doubtful_values(opened: Opened, emit: Emit) -> None:
    for variable in opened.contract.variables.values():
        value, part = opened.env.get(variable.name, ""), variable.binds or ""
        if part == "redis.password" and feast.misreads(value):
            emit(Warned(f"{variable.name} cannot stand in Feast's connection string: Feast will not get in with it."))
        elif part.endswith((".username", ".password", ".database")) and (why := doubt(value)):
            emit(Warned(f"{variable.name} {why}; some consumers will not read it as it is."))


def _warn_of_rotation(opened: Opened, emit: Emit) -> None:
    for name, before in opened.state.chosen.items():
        if name in opened.env.secrets and opened.env[name] != before:
            emit(Warned(f"{name} has changed. Models and artifacts that carry the old one cannot connect any more."))


@contextmanager
def _unlocked() -> Iterator[None]:
    yield


@contextmanager
def _undone_on_failure(runtime: Runtime, started: Sequence[Service]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(RuntimeUnavailable):  # its engine is gone: that is what is being told already
            runtime.stop(started)
        raise


def _bring_up(service: Service, opened: Opened, timeout: float, emit: Emit) -> None:
    """Wait until the service can be provisioned, provision it, and wait until a consumer can use it."""
    began = time.monotonic()
    home = Home(opened.stack)

    looked = began

    def watch() -> None:
        # Asking the runtime costs more than asking the service, and both compete with MLflow's imports.
        nonlocal looked
        if time.monotonic() - looked < _LOOK_EVERY:
            return
        looked = time.monotonic()
        if opened.runtime.state(service) in (State.EXITED, State.ABSENT):
            raise _failed(f"{service.name} stopped while it was starting.", service, opened)

    try:
        for step in (
            lambda: service.prepare(opened.env, home, opened.runtime, timeout=_PROBE_TIMEOUT),
            lambda: service.probe(opened.env, timeout=_PROBE_TIMEOUT),
        ):
            wait_until(step, timeout=timeout - (time.monotonic() - began), watch=watch)
    except NotReady as error:
        why = f"{service.name} was not ready within {timeout:.0f} seconds. {error.message}"
        raise _failed(why if error.retryable else error.message, service, opened, error.repairs) from error
    emit(Done(service.name, "ready", time.monotonic() - began))


def _settle(service: Service, runtime: Runtime) -> None:
    """Wait until the runtime, too, has noticed that the service is ready: `status` says so from then on."""

    def look() -> None:
        if runtime.state(service) is State.STARTING:
            raise NotReady(f"{service.name} answers, but its health check does not pass.")

    wait_until(look, timeout=_SETTLED_AFTER)


def _failed(message: str, service: Service, opened: Opened, repairs: Sequence[Repair] = ()) -> ServiceFailed:
    tail = "\n".join(opened.runtime.logs(service, tail=_LOG_LINES, follow=False))
    full = "No space left on device" in tail
    return ServiceFailed(
        opened.env.redact(message + (" Its disk is full." if full else "")),
        repairs=[
            *([opened.runtime.room] if full else []),
            *(repairs or [Repair(f"mmp-dev logs {service.name}", "shows its whole log")]),
        ],
        detail=opened.env.redact(tail),
        code="DISK_FULL" if full else None,
    )


def _with_free_ports(opened: Opened, services: Sequence[Service], emit: Emit) -> Opened:
    """`opened` with another port for each service whose port is held; the stack remembers them."""
    taken = [service.address(opened.env)[1] for service in services]
    chosen: dict[str, str] = {}
    for conflict in opened.runtime.conflicts(services, opened.env):
        port = free_port("localhost", conflict.port, taken)
        taken.append(port)
        chosen[PORT_VARIABLES[conflict.service]] = str(port)
        emit(Note(f"Port {conflict.port} is held by {conflict.owner}; {conflict.service} takes {port} and keeps it."))
    if not chosen:
        return opened
    env = opened.env.with_values(**chosen)
    if port_of_mlflow := chosen.get(PORT_VARIABLES["mlflow"]):
        env = env.with_values(MLFLOW_TRACKING_URI=f"http://localhost:{port_of_mlflow}")
    return replace(opened, env=env, state=replace(opened.state, chosen={**opened.state.chosen, **chosen}))


def _result(
    opened: Opened,
    services: Sequence[Service],
    started: Sequence[Service],
    report: Report | None,
    began: float,
    *,
    written: bool,
    left_to_check: int = 0,
) -> Up:
    return Up(
        env=Environment({n: opened.env[n] for n in opened.contract.variables if n in opened.env}, opened.env.secrets),
        runtime=opened.runtime.name,
        services=tuple(service.name for service in services),
        started=tuple(service.name for service in started),
        urls={service.name: service.url(opened.env) for service in services},
        env_file=str(opened.stack.env_file),
        env_file_written=written,
        report=report,
        left_to_check=left_to_check,
        seconds=time.monotonic() - began,
    )
