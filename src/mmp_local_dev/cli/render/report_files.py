"""The files that commands write beside what they print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmp_local_dev.errors import InputError
from mmp_local_dev.files import check_writable, write_text

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Report


@dataclass(frozen=True)
class ReportFiles:
    """Where a report of a stack, seen from `view`, goes to; None for nowhere. A step's summary is added to."""

    stack: str
    view: str
    junit: Path | None = None
    html: Path | None = None
    step_summary: Path | None = None

    def check_writable(self) -> None:
        """Make the files' folders. Raises InputError for a file that cannot be written: better before a check than
        after it."""
        for path in (self.junit, self.html, self.step_summary):
            if path is not None:
                check_page(path)

    def write(self, report: Report) -> None:
        """Write each of them, whatever the verdict. Raises InputError as above."""
        if self.junit is not None:
            from mmp_local_dev.cli.render.report_junit import suites

            write_page(self.junit, suites(report, view=self.view))
        if self.html is not None:
            from mmp_local_dev.cli.render.html import page

            write_page(self.html, page(report, stack=self.stack, view=self.view))
        if self.step_summary is not None:
            from mmp_local_dev.cli.render.for_github import step_summary

            with _told(self.step_summary), self.step_summary.open("a", encoding="utf-8", errors="replace") as file:
                file.write(step_summary(report))


def check_page(path: Path) -> None:
    """Make the folder of a page. Raises InputError when it cannot be written there, before it is worked for."""
    with _told(path):
        check_writable(path)


def write_page(path: Path, text: str) -> None:
    """Write a page. Raises InputError."""
    with _told(path):
        write_text(path, text)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The report {path} cannot be written: {error.strerror}.", code="REPORT_NOT_WRITABLE"
        ) from error
