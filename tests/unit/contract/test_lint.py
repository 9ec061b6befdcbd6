"""The verdict on a contract file: all problems, or what is doubtful about a sound one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mmp_local_dev.contract.lint import lint
from mmp_local_dev.contract.model import Severity
from mmp_local_dev.errors import ContractInvalid

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "contracts"
MINIMAL = (CORPUS / "valid" / "minimal.yml").read_text(encoding="utf-8")
TODAY = date(2026, 1, 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dev-contract.yml"


def warnings(path: Path, today: date = TODAY) -> list[str]:
    """What is doubtful about a contract of which nothing is wrong."""
    result = lint(path, today=today)
    assert result.clean
    assert {remark.severity for remark in result.remarks} <= {Severity.WARNING}
    return [f"{remark.line}: {remark.text}" for remark in result.remarks]


def test_the_own_contract_is_clean() -> None:
    result = lint(ROOT / "dev-contract.yml", today=TODAY)
    assert (result.file, result.kind, result.remarks, result.clean) == ("dev-contract.yml", "DevContract", (), True)


def test_all_problems_are_told(file: Path) -> None:
    file.write_text(MINIMAL + "".join(f"unknown-{number}: 1\n" for number in range(30)), encoding="utf-8")
    result = lint(file, today=TODAY)
    assert not result.clean
    assert [remark.text for remark in result.remarks] == [f'unknown key "unknown-{number}"' for number in range(30)]
    assert [remark.line for remark in result.remarks] == sorted(remark.line for remark in result.remarks)


def test_requirements_are_linted_as_such(tmp_path: Path) -> None:
    file = tmp_path / "needs.req.yml"
    head = "apiVersion: mmp.dev/v2\nkind: ContractRequirements\nmetadata: {name: pipeline}\n"
    file.write_text(head + "env: [POSTGRES_HOST, POSTGRES_HOST]\n", encoding="utf-8")
    (remark,) = lint(file, today=TODAY).remarks
    assert (remark.line, remark.text) == (4, 'env: "POSTGRES_HOST" is listed twice')
    assert lint(ROOT / "consumers" / "modern-ml-pipeline.req.yml", today=TODAY).clean


def test_a_newer_form_is_a_problem() -> None:
    result = lint(CORPUS / "invalid" / "form-newer.yml", today=TODAY)
    assert [remark.severity for remark in result.remarks] == [Severity.ERROR]


@pytest.mark.parametrize("text", ["", "version: [", "a: 1\n---\nb: 2\n"])
def test_what_cannot_be_read_at_all_is_no_verdict(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContractInvalid):
        lint(file, today=TODAY)


def test_a_version_of_two_parts(file: Path) -> None:
    file.write_text(MINIMAL.replace('version: "1.0.0"', 'version: "1.4"').replace('"1.0"', '"1.4"'), encoding="utf-8")
    assert [each.partition(": ")[2] for each in warnings(file)] == [
        'version: has two parts; write "1.4.0", so that corrections have a place, too'
    ]


def test_the_1_0_form() -> None:
    told = warnings(CORPUS / "valid" / "form-1-0.yml")
    assert told[0].startswith("2: is of the 1.0 form, which promises names and ports only")


# A promise of every kind in everything.yml that says when it may go, by line.
def test_every_sunset_is_looked_at() -> None:
    path = CORPUS / "valid" / "everything.yml"
    assert warnings(path) == []
    told = warnings(path, today=date(2100, 1, 1))
    lines = path.read_text(encoding="utf-8").splitlines()
    passed = [number for number, line in enumerate(lines, 1) if "sunset: " in line]
    assert [int(each.partition(":")[0]) for each in told] == passed
    assert len(passed) == 4
    assert told[0].endswith(
        ": env.OLD_HOST.sunset: 2099-06-30 has passed; remove the promise and reserve its name, or move the day"
    )


def test_a_sunset_holds_through_its_day() -> None:
    path = CORPUS / "valid" / "everything.yml"
    assert warnings(path, today=date(2099, 1, 1)) == []
    assert len(warnings(path, today=date(2099, 1, 2))) == 2


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ("deprecated: true", "deprecated: has no sunset, so nobody knows until when it stays"),
        ('sunset: "2099-01-01"', "sunset: has no effect without deprecated: true"),
        ('deprecated: false, sunset: "2020-01-01"', "sunset: has no effect without deprecated: true"),
        ('deprecated: true, sunset: "2099-01-01"', None),
    ],
)
def test_the_end_of_a_promise(file: Path, terms: str, told: str | None) -> None:
    old = f"  OLD: {{type: string, required: false, {terms}}}"
    file.write_text(MINIMAL.replace("services:\n", f"{old}\nservices:\n"), encoding="utf-8")
    assert [each.partition(": env.OLD.")[2] for each in warnings(file)] == ([told] if told else [])


def test_what_is_only_called_sunset_is_no_term(file: Path) -> None:
    text = (CORPUS / "valid" / "everything.yml").read_text(encoding="utf-8")
    file.write_text(text.replace("features: {is_new: Bool}", "features: {is_new: Bool, sunset: Int64}"), "utf-8")
    assert warnings(file) == []
