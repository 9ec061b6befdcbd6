"""The page of `features profile`, looked at in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import profiles
from looking import SPILLED, TOO_FAINT, Looked
from mmp_local_dev.cli.render.profile_page import page as page_of
from mmp_local_dev.features.profile_facts import Profile
from mmp_local_dev.files import write_text
from reports import HOSTILE

pytestmark = pytest.mark.needs("browser")

SAMPLES: list[Callable[[], Profile]] = [profiles.good, profiles.bad, profiles.hostile, profiles.wide]
EVERY_SAMPLE = pytest.mark.parametrize("sample", SAMPLES)

Look = Callable[..., Looked]


@pytest.fixture
def look(chromium: Any, tmp_path: Path) -> Iterator[Look]:
    opened: list[Looked] = []

    def see(of: Profile, *, width: int = 1400, scheme: str = "light") -> Looked:
        opened.append(Looked(chromium, page_of(of), tmp_path, width=width, scheme=scheme))
        return opened[-1]

    yield see
    for each in opened:
        each.page.close()


@EVERY_SAMPLE
@pytest.mark.parametrize("width", [380, 1400])
def test_it_fits_and_the_browser_has_nothing_to_say(sample: Callable[[], Profile], width: int, look: Look) -> None:
    seen = look(sample(), width=width)
    assert seen("document.documentElement.scrollWidth") == width
    assert [each for each in seen(SPILLED) if not each.startswith("BDI ")] == []  # values end in an ellipsis
    assert seen.said == []
    assert seen.requests == [seen.file.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sample", [profiles.good, profiles.bad])
def test_every_text_can_be_read(sample: Callable[[], Profile], scheme: str, look: Look) -> None:
    assert look(sample(), scheme=scheme)(TOO_FAINT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_stand_out_from_the_ground(scheme: str, look: Look) -> None:
    """Three to one, as WCAG demands of what is drawn."""
    ratio = """() => {
      const luminance = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number)
          .map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = luminance(getComputedStyle(document.body).backgroundColor);
      return Math.min(...[...document.querySelectorAll("rect, path")].map(e => luminance(getComputedStyle(e).fill))
        .map(drawn => (Math.max(drawn, ground) + 0.05) / (Math.min(drawn, ground) + 0.05)));
    }"""
    assert look(profiles.good(), scheme=scheme)(ratio) >= 3


@EVERY_SAMPLE
def test_it_can_be_heard(sample: Callable[[], Profile], look: Look) -> None:
    """Landmarks, headings in order, a header for every column and row, a title and a description of every chart."""
    seen = look(sample())
    assert [seen(f"document.querySelectorAll('{tag}').length") for tag in ("main", "h1", "header", "footer")] == [1] * 4
    levels = seen("[...document.querySelectorAll('h1, h2, h3, h4')].map(e => +e.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert seen("[...document.querySelectorAll('th')].every(e => ['col', 'row'].includes(e.scope))")
    assert seen(
        "[...document.querySelectorAll('tbody tr')].every(e => e.querySelectorAll('th[scope=row]').length == 1)"
    )
    assert seen("[...document.querySelectorAll('[aria-labelledby]')].every(e => e.getAttribute('aria-labelledby')"
                ".split(' ').every(id => document.getElementById(id)))")  # fmt: skip
    assert seen("(ids => new Set(ids).size === ids.length)([...document.querySelectorAll('[id]')].map(e => e.id))")
    charts = "[...document.querySelectorAll('svg[role=img]')]"
    assert seen(f"{charts}.length + document.querySelectorAll('svg[aria-hidden]').length") == seen(
        "document.querySelectorAll('svg').length"
    )
    for part in ("title", "desc"):
        assert seen(f"{charts}.every(e => e.querySelector(':scope > {part}').textContent)")


def test_the_head_says_what_it_is_about(look: Look) -> None:
    seen = look(profiles.good())
    assert seen.texts("h1") == ["local"]
    assert seen.texts(".lead") == ["35,300 rows in 2 tables. card-fraud 1: 50000 rows, seed 42"]
    assert seen.texts("header dd") == ["21 November 2026, 16:25 UTC", "sample 1.1.0", "default", "430 ms"]
    assert seen.texts("h2") == [
        *("Tables and views", "Worth a look", "Online store", "transactions", "user_demographics")
    ]


def test_tables_are_summed_up_and_linked(look: Look) -> None:
    seen = look(profiles.good())
    row = seen.texts(".overview tbody tr:first-child > *")
    assert row == ["transactions", "34,300", "", "2025-01-01 to 2025-06-30", "16 months ago", "0%", ""]
    seen.page.get_by_role("link", name="user_demographics").click()
    assert seen("location.hash") == "#table-2"
    assert seen.requests == [seen.file.as_uri()]


def test_a_column_shows_its_figures_or_its_values(look: Look) -> None:
    seen = look(profiles.good())
    columns = {text.split()[0]: text for text in seen.texts("#table-1 ~ .columns tbody tr")}
    assert columns["amount"].endswith("0% 1,000 1 1 1 33.1 98.6 98.6")
    assert "category_0 40.0%" in columns["category"]
    assert "category_1… 37.0%" in columns["category"]
    assert "and 995 values more" in columns["category"]
    assert "≈1,000" in columns["latitude"]
    assert "2025-01-01 to 2025-06-30" in columns["event_timestamp"]


def test_bars_say_what_they_count(look: Look) -> None:
    seen = look(profiles.good())
    assert seen.texts("#table-1 ~ figure rect")[:2] == ["2025-01-01: 100 rows", "2025-01-02: 130 rows"]
    assert seen("document.querySelectorAll('#table-1 ~ figure rect').length") == 181
    assert seen.texts(".shares h3") == ["is_fraud is 1 in 1.20% of the rows"]
    assert seen.texts(".shares .list li")[0] == "category_0 4.00%"


def test_what_stands_out_comes_early(look: Look) -> None:
    seen = look(profiles.bad())
    said = seen.texts(".notices li")
    assert said[0].startswith("The tables hold different data sets: another data set; card-fraud 1")
    assert "locked could not be read: somebody holds a lock on it, for more than 5 s." in said
    assert "empty is empty." in said
    assert "damaged.age has 100 values that cannot be counted in, 3 of them NaN." in said
    assert any(re.match(r"damaged differs online in 4 of 40 rows: 3 stale, 1 not online\. The first: user_id=", each)
               for each in said)  # fmt: skip
    assert seen.texts(".online tbody tr:first-child > *")[1:5] == ["40", "39", "90.0%", "3 stale, 1 not online"]
    assert seen.texts(".online .problem") == ["Redis at localhost:6379: connection refused."]
    assert seen.texts(".table .problem") == ["Could not be read: somebody holds a lock on it, for more than 5 s."]


def test_nothing_to_say_is_said(look: Look) -> None:
    assert look(profiles.good()).texts("section:has(> #notices) > p")[0].startswith("Nothing stands out")


def test_a_part_of_the_rows_is_told_as_one(look: Look) -> None:
    seen = look(profiles.bad())
    assert "34,300, a sample: all shares are of these" in seen.texts("#table-3 ~ .facts dd")
    assert any("≥ they are those that were seen" in note for note in seen.texts("#table-3 ~ .note"))


def test_hostile_text_is_text(look: Look) -> None:
    seen = look(profiles.hostile())
    assert seen("document.querySelectorAll('script, img').length") == 0
    assert "taken over" not in seen("document.title").split("<script>")[0]
    assert seen.texts("h1") == [HOSTILE[0]]
    assert HOSTILE[0] in seen.texts(".values bdi")


def test_on_paper_each_table_begins_a_page(look: Look) -> None:
    seen = look(profiles.good())
    seen.page.emulate_media(media="print")
    breaks = seen("[...document.querySelectorAll('main > .table')].map(e => getComputedStyle(e).breakBefore)")
    assert breaks == ["page", "page"]


def test_without_javascript_it_is_the_same(chromium: Any, tmp_path: Path) -> None:
    write_text(tmp_path / "page.html", page_of(profiles.good()))
    page = chromium.new_page(java_script_enabled=False)
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".columns").first.is_visible()
    page.close()
