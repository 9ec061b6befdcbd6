"""The examples in the documents are what they say they are."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract.lint import lint
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.needs import compare


@pytest.mark.parametrize("name", ["contract.md", "contract.ko.md"])
def test_examples_are_sound_and_met_by_the_contract(name: str, tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    requirements, waivers = re.findall(r"```yaml\n(apiVersion: .*?)```", text, re.DOTALL)
    for file, example in (("example.req.yml", requirements), ("contract-waivers.yml", waivers)):
        (tmp_path / file).write_text(example, encoding="utf-8")
        assert lint(tmp_path / file, today=date(2026, 12, 1)).remarks == ()
    needed = load_requirements(tmp_path / "example.req.yml")
    assert compare(needed, load(REPOSITORY / "dev-contract.yml")).exit_code == 0


@pytest.mark.parametrize("name", ["contract.md", "contract.ko.md"])
def test_the_example_of_a_contract_is_sound(name: str, tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(version: .*?)```", text, re.DOTALL)
    file = tmp_path / "dev-contract.yml"
    file.write_text(example, encoding="utf-8")
    assert [remark.text for remark in lint(file, today=date(2026, 12, 1)).remarks] == []
