"""A stack opened for work: its contract, what it remembers, its environment and its runtime, read in one place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from mmp_local_dev import env_formats, runtimes, services, workspace_files
from mmp_local_dev.contract.load import load, load_text
from mmp_local_dev.contract.model import Contract, Variable
from mmp_local_dev.contract.resolve import Layer, resolve
from mmp_local_dev.contract.well_known import FORM_1_0
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import (
    ContractInvalid,
    EnvironmentInvalid,
    InputError,
    MmpError,
    Repair,
    RuntimeUnavailable,
)
from mmp_local_dev.events import Emit, Note
from mmp_local_dev.files import lock, write_if_changed
from mmp_local_dev.processes import is_loopback
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.runtimes.base import Runtime
from mmp_local_dev.services import mlflow_database, postgresql, postgresql_template
from mmp_local_dev.services.base import STACK_ID, Service
from mmp_local_dev.workspace import Stack, StackState

_LOCK_TIMEOUT = 600
_DATABASES = (mlflow_database.NAME, postgresql_template.NAME, "template0", "template1")
_REGISTRY = "FEAST_REGISTRY_PATH"


@dataclass(frozen=True)
class Opened:
    """Everything that an operation on a stack works with. `env` is final: no runtime reports another address."""

    stack: Stack
    contract: Contract
    state: StackState
    env: Environment
    runtime: Runtime


def open_stack(
    stack: Stack,
    *,
    emit: Emit,
    given: Mapping[str, str] | None = None,
    process_environment: Mapping[str, str] | None = None,
) -> Opened:
    """Resolve a stack's environment; writes nothing.

    Earlier wins: `given` (flags), `process_environment` for names of the contract, `.env`, what the stack remembers,
    the contract's defaults. Raises ContractInvalid or EnvironmentInvalid for what cannot be used.
    """
    contract = _completed(load(stack.workspace.contract))
    written = read_env_file(stack, contract)
    state = stack.load_or_create(known_id=written.get(STACK_ID))
    if written.get(STACK_ID, state.id) != state.id:  # a copy of a workspace: what its runtime had is the original's
        written, state = _without_names(written), replace(state, chosen=_without_names(state.chosen))
    layers = [
        Layer("the command line", given or {}),
        Layer("the stack", {STACK_ID: state.id}),
        Layer("the shell's environment", process_environment or {}),
        Layer(stack.env_file.name, _without_moved_paths(written, stack)),
        Layer("the stack", {_REGISTRY: str(stack.feast_registry), **state.chosen}),
    ]
    env = resolve(contract, layers, settings=_settings())
    _check_complete(contract, env)
    return Opened(stack, contract, state, env, RUNTIMES[state.runtime or "native"](stack, state.id, emit))


def _completed(contract: Contract) -> Contract:
    """A contract of the 1.0 form with what it does not say: defaults, and the variables that only this tool reads.

    They are those of the contract that `mmp-dev init` writes, on the ports that this one names.
    """
    if contract.form != FORM_1_0:
        return contract
    own = load_text(workspace_files.CONTRACT, workspace_files.text(workspace_files.CONTRACT)).variables
    promised = {name: replace(own.get(name, known), line=known.line) for name, known in contract.variables.items()}
    others = {name: replace(variable, line=1) for name, variable in own.items() if not variable.required}
    variables = {name: _on_its_port(variable, contract) for name, variable in {**others, **promised}.items()}
    return replace(contract, variables=variables)


def _on_its_port(variable: Variable, contract: Contract) -> Variable:
    service, _, part = (variable.binds or "").partition(".")
    if part != "port" or service not in contract.services:
        return variable
    return replace(variable, default=str(contract.services[service].port))


def choose_runtime(opened: Opened, wanted: str, emit: Emit) -> Opened:
    """`opened` on the runtime that was asked for, and with what that runtime adds to the environment.

    "auto" keeps what the stack has; a new one takes what MMP_DEV_RUNTIME says, or the first that this machine has.
    Raises RuntimeUnavailable, and InputError for a runtime that there is not.
    """
    stack, state = opened.stack, opened.state
    named = wanted if wanted != "auto" else state.runtime or _preferred(opened.env)
    kind = named or _first_available(opened, emit)
    runtime = RUNTIMES[kind](stack, state.id, emit)
    if named and not state.runtime:
        emit(Note(f"This stack will run on {kind}: {runtime.available()}."))
    env = runtime.complete(opened.env)
    chosen = {name: env[name] for name in runtime.settings if name in runtime.variables}
    state = replace(state, runtime=kind, chosen={**state.chosen, **chosen})
    return replace(opened, runtime=runtime, env=env, state=state)


def _preferred(env: Mapping[str, str]) -> str:
    """How this user wants new stacks to run; "" for no wish."""
    value = env[runtimes.PREFERRED]
    if value not in ("", "auto", *RUNTIMES):
        raise InputError(f"{runtimes.PREFERRED} cannot be {value!r}: it is one of auto, {', '.join(RUNTIMES)}.")
    return "" if value == "auto" else value


def _first_available(opened: Opened, emit: Emit) -> str:
    """The first runtime that can be used here, said with the reason; the last one when none can: its errors tell."""
    *first, last = RUNTIMES
    for kind in first:
        try:
            what = RUNTIMES[kind](opened.stack, opened.state.id, emit).available()
        except RuntimeUnavailable as error:
            emit(
                Note(f"This stack will run on the {last} runtime, because {kind} cannot be used here: {error.message}")
            )
        else:
            emit(Note(f"This stack will run on {kind}, because {what} is there; --runtime {last} does without it."))
            return kind
    return last


def _settings() -> dict[str, str]:
    return {**services.settings(), **runtimes.settings()}


def _without_names(values: Mapping[str, str]) -> dict[str, str]:
    """`values` without those by which a runtime finds what it keeps elsewhere, such as Docker volumes."""
    return {name: value for name, value in values.items() if name not in runtimes.settings()}


def _without_moved_paths(written: Mapping[str, str], stack: Stack) -> dict[str, str]:
    """`written` without the registry's path where it is this stack's own of before the workspace was moved."""
    inside = stack.feast_registry.relative_to(stack.workspace.root)
    return {k: v for k, v in written.items() if k != _REGISTRY or not Path(v).match(f"*/{inside}")}


def _check_complete(contract: Contract, env: Environment) -> None:
    needed = [name for service in services.SERVICES.values() for name in service.variables]
    if missing := [name for name in needed if name not in env]:
        raise ContractInvalid(
            f"{contract.path.name}: has no {', '.join(missing)}, without which mmp-dev cannot run its services.",
            repairs=[Repair("mmp-dev init another-folder", "writes a contract that does, to take them from")],
        )


def read_env_file(stack: Stack, contract: Contract) -> dict[str, str]:
    """What `.env` says, as consumers read it; nothing when there is none. Raises EnvironmentInvalid."""
    names = {*contract.variables, *_settings()}
    try:
        text = stack.env_file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentInvalid(f"{stack.env_file} cannot be read: {error}.") from None
    return env_formats.parse(text, source=stack.env_file.name, strict=names)


def published(stack: Stack, contract: Contract) -> Environment:
    """The environment as `.env` publishes it, nothing added. Raises MmpError when there is no `.env` yet."""
    values = read_env_file(stack, contract)
    if not values:
        raise MmpError(
            f"There is no {stack.env_file.name} in {stack.workspace.root}, so nothing is published yet.",
            repairs=[Repair("mmp-dev up", "starts the services and writes it")],
            code="NO_ENVIRONMENT",
        )
    return Environment(values, frozenset(v.name for v in contract.variables.values() if v.sensitive))


def save(opened: Opened) -> bool:
    """Write `.env` and then what the stack remembers; whether `.env` changed. Lines that users added stay."""
    contract, env, stack = opened.contract, opened.env, opened.stack
    secrets = {n: env[n] for n in contract.variables if n in env.secrets and contract.variables[n].required}
    values = {name: env[name] for name in (*contract.variables, *opened.runtime.variables) if name in env}
    existing = stack.env_file.read_bytes().decode("utf-8") if stack.env_file.exists() else ""
    written = write_if_changed(stack.env_file, env_formats.render(values, existing=existing), mode=0o600)
    stack.save(replace(opened.state, chosen={**opened.state.chosen, **secrets}))
    return written


def locked(stack: Stack, emit: Emit) -> AbstractContextManager[None]:
    """Hold the stack's lock: one command at a time changes a stack."""
    return lock(
        stack.lock_file,
        timeout=_LOCK_TIMEOUT,
        waiting=lambda: emit(Note("Another mmp-dev command works on this stack; waiting for it.")),
    )


def check_hosts(opened: Opened, chosen: list[Service]) -> None:
    """Raise InputError when a variable points a service of ours at another machine."""
    for service in chosen:
        host, _ = service.address(opened.env)
        if not is_loopback(host):
            names = [v.name for v in opened.contract.variables.values() if v.binds in _host_parts(service)]
            raise InputError(
                f"{service.name} would be at {host}, which is not this machine's loopback; the value comes from "
                f"{' or '.join(names)} in your shell or in {opened.stack.env_file.name}.",
                repairs=[Repair(f"env {' '.join(f'-u {n}' for n in names)} mmp-dev up", "ignores your shell's values")],
                code="HOST_NOT_LOCAL",
            )


def check_names(env: Mapping[str, str]) -> None:
    """Raise InputError when the published role or database has a name that the servers need themselves."""
    for name, taken in (("POSTGRES_USER", (postgresql.ADMIN, mlflow_database.NAME)), ("POSTGRES_DB", _DATABASES)):
        if env[name] in taken:
            raise InputError(
                f"{name} cannot be {env[name]}: PostgreSQL's superuser or MLflow has that name already.",
                repairs=[Repair(f"{name}=mlpipeline mmp-dev up", "takes another name, and keeps it")],
                code="NAME_RESERVED",
            )


def _host_parts(service: Service) -> tuple[str, str]:
    return f"{service.name}.host", f"{service.name}.uri"
