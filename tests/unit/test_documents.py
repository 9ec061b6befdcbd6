"""The examples in the documents are what they say they are."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from conftest import REPOSITORY
from mmp_local_dev.cli import features, main
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


DOCUMENTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for pattern in ("*.md", "docs/*.md", "examples/*/*.md")
    for path in REPOSITORY.glob(pattern)
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    path = REPOSITORY / name
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


def commands(name: str) -> list[str]:
    """What a document has its reader type, without comments."""
    lines = re.findall(r"^\$ (.*)$", (REPOSITORY / name).read_text(encoding="utf-8"), re.MULTILINE)
    return [line.partition(" #")[0].strip() for line in lines]


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith(".ko.md")])
def test_both_languages_type_the_same(name: str) -> None:
    assert commands(name) == commands(name.replace(".ko.md", ".md"))


def test_the_walk_through_types_commands_that_there_are() -> None:
    typed = [line.split() for line in commands("docs/walk-through.md") if line.startswith("mmp-dev ")]
    assert typed
    for _, word, *more in typed:
        assert word in main.COMMANDS
        assert word != "features" or more[0] in features.COMMANDS
