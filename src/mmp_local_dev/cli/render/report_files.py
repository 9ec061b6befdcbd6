"""The files that a check writes beside what it prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmp_local_dev.errors import InputError
from mmp_local_dev.files import check_writable, write_text

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Report


@dataclass(frozen=True)
class ReportFiles:
    """Where a report of a stack, seen from `view`, goes to; None for nowhere."""

    stack: str
    view: str
    junit: Path | None = None
    html: Path | None = None

    def check_writable(self) -> None:
        """Make the files' folders. Raises InputError for a file that cannot be written: better before a check than
        after it."""
        for path in (self.junit, self.html):
            if path is None:
                continue
            try:
                check_writable(path)
            except OSError as error:
                raise InputError(
                    f"The report {path} cannot be written: {error.strerror}.", code="REPORT_NOT_WRITABLE"
                ) from error

    def write(self, report: Report) -> None:
        """Write each of them, whatever the verdict."""
        if self.junit is not None:
            from mmp_local_dev.cli.render.report_junit import suites

            write_text(self.junit, suites(report, view=self.view))
        if self.html is not None:
            from mmp_local_dev.cli.render.html import page

            write_text(self.html, page(report, stack=self.stack, view=self.view))
