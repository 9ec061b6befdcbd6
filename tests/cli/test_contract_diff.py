"""What `contract diff` prints in each form, and its exit codes, between two files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mmp_local_dev.cli import main
from own import of_version

OLD = of_version("1.1.0")
WITHOUT_REDIS_PASSWORD = OLD.replace("  REDIS_PASSWORD:\n", "  CACHE_PASSWORD:\n")
WIDER = OLD.replace('version: ">=17,<18"', 'version: ">=16,<18"')
REQUIREMENTS = """
apiVersion: mmp.dev/v2
kind: ContractRequirements
metadata: {name: pipeline}
services: {postgresql: ">=15"}
"""


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self.out)
        return envelope


Diff = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MMP_DEV_WORKSPACE", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yml").write_text(OLD, encoding="utf-8")
    return tmp_path


@pytest.fixture
def diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> Diff:
    """`contract diff` of a text, which becomes the workspace's contract, against OLD."""

    def run(text: str, *options: str, version: str = "1.1.0") -> Said:
        (folder / "dev-contract.yml").write_text(of_version(version, text), encoding="utf-8")
        code = main.run(["contract", "diff", "--against", "old.yml", *options])
        return Said(code, *capsys.readouterr())

    return run


def test_nothing_has_changed(diff: Diff) -> None:
    said = diff(OLD)
    assert (said.code, said.out) == (0, "1.1.0 -> 1.1.0, nothing has changed.\n")
    assert said.err == "dev-contract.yml against old.yml\n"


def test_changes_stand_in_their_sections_before_the_verdict(diff: Diff) -> None:
    said = diff(WIDER, version="1.1.1")
    assert said.code == 1
    assert said.out.splitlines() == [
        "contract",
        "  ERR  version 1.1.1 is too low after 1.1.0; 2.0.0 is due  version-insufficient",
        "services",
        "  ERR  postgresql: version is >=16,<18, was >=17,<18  service-version-widened",
        "2 ERR. 1.1.0 -> 1.1.1, but 2.0.0 is due.",
    ]


def test_a_compatible_change_with_its_version_passes(diff: Diff) -> None:
    said = diff(OLD.replace('version: ">=3.17,<4"', 'version: ">=3.18,<4"'), version="1.2.0")
    assert said.code == 0
    assert said.out.endswith("1 INFO. 1.1.0 -> 1.2.0, as is due.\n")


def test_what_breaks_passes_once_the_version_tells_it(diff: Diff) -> None:
    said = diff(WIDER, version="2.0.0")
    assert said.code == 0
    assert said.out.endswith("1 ERR. 1.1.0 -> 2.0.0, as is due.\n")
    assert diff(WIDER, "--fail-on", "ERR", version="2.0.0").code == 1


def test_warnings_fail_only_where_asked(diff: Diff) -> None:
    assert diff(WITHOUT_REDIS_PASSWORD, version="1.2.0").code == 0
    assert diff(WITHOUT_REDIS_PASSWORD, "--fail-on", "WARN", version="1.2.0").code == 1


def test_json_has_every_change_and_the_verdict(diff: Diff) -> None:
    said = diff(WIDER, "--json")
    assert said.code == 1
    assert (said.envelope["command"], said.envelope["status"]) == ("contract diff", "error")
    data = said.envelope["data"]
    assert {"changes", "verdict", "baseline", "required_version", "required_bump", "failing", "notes"} <= data.keys()
    assert (data["baseline"], data["required_version"], data["required_bump"]) == ("old.yml", "2.0.0", "major")
    assert data["failing"] == ["version-not-bumped[version]", "service-version-widened[postgresql]"]
    change = data["changes"][1]
    assert (change["severity"], change["old"], change["new"]) == ("ERR", ">=17,<18", ">=16,<18")
    assert OLD.splitlines()[change["old_line"] - 1].strip() == "postgresql:"
    assert diff(WIDER, "--format", "json").out == said.out


def test_json_of_an_error_is_an_envelope_too(diff: Diff) -> None:
    said = diff(OLD, "--waivers", "nowhere.yml", "--format", "json")
    assert said.code == 2
    assert said.envelope["error"]["code"] == "INPUT_INVALID"


def test_markdown_is_a_table(diff: Diff) -> None:
    said = diff(WIDER, "--format", "markdown")
    assert said.code == 1
    assert said.out.startswith("### Contract mmp-local-dev: 1.1.0 -&#62; 1.1.0, but 2.0.0 is due\n")
    assert len([line for line in said.out.splitlines() if line.startswith("| ERR |")]) == 2


def test_junit_has_a_case_for_each_change(diff: Diff) -> None:
    said = diff(WITHOUT_REDIS_PASSWORD.replace(">=17,<18", ">=16,<18"), "--format", "junit")
    root = ET.fromstring(said.out)  # noqa: S314 -- written by ourselves
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("4", "2", "0")
    assert [suite.attrib["name"] for suite in root] == ["contract", "env", "services"]
    failed = [case.attrib["name"] for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == ["version-not-bumped[version]", "service-version-widened[postgresql]"]


def test_junit_of_no_change_has_a_case_that_passes(diff: Diff) -> None:
    root = ET.fromstring(diff(OLD, "--format", "junit").out)  # noqa: S314
    assert (root.attrib["tests"], root.attrib["failures"]) == ("1", "0")


def test_github_annotates_the_lines_of_the_new_file(diff: Diff, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder.parent))
    said = diff(WIDER, "--format", "github")
    line = next(number for number, text in enumerate(WIDER.splitlines(), 1) if text == "  postgresql:")
    where = f"file={folder.name}/dev-contract.yml,line={line}"
    assert f"::error {where},title=service-version-widened[postgresql]::postgresql: version is" in said.out
    assert (folder / "summary.md").read_text(encoding="utf-8").startswith("### Contract mmp-local-dev")


class TestConsumers:
    @pytest.fixture(autouse=True)
    def _consumer(self, folder: Path) -> None:
        (folder / "consumers").mkdir()
        (folder / "consumers" / "pipeline.req.yml").write_text(REQUIREMENTS, encoding="utf-8")

    @pytest.mark.parametrize("word", ["consumers", "consumers/*.yml", "consumers/pipeline.req.yml"])
    def test_who_uses_what_is_changed_is_told(self, word: str, diff: Diff) -> None:
        assert "service-version-widened; used by pipeline" in diff(WIDER, "--consumers", word).out
        assert diff(WIDER, "--consumers", word, "--json").envelope["data"]["consumers"] == ["pipeline"]

    def test_what_nobody_uses_passes_the_gate_with_its_version(self, diff: Diff) -> None:
        unused = OLD.replace('version: ">=7.2,<9"', 'version: ">=6,<9"')
        gate = ("--consumers", "consumers", "--gate", "consumers")
        said = diff(unused, *gate, version="2.0.0")
        assert said.code == 0
        assert "no known user" in said.out
        assert "No known consumer uses what 1 ERR change." in said.out
        assert diff(unused, *gate, version="1.2.0").code == 1
        assert diff(unused, "--fail-on", "ERR", version="2.0.0").code == 1
        assert diff(WIDER, *gate, version="2.0.0").code == 1

    def test_no_requirements_are_told(self, diff: Diff) -> None:
        said = diff(OLD, "--consumers", "nobody/*.req.yml")
        assert (said.code, said.out) == (2, "")
        assert "no requirements in nobody/*.req.yml" in said.err

    def test_a_gate_without_consumers_is_a_wrong_usage(self, diff: Diff) -> None:
        said = diff(OLD, "--gate", "consumers")
        assert said.code == 2
        assert "--gate consumers needs --consumers" in said.err


class TestWaivers:
    def waive(self, folder: Path, expires: str) -> None:
        waiver = f'{{id: "service-version-widened[postgresql]", reason: agreed, expires: "{expires}"}}'
        text = f"apiVersion: mmp.dev/v2\nkind: ContractWaivers\nwaivers: [{waiver}]\n"
        (folder / "contract-waivers.yml").write_text(text, encoding="utf-8")

    def test_a_waived_change_passes_with_its_version(self, diff: Diff, folder: Path) -> None:
        self.waive(folder, "2026-06-30")
        said = diff(WIDER, "--fail-on", "ERR", "--as-of", "2026-06-30", version="2.0.0")
        assert said.code == 0
        assert "waived: agreed" in said.out
        assert diff(WIDER, "--fail-on", "ERR", "--as-of", "2026-06-30", version="1.2.0").code == 1

    def test_the_day_after_its_last_it_fails(self, diff: Diff, folder: Path) -> None:
        self.waive(folder, "2026-06-30")
        said = diff(WIDER, "--fail-on", "ERR", "--as-of", "2026-07-01", version="2.0.0")
        assert said.code == 1
        assert "its waiver expired on 2026-06-30" in said.out

    def test_a_waiver_of_nothing_is_a_note(self, diff: Diff, folder: Path) -> None:
        self.waive(folder, "2026-06-30")
        said = diff(OLD)
        assert said.code == 0
        assert "Note: the waiver of service-version-widened[postgresql] (line 3) matches nothing" in said.err

    def test_a_wrong_file_is_told_with_its_line(self, diff: Diff, folder: Path) -> None:
        (folder / "contract-waivers.yml").write_text("kind: ContractWaiver\n", encoding="utf-8")
        said = diff(OLD)
        assert said.code == 2
        assert "contract-waivers.yml:1: " in said.err


def test_an_older_contract_that_is_wrong_is_told(diff: Diff, folder: Path) -> None:
    (folder / "old.yml").write_text("version: 1\n", encoding="utf-8")
    said = diff(OLD)
    assert said.code == 2
    assert "old.yml:1: " in said.err


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["contract", "rules"]) == 0
    assert "ERR  env-removed " in capsys.readouterr().out
    assert main.run(["contract", "rules", "--json"]) == 0
    rules = json.loads(capsys.readouterr().out)["data"]["rules"]
    assert {"id": "env-removed", "severity": "ERR", "mirror": "env-added"}.items() <= rules[0].items()
    assert main.run(["contract", "rules", "--ruleset", "9"]) == 2
