"""Everything that is wrong with a document of ours, or may be: the verdict of `mmp-dev contract lint`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mmp_local_dev.contract.load import MISSING, problems_of, requirements, waivers
from mmp_local_dev.contract.load.cautions import cautions_of
from mmp_local_dev.contract.load.document import Node, Problem
from mmp_local_dev.contract.load.reading import read
from mmp_local_dev.contract.load.source import text_of
from mmp_local_dev.contract.model import Severity

KIND = "DevContract"

# What looks for problems, by the `kind` of the document; given also what was met in reading it.
PROBLEMS: Mapping[str, Callable[[Node, list[Problem]], list[Problem]]] = {
    KIND: problems_of,
    requirements.KIND: requirements.problems_of,
    "ContractWaivers": waivers.problems_of,
}


@dataclass(frozen=True)
class Remark:
    """One thing that is wrong (error) or may be (warning): the 1-based line, and what to say."""

    line: int
    severity: Severity
    text: str


@dataclass(frozen=True)
class Linted:
    """What there is to say about one file, in its order."""

    file: str
    kind: str
    remarks: tuple[Remark, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong; warnings do not count."""
        return all(remark.severity is not Severity.ERROR for remark in self.remarks)


def lint(path: Path, *, today: date) -> Linted:
    """Look for everything that is wrong with the file at `path`, of any kind that is ours.

    Raises ContractInvalid when it cannot be read at all: no file, no text, no YAML within our limits.
    """
    document, met = read(path.name, text_of(path, missing=MISSING))
    kind = document.at("kind").text
    kind = kind if kind in PROBLEMS else KIND
    problems = [_remark(problem, Severity.ERROR) for problem in sorted(set(PROBLEMS[kind](document, met)))]
    cautions = [] if problems else [_remark(caution, Severity.WARNING) for caution in cautions_of(document, today)]
    return Linted(path.name, kind, (*problems, *cautions))


def _remark(problem: Problem, severity: Severity) -> Remark:
    return Remark(problem.line, severity, problem.sentence())
