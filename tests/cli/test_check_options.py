"""The options of `mmp-dev check`, with checks that are made up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import reports
from conftest import on_terminal
from mmp_local_dev.cli import check as command
from mmp_local_dev.cli import main, options
from mmp_local_dev.contract.report import Report
from mmp_local_dev.errors import ContractInvalid
from mmp_local_dev.operations.check import Asked
from reports import finding, report

Line = Callable[..., tuple[int, str, str]]


class Checks:
    """Stands for `check`: answers with one report after the other, the last one for ever; None is ^C."""

    def __init__(self, *answers: Report | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    def __call__(self, _stack: object, asked: Asked) -> Report:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise KeyboardInterrupt
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    """`mmp-dev check` in this process, in a workspace."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev-contract.yml").touch()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main.run(["check", *arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Checks]:
    def answering(*answers: Report | Exception | None, view: str = "host") -> Checks:
        made = Checks(*answers)
        monkeypatch.setattr(command, "check" if view == "host" else "check_on_network", made)
        return made

    return answering


MakeChecks = Callable[..., Checks]


@pytest.mark.parametrize("view", ["host", "network"])
def test_what_is_asked_is_passed_on_in_every_view(view: str, line: Line, checks: MakeChecks) -> None:
    made = checks(reports.kept(), view=view)
    code, _, _ = line(*("--only", "a", "--only", "b*", "--group", "feast", "--timeout", "2.5", "--view", view))
    assert code == 0
    assert made.asked == [Asked(only=("a", "b*"), sections=("feast",), timeout=2.5)]


@pytest.mark.parametrize(("sample", "code"), [(reports.kept, 0), (reports.broken, 1), (reports.unknown, 3)])
def test_exit_codes_and_files_whatever_the_verdict(
    sample: Callable[[], Report], code: int, line: Line, checks: MakeChecks, tmp_path: Path
) -> None:
    checks(sample())
    done, out, _ = line("--junit", "out/junit.xml", "--html", "out/page.html", "--json")
    assert done == code
    assert Report.from_data(json.loads(out)["data"]) == sample()
    assert f"is {sample().verdict}</title>" in (tmp_path / "out/page.html").read_text(encoding="utf-8")
    root = ElementTree.parse(tmp_path / "out/junit.xml").getroot()  # noqa: S314 -- ours
    assert root.attrib["tests"] == str(len(sample().findings))


def test_a_file_that_cannot_be_written_is_told_before_anything_is_checked(line: Line, checks: MakeChecks) -> None:
    made = checks(reports.kept())
    code, out, err = line("--html", "dev-contract.yml/page.html")
    assert (code, out, made.asked) == (2, "", [])
    assert err == "Error: The report dev-contract.yml/page.html cannot be written: Not a directory.\n"


class TestForms:
    def test_json_has_two_names(self, line: Line, checks: MakeChecks) -> None:
        checks(reports.kept())
        assert line("--format", "json") == line("--json")

    @pytest.mark.parametrize("arguments", [["--json"], ["--format", "json"], ["--format=json"]])
    def test_its_failures_are_json_too(self, arguments: list[str], line: Line, checks: MakeChecks) -> None:
        checks(ContractInvalid("dev-contract.yml:3: no"))
        code, out, err = line(*arguments)
        assert (code, err) == (2, "")
        assert json.loads(out)["error"]["code"] == "CONTRACT_INVALID"

    def test_those_of_text_are_text(self, line: Line, checks: MakeChecks) -> None:
        checks(ContractInvalid("dev-contract.yml:3: no"))
        assert line("--format", "text", "--only", "json") == (2, "", "Error: dev-contract.yml:3: no\n")

    def test_the_steps_summary_is_added_to(
        self, line: Line, checks: MakeChecks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        summary = tmp_path / "summary.md"
        summary.write_text("before\n", encoding="utf-8")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        checks(reports.broken())
        assert line("--format", "text")[0] == 1
        assert summary.read_text(encoding="utf-8") == "before\n"
        code, out, _ = line("--format", "github")
        assert code == 1
        assert out.startswith("::error file=dev-contract.yml,line=12,")
        assert summary.read_text(encoding="utf-8").startswith("before\n### ✗ Contract sample 1.1.0 is broken")

    def test_a_summary_that_cannot_be_written_is_told(
        self, line: Line, checks: MakeChecks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/null/summary.md")
        checks(reports.kept())
        code, _, err = line("--format", "github")
        assert (code, "/dev/null/summary.md cannot be written" in err) == (2, True)


class TestRetry:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mmp_local_dev.operations.recheck._PAUSE", 0.0)

    def test_a_clause_that_recovers_is_fine_and_talk_is_on_stderr(self, line: Line, checks: MakeChecks) -> None:
        made = checks(reports.broken(), reports.kept())
        code, out, err = line("--retry-for", "10m")
        assert code == 0
        assert out.startswith("Contract sample 1.1.0 is kept: 23 passed, ")
        assert err == "Waiting for service.ready[postgresql], at most 600 s\n"
        assert "feature.dtype[user_demographics:age]" in made.asked[1].only

    def test_each_thing_that_is_waited_for_is_told_once_by_its_own_name(self, line: Line, checks: MakeChecks) -> None:
        names = ("env.present[A]", "env.present[B]")
        steps = (("failed", "failed"), ("failed", "failed"), ("passed", "failed"), ("passed", "passed"))
        checks(*(report(*(finding(*each) for each in zip(names, step, strict=True))) for step in steps))
        _, _, err = line("--retry-for", "10m")
        assert [each.split(",")[0] for each in err.splitlines()] == [f"Waiting for {name}" for name in names]

    def test_on_a_terminal_the_line_says_what_is_waited_for(self, tmp_path: Path) -> None:
        program = (
            "from mmp_local_dev.cli.render import output\n"
            "from mmp_local_dev.events import Waiting\n"
            "with output('check') as out: out.event(Waiting('env.present[POSTGRES_HOST]', 4.2))\n"
        )
        environment = {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}
        code, shown = on_terminal([sys.executable, "-c", program], tmp_path, **environment)
        assert code == 0
        assert "waiting for env.present[POSTGRES_HOST] " in shown
        assert "at most 5 s longer" in shown

    @pytest.mark.parametrize("text", ["60", "1d", "-1s", "s", "1 s", "1e3s", ""])
    def test_what_is_no_duration(self, text: str, line: Line, checks: MakeChecks) -> None:
        checks(reports.kept())
        code, _, err = line("--retry-for", text)
        assert code == 2
        assert "write a number with s, m or h, as in 60s" in err

    @pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5m", 90), ("2h", 7200), ("0s", 0)])
    def test_durations(self, text: str, seconds: float) -> None:
        assert options.duration(text) == seconds


class TestWatch:
    def watched(self, line: Line, checks: MakeChecks, *arguments: str) -> tuple[int, str, str]:
        checks(
            report(finding("a"), finding("b")),
            report(finding("a"), finding("b", "failed", message="down")),
            ContractInvalid("dev-contract.yml:3: no"),
            report(finding("a"), finding("b")),
            None,
        )
        return line("--watch", "--interval", "0s", *arguments)

    def test_a_report_then_a_line_for_each_change_until_it_is_interrupted(self, line: Line, checks: MakeChecks) -> None:
        code, out, err = self.watched(line, checks)
        assert code == 130
        assert "Watching for changes; ^C ends it." in err
        first, *changes = out.splitlines()
        assert first == "Contract sample 1.1.0 is kept: 2 passed in 430 ms."
        assert all(len(change.split()[0].split(":")) == 3 for change in changes)
        assert [change.partition("  ")[2] for change in changes] == [
            "✗ b  was passed, is failed: down",
            "? the contract cannot be checked: dev-contract.yml:3: no",
            "✓ the contract can be checked again",
            "✓ b  was failed, is passed",
        ]

    def test_in_json_each_is_an_object_of_its_own(self, line: Line, checks: MakeChecks) -> None:
        code, out, _ = self.watched(line, checks, "--json")
        assert code == 130
        objects: list[dict[str, Any]] = [json.loads(each) for each in out.splitlines()]
        *events, end = objects
        assert [each["event"] for each in events] == ["report", "change", "trouble", "trouble", "change"]
        assert Report.from_data(events[0]["report"]) == report(finding("a"), finding("b"))
        assert {name: events[1][name] for name in ("clause", "before", "after", "message")} == {
            **{"clause": "b", "before": "passed", "after": "failed", "message": "down"}
        }
        assert [each["error"] and each["error"]["code"] for each in events[2:4]] == ["CONTRACT_INVALID", None]
        assert end["error"]["code"] == "INTERRUPTED"

    @pytest.mark.parametrize(
        "arguments", [["--retry-for", "1s"], ["--junit", "x"], ["--html", "x"], ["--format", "github"]], ids=" ".join
    )
    def test_what_needs_an_end_is_refused(self, arguments: list[str], line: Line, checks: MakeChecks) -> None:
        made = checks(reports.kept())
        code, _, err = line("--watch", *arguments)
        assert (code, made.asked) == (2, [])
        assert f"--watch has no end, so it does not go together with {arguments[0]}" in err


def test_two_forms_of_one_answer_are_refused(line: Line, checks: MakeChecks) -> None:
    checks(reports.kept())
    code, out, _ = line("--json", "--format", "github")
    assert (code, json.loads(out)["error"]["code"]) == (2, "USAGE")
