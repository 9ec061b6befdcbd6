"""A report as GitHub Actions shows it: annotations at the lines of the contract, and a summary of the step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmp_local_dev.cli.render.findings import say_summary, story, summary
from mmp_local_dev.cli.render.github import annotation, markdown
from mmp_local_dev.cli.render.people import PeopleOutput
from mmp_local_dev.cli.render.words import SIGNS, VERDICTS, say

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Finding, Report

_LEVELS = {"failed": "error", "unknown": "error", "warning": "warning"}


class GithubOutput(PeopleOutput):
    """Text for people, but for reports; `folder` is the one with the contract."""

    def __init__(self, command: str, folder: Path) -> None:
        super().__init__(command)
        checkout = os.environ.get("GITHUB_WORKSPACE")
        self._folder = Path(os.path.relpath(folder, checkout)) if checkout else Path()

    def report(self, report: Report, *, verbose: bool = False) -> None:
        """An annotation for each clause that is not kept, then the verdict."""
        self.close()
        for finding in report.findings:
            if finding.outcome in _LEVELS:
                say(self._annotation(finding))
        say_summary(report)

    def _annotation(self, finding: Finding) -> str:
        file, _, line = finding.declared.rpartition(":")
        path, title = (self._folder / file).as_posix(), f"{finding.clause} {finding.outcome}"
        return annotation(_LEVELS[finding.outcome], story(finding), file=path, line=int(line), title=title)


def step_summary(report: Report) -> str:
    """Markdown for the summary of the step: the verdict, and what is not kept."""
    lines = [f"### {SIGNS[VERDICTS[report.verdict]]} {markdown(summary(report))}", ""]
    told = [finding for finding in report.findings if finding.outcome in _LEVELS]
    if told:
        lines += ["| | clause | what was found | repair | blocks |", "| --- | --- | --- | --- | ---: |"]
        lines += [_row(finding, len(report.held_back_by(finding.clause))) for finding in told]
    return "\n".join([*lines, "", ""])


def _row(finding: Finding, blocks: int) -> str:
    repairs = "<br>".join(f"<code>{markdown(repair.command)}</code>" for repair in finding.repairs if repair.command)
    mark = f"{SIGNS[finding.outcome]} {finding.outcome}"
    cells = (mark, f"<code>{markdown(finding.clause)}</code>", markdown(finding.message), repairs, str(blocks or ""))
    return f"| {' | '.join(cells)} |"
