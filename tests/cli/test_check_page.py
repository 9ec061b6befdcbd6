"""The page of a check, looked at in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import reports
from looking import SPILLED, TOO_FAINT, Looked
from mmp_local_dev.cli.render.html import page as page_of
from mmp_local_dev.contract.report import Outcome, Report
from mmp_local_dev.files import write_text
from reports import finding, report

pytestmark = pytest.mark.needs("browser")

SAMPLES: list[Callable[[], Report]] = [reports.kept, reports.broken, reports.unknown, reports.many, reports.hostile]
EVERY_SAMPLE = pytest.mark.parametrize("sample", SAMPLES)

Look = Callable[..., Looked]


@pytest.fixture
def look(chromium: Any, tmp_path: Path) -> Iterator[Look]:
    opened: list[Looked] = []

    def see(of: Report, *, width: int = 1400, scheme: str = "light") -> Looked:
        opened.append(Looked(chromium, page_of(of, stack="default", view="host"), tmp_path, width=width, scheme=scheme))
        return opened[-1]

    yield see
    for each in opened:
        each.page.close()


@EVERY_SAMPLE
@pytest.mark.parametrize("width", [380, 1400])
def test_it_fits_and_the_browser_has_nothing_to_say(sample: Callable[[], Report], width: int, look: Look) -> None:
    seen = look(sample(), width=width)
    assert seen("document.documentElement.scrollWidth") == width
    assert seen(SPILLED) == []
    assert seen.said == []
    assert seen.requests == [seen.file.as_uri()]


@EVERY_SAMPLE
def test_verdict_counts_and_clauses_are_the_reports(sample: Callable[[], Report], look: Look) -> None:
    of = sample()
    seen = look(of)
    assert seen.texts("h1") == [f"sample 1.1.0 is {of.verdict}"]
    counts = {text.split()[-1]: text.split()[0] for text in seen.texts(".tiles li")}
    assert counts == {str(outcome): f"{of.count(outcome):,}" for outcome in Outcome}
    assert seen("document.querySelectorAll('tbody tr').length") == len(of.findings)
    ids = seen("[...document.querySelectorAll('tbody th')].map(e => e.textContent)")
    grouped = [each.clause for section in dict.fromkeys(f.section for f in of.findings) for each in of.findings
               if each.section == section]  # fmt: skip
    if sample is not reports.hostile:  # of which HTML cannot hold all
        assert ids == grouped


def test_causes_stand_first_with_their_evidence_and_open_what_they_block(look: Look) -> None:
    seen = look(reports.broken())
    assert seen.texts("h2") == [
        *("Counts", "What has to be repaired", "Warnings", "Services", "All clauses", "Slowest clauses")
    ]
    assert seen.texts("article h3 .id") == [
        *("service.ready[postgresql]", "feature.dtype[user_demographics:age]", "service.version[redis]")
    ]
    assert seen.texts("article:first-of-type dd")[:3] == [
        "postgresql of this stack answers postgresql",
        "no such answer",
        "dev-contract.yml:12",
    ]
    assert seen.texts("article:first-of-type .command")[:2] == ["mmp-dev up", "mmp-dev logs postgresql"]
    assert seen.shown("details li") == 0
    seen.page.get_by_text("Blocks 6 clauses").click()
    assert seen.shown("details li") == 6


def test_services_show_what_was_seen_of_them(look: Look) -> None:
    assert look(reports.broken()).texts(".services li") == [
        "postgresql ✗ not ready Versionnot seen Answered inno answer Clauses kept0 of 7",
        "redis ✓ ready Version7.4.2 Answered in31 ms Clauses kept2 of 4",
        "mlflow ✓ ready Version3.17.2 Answered in31 ms Clauses kept4 of 4",
    ]


def test_clauses_are_filtered_without_a_script(look: Look) -> None:
    seen = look(reports.broken())
    assert seen.shown("tbody tr") == 24
    seen.page.get_by_role("radio", name="failed").check()
    assert seen.shown("tbody tr") == 2
    assert seen.shown(".group") == 2  # no heading of an empty section
    seen.page.get_by_role("radio", name="all").check()
    assert seen.shown("tbody tr") == 24


@pytest.mark.parametrize("sample", [reports.kept, reports.broken, reports.unknown])
def test_every_text_can_be_read_in_light_and_dark(sample: Callable[[], Report], look: Look) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        seen = look(sample(), scheme=scheme)
        seen("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert seen(TOO_FAINT) == []
        grounds.append(seen("getComputedStyle(document.body).backgroundColor"))
    assert len(set(grounds)) == 2


def test_too_faint_a_text_is_seen(look: Look) -> None:
    """Guards the guard."""
    seen = look(reports.kept())
    seen.page.add_style_tag(content=".lead { color: #aaa }")
    assert [text.split(":")[0] for text in seen(TOO_FAINT)] == ["P lead"]


@EVERY_SAMPLE
def test_it_can_be_heard(sample: Callable[[], Report], look: Look) -> None:
    """Landmarks, headings in order, a header for every column and row, names that exist, no id twice."""
    seen = look(sample())
    assert seen("document.documentElement.lang") == "en"
    assert [seen(f"document.querySelectorAll('{tag}').length") for tag in ("main", "h1", "header", "footer")] == [1] * 4
    levels = seen("[...document.querySelectorAll('h1, h2, h3, h4')].map(e => +e.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert seen("[...document.querySelectorAll('th')].every(e => ['col', 'row'].includes(e.scope))")
    assert seen(
        "[...document.querySelectorAll('tbody tr')].every(e => e.querySelectorAll('th[scope=row]').length == 1)"
    )
    assert seen("[...document.querySelectorAll('[aria-labelledby]')]"
                ".every(e => document.getElementById(e.getAttribute('aria-labelledby')))")  # fmt: skip
    assert seen("(ids => new Set(ids).size === ids.length)([...document.querySelectorAll('[id]')].map(e => e.id))")


@pytest.mark.parametrize("width", [380, 1400])
def test_a_table_stays_one_where_it_is_laid_out_as_a_list(width: int, look: Look) -> None:
    table = look(reports.kept(), width=width).page.get_by_role("table").first
    assert table.get_by_role("columnheader").all_text_contents() == ["Outcome", "Clause", "Seen", "Time"]
    assert table.get_by_role("rowheader").first.text_content() == "env.present[POSTGRES_HOST]"


def test_where_the_keyboard_is_can_be_seen(look: Look) -> None:
    seen = look(reports.broken())
    stops = []
    for _ in range(5):
        seen.page.keyboard.press("Tab")
        assert seen("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
        stops.append(seen("document.activeElement.tagName"))
    assert stops == ["CODE", "CODE", "SUMMARY", "CODE", "INPUT"]


def test_hostile_text_is_text(look: Look) -> None:
    seen = look(reports.hostile())
    assert seen("document.title") == "✗ sample 1.1.0 is broken"
    assert seen("document.querySelectorAll('script, img').length") == 0
    assert reports.HOSTILE[0] in seen.texts("article .message")


def test_two_thousand_clauses_are_there_at_once(look: Look) -> None:
    seen = look(reports.many(), width=380)
    assert seen.texts(".filter .count") == ["2,000", "1", "299", "1,700"]
    assert seen.texts("summary") == ["Blocks 299 clauses"]


def test_on_paper_everything_is_open_and_nothing_waits_for_a_click(look: Look) -> None:
    seen = look(reports.broken())
    seen.page.emulate_media(media="print")
    assert seen.shown("details li") == 6
    assert seen.shown(".filter") == 0


def test_without_javascript_it_is_the_same(chromium: Any, tmp_path: Path) -> None:
    write_text(tmp_path / "page.html", page_of(reports.broken(), stack="default", view="host"))
    page = chromium.new_page(java_script_enabled=False)
    page.goto((tmp_path / "page.html").as_uri())
    page.get_by_text("Blocks 6 clauses").click()
    assert page.locator("details li").first.is_visible()
    page.close()


def test_a_report_of_one_outcome_needs_no_filter(look: Look) -> None:
    assert look(report(finding("a"))).shown(".filter") == 0
