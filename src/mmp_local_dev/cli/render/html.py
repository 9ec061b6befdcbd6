"""A report as one page for browsers: `report.html` with `report.css`, which ask nobody for anything more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mmp_local_dev.cli.render.findings import by_section
from mmp_local_dev.cli.render.templates import render
from mmp_local_dev.cli.render.words import SIGNS, VERDICTS, duration, number, tally

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Finding, Report

_SLOWEST = 5
_HOW = {"static": "from the workspace's files", "host": "live, from this machine", "network": "live, from a container"}


@dataclass(frozen=True)
class ServiceSeen:
    """What a report knows of a service: whether it answered, in which version, how soon, and its clauses."""

    name: str
    ready: Finding | None
    version: str
    findings: tuple[Finding, ...]

    @property
    def kept(self) -> int:
        """How many of its clauses passed."""
        return sum(finding.outcome == "passed" for finding in self.findings)


def page(report: Report, *, stack: str, view: str) -> str:
    """The page about a report of this stack, seen from `view` (`host` or `network`)."""
    return render(
        "report.html",
        signs=SIGNS,
        verdicts=VERDICTS,
        duration=duration,
        number=number,
        report=report,
        stack=stack,
        how=_HOW.get(view if report.mode == "live" else report.mode, report.mode),
        began=_moment(report),
        tally=tally(report),
        warnings=[finding for finding in report.findings if finding.outcome == "warning"],
        services=_services(report),
        sections=by_section(report),
        slowest=_slowest(report),
    )


def _services(report: Report) -> list[ServiceSeen]:
    """The services that any clause needs, in the contract's order."""
    names = dict.fromkeys(finding.service for finding in report.findings if finding.service)
    return [_service(name, report) for name in names]


def _service(name: str, report: Report) -> ServiceSeen:
    found = {finding.clause: finding for finding in report.findings}
    version = found.get(f"service.version[{name}]")
    of_it = tuple(finding for finding in report.findings if finding.service == name)
    return ServiceSeen(name, found.get(f"service.ready[{name}]"), version.actual if version else "", of_it)


def _slowest(report: Report) -> list[Finding]:
    timed = [finding for finding in report.findings if finding.seconds > 0]
    return sorted(timed, key=lambda finding: finding.seconds, reverse=True)[:_SLOWEST]


def _moment(report: Report) -> str:
    """When it began, for people; "" where that is not known."""
    return f"{datetime.fromisoformat(report.began):%-d %B %Y, %H:%M:%S} UTC" if report.began else ""
