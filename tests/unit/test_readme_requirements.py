"""The examples of requirements in the READMEs are such."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.requirements import load_requirements
from mmp_local_dev.contract.needs import compare


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_examples_are_met_by_the_contract(name: str, tmp_path: Path) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n( *apiVersion: .*?)```", text, re.DOTALL)
    assert examples
    path = tmp_path / "example.req.yml"
    for example in examples:
        path.write_text(dedent(example), encoding="utf-8")
        assert compare(load_requirements(path), load(REPOSITORY / "dev-contract.yml")).exit_code == 0
