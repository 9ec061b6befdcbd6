"""What a consumer's tests ask for: the environment that they run in, whether it is up, what is to be checked there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mmp_local_dev import env_formats
from mmp_local_dev.contract import well_known
from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped, select
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.clauses.slow import skipped_without_feast
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import EnvironmentInvalid, InputError, NotReady, Repair
from mmp_local_dev.processes import listening
from mmp_local_dev.services import SERVICES
from mmp_local_dev.services.base import STACK_ID
from mmp_local_dev.workspace import CONTRACT

REACHABLE = "environment.reachable"  # the kind of the clause of the environment as a whole

_NO_FEAST = "needs Feast, which this Python does not have; mmp-dev check reads it in the provider's workspace"
_REPAIR = Repair("mmp-dev up", "in the provider's workspace: starts the services and writes .env")


def contract_file(path: Path) -> Path:
    """The contract that a path means: the file itself, or that of a workspace's folder."""
    return path / CONTRACT if path.is_dir() else path


def environment(
    contract: Contract | None, env_file: Path | None, process: Mapping[str, str], *, beside: Path | None = None
) -> Environment:
    """What the consumer's programs see.

    That is `env_file`; without one, the `.env` beside the file `beside`; and where there is none, those variables of
    `process` that are the contract's or well known. Secret is what `contract` says, or what is well known.
    An `env_file` that is not there (yet) is an empty one. Raises EnvironmentInvalid for a file that cannot be read.
    """
    variables = {**well_known.VARIABLES, **(contract.variables if contract else {})}
    file = env_file or _env_file(beside)
    values = _read(file) if file else {name: process[name] for name in (*variables, STACK_ID) if name in process}
    return Environment(values, {variable.name for variable in variables.values() if variable.sensitive})


def _env_file(beside: Path | None) -> Path | None:
    found = beside.parent / ".env" if beside else None
    return found if found and found.is_file() else None


def _read(file: Path) -> dict[str, str]:
    try:
        return env_formats.parse(file.read_bytes().decode("utf-8"), source=file.name)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentInvalid(f"{file} cannot be read: {error}.", repairs=[_REPAIR]) from None


def is_up(env: Mapping[str, str]) -> bool:
    """Whether anything listens at the address of one of the services: otherwise the environment as a whole is down."""
    return any(listening(host, port) for _, host, port in _addresses(env))


def down(env: Mapping[str, str]) -> NotReady:
    """The error that tells of an environment that is down."""
    addresses = ", ".join(f"{name} at {host}:{port}" for name, host, port in _addresses(env))
    nowhere = "The environment names no service: nothing has written .env yet."
    message = f"Nothing answers: {addresses}." if addresses else nowhere
    return NotReady(message, repairs=[_REPAIR], code="ENVIRONMENT_DOWN")


def _addresses(env: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    for name, service in SERVICES.items():
        with suppress(KeyError, ValueError):  # not in this environment, or no address: clauses of variables tell
            yield (name, *service.address(env))


def clauses_with_reachable(
    contract: Contract, *, also: Sequence[LiveClause] = (), only: Collection[str] = (), up: bool | None = None
) -> list[LiveClause]:
    """The clauses of `contract`, and `also` these, that `only` names (all for none), with what they hang on.

    If any of them needs a service, one of the environment as a whole stands before them: that it is down is told once.
    On it hang those that need a service, and all while there is no environment at all. `up` answers for it, if it is
    known already. What needs Feast is skipped in a Python without it. Raises InputError for a word that names nothing,
    and for a contract without clauses.
    """
    clauses = skipped_without_feast(select([*also, *clauses_of(contract)], only), _NO_FEAST)
    if not clauses:
        raise InputError(f"{contract.path.name} has no clauses, and a check of nothing would look like a check.")
    if not any(clause.service for clause in clauses):
        return clauses
    reachable = LiveClause(f"{REACHABLE}[{contract.name}]", _reachable(up=up), 1)
    return [reachable, *(_after(reachable, clause, contract) for clause in clauses)]


def _reachable(*, up: bool | None) -> LiveCheck:
    def check(env: Environment, _timeout: float) -> None:
        if not (is_up(env) if up is None else up):
            error = down(env)
            raise ClauseBroken(
                error.message, expected="services that answer", actual="none does", repairs=error.repairs
            )

    return check


def _after(reachable: LiveClause, clause: LiveClause, contract: Contract) -> LiveClause:
    if clause.service:
        return replace(clause, causes=(*clause.causes, reachable.id))

    def check(env: Environment, timeout: float) -> str | None:
        if not any(name in env for name in contract.variables):
            raise ClauseSkipped(f"blocked: {reachable.id}")
        return clause.check(env, timeout)

    return replace(clause, check=check)
