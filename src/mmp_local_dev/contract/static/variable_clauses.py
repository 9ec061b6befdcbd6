"""Variables: what `.env` sets is what the contract promises. A workspace without a `.env` has promised nothing yet."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.clauses.base import ClauseSkipped
from mmp_local_dev.contract.model import Contract, Severity, Variable
from mmp_local_dev.contract.static.base import StaticCheck, StaticClause, drift, readable, readable_id
from mmp_local_dev.contract.static.dotenv import EnvFile
from mmp_local_dev.contract.static.sources import ENV, Sources
from mmp_local_dev.contract.values import problem_of

_FILE = readable_id(ENV)


def clauses(contract: Contract) -> Iterator[StaticClause]:
    """Two of each variable, one more of each that is deprecated, one of each name that is gone."""
    if not contract.variables:
        return
    yield readable(ENV, Sources.env, "env", min(variable.line for variable in contract.variables.values()))
    for variable in contract.variables.values():
        present = _clause("present", variable, _present(variable), _FILE)
        yield present
        yield _clause("type", variable, _well_typed(variable), present.id)
        if variable.deprecated:
            told = _clause("deprecated", variable, _deprecated(variable), _FILE)
            yield StaticClause(told.id, told.check, told.line, told.causes, section="env", severity=Severity.WARNING)
    for name in contract.reserved.get("env", ()):
        yield StaticClause(
            f"env.reserved[{name}]", _reserved(name), 1, (_FILE,), section="env", severity=Severity.WARNING
        )


def _clause(kind: str, variable: Variable, check: StaticCheck, *causes: str) -> StaticClause:
    clause_id = f"env.{kind}[{variable.name}]"
    return StaticClause(clause_id, check, variable.line, causes, section="env", severity=variable.severity)


def _env(sources: Sources) -> EnvFile:
    env = sources.env()
    if env is None:
        raise ClauseSkipped(f"there is no {ENV} yet; mmp-dev up writes it")
    return env


def _present(variable: Variable) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> None:
        env = _env(sources)
        if env.values.get(variable.name):
            return
        if not variable.required or variable.accepted:
            raise ClauseSkipped("optional, not set")
        raise drift(
            env.place(variable.name),
            f"does not set {variable.name}",
            expected="a value",
            actual="none",
            repair=f"set {variable.name} in {env.name}, or let mmp-dev env --write do it",
        )

    return check


def _well_typed(variable: Variable) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> None:
        env = _env(sources)
        value = env.values.get(variable.name)
        if not value:
            raise ClauseSkipped("optional, not set")
        if wrong := problem_of(variable, value):
            raise drift(
                env.place(variable.name),
                f"{variable.name} {wrong}",
                expected=str(variable.type),
                actual=value,
                repair=f"correct {variable.name} in {env.name}, or delete its line and run mmp-dev env --write",
            )

    return check


def _deprecated(variable: Variable) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> None:
        env = _env(sources)
        if variable.name not in env.values:
            raise ClauseSkipped("deprecated, not set")
        gone = f"gone from {variable.sunset} on" if variable.sunset else "about to go"
        raise drift(
            env.place(variable.name),
            f"{variable.name} is deprecated, and {gone}",
            expected="not used",
            actual="set",
            repair=f"stop reading {variable.name}, then delete its line",
        )

    return check


def _reserved(name: str) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> None:
        env = _env(sources)
        if name in env.values:
            raise drift(
                env.place(name),
                f"{name} is no longer part of the contract; nobody may rely on it",
                expected="not set",
                actual="set",
                repair=f"delete the line from {env.name}",
            )

    return check
