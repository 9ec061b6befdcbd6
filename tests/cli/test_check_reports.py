"""What a check says of a report that is made up: as text, for GitHub, in JUnit's XML, and as a page."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import reports
from conftest import on_terminal
from mmp_local_dev.cli.render import output
from mmp_local_dev.cli.render.for_github import step_summary
from mmp_local_dev.cli.render.html import page
from mmp_local_dev.cli.render.report_files import ReportFiles
from mmp_local_dev.cli.render.report_junit import suites
from mmp_local_dev.cli.render.words import duration
from mmp_local_dev.contract.clauses.base import Clause, ClauseBroken
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, Repair
from reports import finding, report

EVERY_SAMPLE = pytest.mark.parametrize(
    "sample", [reports.kept, reports.broken, reports.unknown, reports.many, reports.hostile, reports.report]
)
Said = Callable[..., str]


def parsed(xml: str) -> ElementTree.Element:
    return ElementTree.fromstring(xml.encode("utf-8"))  # noqa: S314 -- ours


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """What is printed of a report; nothing is on stderr."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)

    def say(of: Report, form: str = "text", *, verbose: bool = False) -> str:
        with output("check", form=form, folder=tmp_path) as out:
            out.report(of, verbose=verbose)
        printed, talk = capsys.readouterr()
        assert talk == ""
        return printed

    return say


class TestText:
    def test_a_kept_contract_is_one_line(self, said: Said) -> None:
        assert said(reports.kept()) == "Contract sample 1.1.0 is kept: 23 passed, 1 skipped in 430 ms.\n"

    def test_causes_come_first_with_repairs_and_what_they_block_then_warnings_then_the_verdict(
        self, said: Said
    ) -> None:
        assert said(reports.broken()).splitlines() == [
            "✗ service.ready[postgresql]",
            "    postgresql does not answer on localhost:5432: connection refused",
            "    expected: postgresql of this stack answers postgresql; found: no such answer",
            "    promised at dev-contract.yml:12",
            "    -> mmp-dev up  (starts what does not run)",
            "    -> mmp-dev logs postgresql  (shows what it said last)",
            "    blocks 6 clauses: service.version[postgresql], service.tls[postgresql], "
            "table.present[features.user_demographics] and 3 more",
            "✗ feature.dtype[user_demographics:age]",
            "    feature age of view user_demographics has another type",
            "    expected: Int64; found: Float64",
            "    promised at dev-contract.yml:141",
            "    -> mmp-dev features apply  (registers the definitions of this workspace)",
            "! service.version[redis]",
            "    redis runs in a version outside the promised range (waived until 2026-12-31: waits for the new image)",
            "    expected: >=8,<9; found: 7.4.2",
            "    promised at dev-contract.yml:12",
            "Contract sample 1.1.0 is broken: 2 failed, 6 blocked, 1 warning, 14 passed, 1 skipped in 430 ms.",
        ]

    def test_what_could_not_be_found_out_is_told_as_that(self, said: Said) -> None:
        shown = said(reports.unknown())
        assert shown.startswith("? mlflow.health[/health]\n    could not be checked: ReadTimeout: 10 seconds\n")
        assert " is unknown: 1 unknown, 22 passed" in shown

    def test_verbose_shows_each_clause_once_and_what_was_seen(self, said: Said) -> None:
        shown = said(reports.broken(), verbose=True)
        for each in reports.broken().findings:
            assert len(re.findall(rf"^\S {re.escape(each.clause)}(  .*)?$", shown, re.MULTILINE)) == 1
        assert "✓ service.version[mlflow]  3.17.2, 20 ms\n" in shown
        assert "· service.tls[postgresql]  waits for service.ready[postgresql]\n" in shown

    def test_a_part_of_the_contract_is_told_as_that(self, said: Said) -> None:
        shown = said(report(finding("a"), selected=("service.ready", "feast")))
        assert (
            shown == "Contract sample 1.1.0 is kept in what was asked for (service.ready, feast): 1 passed in 430 ms.\n"
        )

    def test_no_clause_at_all(self, said: Said) -> None:
        assert said(report()) == "Contract sample 1.1.0 is unknown: no clause was checked in 430 ms.\n"

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(0.0, "<1 ms"), (0.0009, "<1 ms"), (0.0123, "12 ms"), (0.9996, "1.0 s"), (9.96, "10 s"), (1234.4, "1,234 s")],
    )
    def test_times(self, seconds: float, words: str) -> None:
        assert duration(seconds) == words


class TestOnTerminals:
    def shown(self, width: int, **environment: str) -> list[str]:
        program = (
            "from mmp_local_dev.cli.render import output\n"
            "import reports\n"
            "with output('check') as out: out.report(reports.broken())\n"
        )
        basics = {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": str(width)}
        code, text = on_terminal([sys.executable, "-c", program], Path.cwd(), **basics, **environment)
        assert code == 0, text
        return text.splitlines()

    def test_a_narrow_one_has_messages_in_lines_that_fit_and_commands_as_they_are(self) -> None:
        lines = self.shown(40, NO_COLOR="1")
        start = lines.index("✗ service.ready[postgresql]") + 1
        assert lines[start : start + 2] == [
            "    postgresql does not answer on",
            "    localhost:5432: connection refused",
        ]
        assert "    -> mmp-dev logs postgresql  (shows what it said last)" in lines

    def test_a_wide_one_has_them_whole(self) -> None:
        assert "    postgresql does not answer on localhost:5432: connection refused" in self.shown(300, NO_COLOR="1")

    def test_colours(self) -> None:
        assert any("\x1b[31m✗" in line for line in self.shown(100))
        assert not any("\x1b" in line for line in self.shown(100, NO_COLOR="1"))


class TestJunit:
    @EVERY_SAMPLE
    def test_counts_are_those_of_the_cases_and_mandatory_attributes_are_there(
        self, sample: Callable[[], Report]
    ) -> None:
        root = parsed(suites(sample(), view="host"))
        assert root.tag == "testsuites"
        every = [root, *root]
        for suite in root:
            assert suite.tag == "testsuite"
            assert {"name", "timestamp", "hostname"} <= set(suite.keys())
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
            assert suite[0].tag == "properties"
            assert {child.tag for child in suite} <= {"properties", "testcase"}
        for each in every:
            cases = list(each.iter("testcase"))
            assert int(each.attrib["tests"]) == len(cases)
            for attribute, tag in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
                assert int(each.attrib[attribute]) == len(list(each.iter(tag)))
            assert float(each.attrib["time"]) == pytest.approx(
                sum(float(case.attrib["time"]) for case in cases), abs=1e-4 * len(cases)
            )
            assert all({"name", "classname", "time"} <= set(case.keys()) for case in cases)
            assert all(len(case) <= 1 for case in cases)
        assert len(list(root.iter("testcase"))) == len(sample().findings)

    def case(self, of: Report, clause: str) -> ElementTree.Element:
        root = parsed(suites(of, view="network"))
        return next(case for case in root.iter("testcase") if case.attrib["name"] == clause)

    def test_each_outcome(self) -> None:
        outcomes = ("passed", "failed", "unknown", "blocked", "skipped", "warning")
        of = report(*(finding(f"a[{outcome}]", outcome, message="why") for outcome in outcomes))
        cases = [self.case(of, f"a[{outcome}]") for outcome in outcomes]
        tags = [[child.tag for child in case] for case in cases]
        assert tags == [[], ["failure"], ["error"], ["skipped"], ["skipped"], ["system-out"]]
        assert [child.get("message") for case in cases for child in case] == ["why", "why", "why", "why", None]

    def test_a_failure_tells_everything(self) -> None:
        case = self.case(reports.broken(), "service.ready[postgresql]")
        assert (case.attrib["classname"], case.attrib["time"]) == ("service.ready", "0.0040")
        assert (case[0].text or "").splitlines() == [
            "postgresql does not answer on localhost:5432: connection refused",
            "expected: postgresql of this stack answers postgresql; found: no such answer",
            "promised at dev-contract.yml:12",
            "repair: mmp-dev up",
            "repair: mmp-dev logs postgresql",
        ]

    def test_what_was_checked_is_in_the_properties_of_every_suite(self) -> None:
        root = parsed(suites(reports.broken(), view="network"))
        assert [suite.attrib["name"] for suite in root] == [
            *("env", "services", "schema", "feast", "mlflow", "fixtures", "slaProperties")
        ]
        for suite in root:
            told = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
            assert told == {"contract": "sample", "version": "1.1.0", "mode": "live", "view": "network"}

    def test_hostile_text_comes_back_as_it_was_as_far_as_xml_can_hold_it(self) -> None:
        root = parsed(suites(reports.hostile(), view="host"))
        names = {case.attrib["name"] for case in root.iter("testcase")}
        assert {f"feature.view[{text}]" for text in reports.HOSTILE[:4]} <= names


class TestGithub:
    def test_each_clause_that_is_not_kept_is_an_annotation(self, said: Said) -> None:
        *lines, verdict = said(reports.broken(), "github").splitlines()
        assert [line.partition("::")[2].split("::")[0] for line in lines] == [
            "error file=dev-contract.yml,line=12,title=service.ready[postgresql] failed",
            "warning file=dev-contract.yml,line=12,title=service.version[redis] warning",
            "error file=dev-contract.yml,line=141,title=feature.dtype[user_demographics%3Aage] failed",
        ]
        assert lines[2].split("::")[2].split("%0A") == [
            "feature age of view user_demographics has another type",
            "expected: Int64; found: Float64",
            "promised at dev-contract.yml:141",
            "repair: mmp-dev features apply",
        ]
        assert verdict.startswith("Contract sample 1.1.0 is broken: 2 failed, ")

    def test_an_unknown_one_is_an_error(self, said: Said) -> None:
        assert said(reports.unknown(), "github").startswith("::error ")

    def test_nothing_ends_an_annotation_early(self, said: Said) -> None:
        shown = said(report(finding("a", "failed", message="100%\r\n::error::x", declared="a,b:c%.yml:3")), "github")
        first, verdict, end = shown.split("\n")
        assert "\r" not in shown
        assert first.startswith("::error file=a%2Cb%3Ac%25.yml,line=3,title=a failed::100%25%0D%0A::error::x%0A")
        assert (verdict[:8], end) == ("Contract", "")

    def test_the_contract_lies_where_it_does_in_the_checkout(
        self, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path.parent))
        shown = said(report(finding("a", "failed")), "github")
        assert shown.startswith(f"::error file={tmp_path.name}/dev-contract.yml,line=12,")

    def test_the_summary_has_a_row_for_each_and_nothing_in_it_is_markup(self) -> None:
        lines = step_summary(reports.broken()).splitlines()
        assert lines[0] == (
            "### ✗ Contract sample 1.1.0 is broken: 2 failed, 6 blocked, 1 warning, 14 passed, 1 skipped in 430 ms."
        )
        rows = [line for line in lines if line.startswith(("| ✗", "| !"))]
        assert len(rows) == 3
        assert all(row.count("|") == 6 for row in rows)
        hostile = step_summary(reports.hostile())
        assert "<script" not in hostile
        assert "<img" not in hostile
        assert all(row.count("|") == 6 for row in hostile.splitlines()[4:] if row)

    def test_a_kept_contract_has_no_table(self) -> None:
        assert "|" not in step_summary(reports.kept())


class TestPage:
    def test_it_is_one_file_without_a_script_that_asks_for_nothing(self) -> None:
        text = page(reports.broken(), stack="default", view="host")
        assert "default-src 'none'" in text
        assert not re.search(r"<(script|link|img|iframe|object|base)\b", text)
        assert not re.search(r"\b(src|href|action)=", text)
        assert "url(" not in text
        assert "@import" not in text

    @EVERY_SAMPLE
    def test_the_verdict_is_in_the_title(self, sample: Callable[[], Report]) -> None:
        of = sample()
        assert re.search(rf"<title>\S sample 1\.1\.0 is {of.verdict}</title>", page(of, stack="s", view="host"))

    def test_a_check_of_files_only_has_no_services(self) -> None:
        text = page(report(finding("env.present[A]"), mode="static"), stack="s", view="host")
        assert 'id="services"' not in text
        assert "from the workspace" in text


SECRET = "s3cret/w&rd"


def leaky() -> Report:
    """A real verification in which everything that a clause can say has the secret in it."""
    repair = Repair(f"redis-cli -a {SECRET} ping", f"with {SECRET}")

    def check(_env: Environment, _timeout: float) -> None:
        raise ClauseBroken(f"at {SECRET}", expected=SECRET, actual=f"not {SECRET}", repairs=[repair])

    def fail(_env: Environment, _timeout: float) -> None:
        raise OSError("redis://:s3cret%2Fw%26rd@localhost")

    def see(_env: Environment, _timeout: float) -> str:
        return f"version {SECRET}"

    clauses = [Clause(f"service.{check.__name__}[redis]", check, 3, service="redis") for check in (check, fail, see)]
    contract = Contract(Path("dev-contract.yml"), "sample", "1.0.0", "mmp.dev/v2", {}, {})
    return verify(contract, Environment({"REDIS_PASSWORD": SECRET}, {"REDIS_PASSWORD"}), clauses)


def test_secrets_are_in_none_of_them(said: Said, tmp_path: Path) -> None:
    of = leaky()
    files = ReportFiles("s", "host", *(tmp_path / name for name in ("junit.xml", "page.html", "summary.md")))
    files.write(of)
    texts = [path.read_text(encoding="utf-8") for path in sorted(tmp_path.iterdir())]
    texts += [said(of, form, verbose=True) for form in ("text", "json", "github")]
    assert len(texts) == 6
    for text in texts:
        assert "********" in text or "&#42;" in text
        assert "s3cret" not in text


class TestFiles:
    def files(self, path: Path) -> ReportFiles:
        return ReportFiles("default", "host", junit=path)

    def test_folders_are_made_and_a_broken_contract_is_written_too(self, tmp_path: Path) -> None:
        files = ReportFiles(
            "default", "host", tmp_path / "a/b/junit.xml", tmp_path / "c/page.html", tmp_path / "d/step"
        )
        for sample in (reports.broken(), reports.hostile()):
            files.check_writable()
            files.write(sample)
        assert parsed((tmp_path / "a/b/junit.xml").read_text(encoding="utf-8")).tag == "testsuites"
        assert (tmp_path / "c/page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        assert (tmp_path / "d/step").read_text(encoding="utf-8").count("### ✗ Contract ") == 2
        assert stat.S_IMODE((tmp_path / "c/page.html").stat().st_mode) == 0o644

    def test_a_file_behind_a_link_is_written_and_the_link_stays(self, tmp_path: Path) -> None:
        link = tmp_path / "link.xml"
        link.symlink_to(tmp_path / "real.xml")
        self.files(link).check_writable()
        self.files(link).write(reports.kept())
        assert link.is_symlink()
        assert (tmp_path / "real.xml").read_text(encoding="utf-8").startswith("<?xml")

    def test_what_is_no_plain_file_is_written_as_it_is(self) -> None:
        reader, writer = os.pipe()
        path = Path(f"/dev/fd/{writer}")
        self.files(path).check_writable()
        self.files(path).write(report(finding("a")))
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as pipe:
            assert pipe.read().startswith("<?xml")

    @pytest.mark.parametrize("name", ["file/report.xml", "folder", "file/deeper/report.xml"])
    def test_what_cannot_be_written_is_told(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        with pytest.raises(InputError, match=re.escape(f"The report {tmp_path / name} cannot be written: ")) as caught:
            self.files(tmp_path / name).check_writable()
        assert (caught.value.code, caught.value.exit_code) == ("REPORT_NOT_WRITABLE", 2)

    def test_so_is_what_cannot_be_written_any_more(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="No such file or directory"):
            self.files(tmp_path / "gone/report.xml").write(reports.kept())
