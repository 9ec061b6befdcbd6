"""From `dev-contract.yml` to a Contract, or to one error that names everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.contract.load.build import build, build_1_0
from mmp_local_dev.contract.load.crosschecks import RULES, RULES_1_0, check_agreement
from mmp_local_dev.contract.load.document import Node, Problem, invalid
from mmp_local_dev.contract.load.form import CONTRACT, CONTRACT_1_0, check_form, schema
from mmp_local_dev.contract.load.other_forms import UPGRADE, as_known, is_1_0, newer
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.source import text_of
from mmp_local_dev.contract.load.variable_rules import sensitive_values
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.errors import Repair

MISSING = (Repair("mmp-dev init", "writes a contract into an empty folder"),)


def load(path: Path) -> Contract:
    """Read the contract file at `path`, of the form mmp.dev/v2 or 1.0.

    Raises ContractInvalid when there is no such file, when it cannot be read or is no YAML within our limits,
    and when it is of no form that we know or disagrees with itself; the message then has one line
    `file:line: problem` for each problem. Nothing that the file refers to is opened.
    """
    return _loaded(path, text_of(path, missing=MISSING))


def load_text(name: str, text: str) -> Contract:
    """The contract that `text` is, as if it stood in a file called `name`. Raises as `load`."""
    return _loaded(Path(name), text)


def load_lenient(path: Path) -> tuple[Contract, list[str]]:
    """As `load`, for consumers: of a contract in a newer form than this tool knows, what it does know.

    The texts are warnings, such as that one. Raises as `load`.
    """
    document, met = read(path.name, text_of(path, missing=MISSING))
    problem = newer(document)
    if problem is None:
        return _built(path, document, met), []
    warning = f"{path.name}:{problem.line}: {problem.sentence()}; until then, what is new in it is left out"
    return _built(path, as_known(document, schema()), met), [warning]


def problems_of(document: Node, met: list[Problem]) -> list[Problem]:
    """All problems of a contract; `met` are those that were met in reading it."""
    if problem := newer(document):
        return [problem]
    # A secret in the wrong place is told first, and alone: other messages would show it.
    secrets = list(sensitive_values(document))
    told = {problem.path for problem in secrets}
    form, rules = (CONTRACT_1_0, RULES_1_0) if is_1_0(document) else (CONTRACT, RULES)
    formal = [problem for problem in (*met, *check_form(document, schema(form))) if problem.path[:3] not in told]
    unsound = {problem.section for problem in formal}
    return [*secrets, *formal, *check_agreement(document, rules, unsound)]


def _loaded(path: Path, text: str) -> Contract:
    document, met = read(path.name, text)
    if problem := newer(document):
        raise invalid(path.name, [problem], repairs=[UPGRADE])
    return _built(path, document, met)


def _built(path: Path, document: Node, met: list[Problem]) -> Contract:
    problems = problems_of(document, met)
    if problems:
        raise invalid(path.name, problems)
    return build_1_0(path, document) if is_1_0(document) else build(path, document)
