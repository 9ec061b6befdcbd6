"""A report in JUnit's XML: a suite for each section of the contract, a case for each clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmp_local_dev.cli.render.findings import by_section, story
from mmp_local_dev.cli.render.junit import Case, document

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Finding, Report

# Of each outcome that is not passed: a warning passes, since the contract is kept with it.
_VERDICTS = {"failed": "failure", "unknown": "error", "blocked": "skipped", "skipped": "skipped"}


def suites(report: Report, *, view: str) -> str:
    """The file about a report of what is seen from `view`."""
    properties = {"contract": report.contract, "version": report.version, "mode": report.mode, "view": view}
    cases = {section: [_case(finding) for finding in found] for section, found in by_section(report).items()}
    return document(f"contract {report.contract}", cases, began=report.began, properties=properties)


def _case(finding: Finding) -> Case:
    kind = finding.clause.partition("[")[0]
    text = "" if finding.outcome == "passed" else story(finding)
    return Case(finding.clause, kind, finding.seconds, _VERDICTS.get(finding.outcome, ""), finding.message, text)
