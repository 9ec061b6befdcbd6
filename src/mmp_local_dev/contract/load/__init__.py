"""From `dev-contract.yml` to a Contract, or to one error that names everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.contract.load.build import build
from mmp_local_dev.contract.load.crosschecks import check_agreement
from mmp_local_dev.contract.load.document import Node, Problem, invalid
from mmp_local_dev.contract.load.file import read_text
from mmp_local_dev.contract.load.form import check_form, schema
from mmp_local_dev.contract.load.other_forms import refuse_other_forms
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.variable_rules import sensitive_defaults
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.errors import Repair

NO_CONTRACT = Repair("mmp-dev init", "writes a contract into an empty folder")


def load(path: Path) -> Contract:
    """Read the contract file at `path`.

    Raises ContractInvalid when there is no such file, when it cannot be read or is no YAML within our limits,
    and when it is not of the form mmp.dev/v2 or disagrees with itself; the message then has one line
    `file:line: problem` for each problem. Nothing that the file refers to is opened.
    """
    document, met = read(path.name, read_text(path, repairs=[NO_CONTRACT]))
    refuse_other_forms(path.name, document)
    problems = _problems(document, met)
    if problems:
        raise invalid(path.name, problems)
    return build(path, document)


def _problems(document: Node, met: list[Problem]) -> list[Problem]:
    """All problems of a document; `met` are those that were met in reading it."""
    # A secret in the wrong place is told first, and alone: other messages would show it.
    secrets = list(sensitive_defaults(document))
    told = {problem.path for problem in secrets}
    form = [problem for problem in (*met, *check_form(document, schema())) if problem.path not in told]
    unsound = {problem.section for problem in form}
    return [*secrets, *form, *check_agreement(document, unsound)]
