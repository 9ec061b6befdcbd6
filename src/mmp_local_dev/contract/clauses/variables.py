"""Variables: each is there, and its value is one that is promised."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Contract, Variable
from mmp_local_dev.contract.values import problem_of
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair


def clauses(contract: Contract) -> Iterator[LiveClause]:
    """Two of each variable."""
    for variable in contract.variables.values():
        present = _clause("present", variable, _present(variable))
        yield present
        yield _clause("type", variable, _well_typed(variable), present.id)


def _clause(kind: str, variable: Variable, check: LiveCheck, *causes: str) -> LiveClause:
    clause_id = f"env.{kind}[{variable.name}]"
    return LiveClause(clause_id, check, variable.line, causes, section="env", severity=variable.severity)


def _present(variable: Variable) -> LiveCheck:
    def check(env: Environment, _timeout: float) -> None:
        if env.get(variable.name):
            return
        if not variable.required:
            raise ClauseSkipped("optional, not set")
        raise ClauseBroken(
            f"{variable.name} is not in the environment",
            expected="a value",
            actual="none",
            repairs=[_setting(variable)],
        )

    return check


def _setting(variable: Variable) -> Repair:
    if variable.accepted:
        return Repair("", f"set {variable.name}: the consumer decides its value")
    return Repair("mmp-dev up", "writes it")


def _well_typed(variable: Variable) -> LiveCheck:
    def check(env: Environment, _timeout: float) -> None:
        value = env.get(variable.name)
        if not value:
            raise ClauseSkipped("optional, not set")
        if wrong := problem_of(variable, value):
            raise ClauseBroken(
                f"{variable.name}: {wrong}",
                expected=_expected(variable),
                actual=value,
                repairs=[Repair("mmp-dev up", f"once {variable.name} is corrected in .env")],
            )

    return check


def _expected(variable: Variable) -> str:
    if variable.const:
        return repr(variable.default)
    if variable.enum:
        return f"one of {', '.join(variable.enum)}"
    return f"{variable.type}, at least {variable.min_length} characters" if variable.min_length else str(variable.type)
