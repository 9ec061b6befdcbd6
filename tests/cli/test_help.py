"""No command without help, no exit code of its own without a word, none that the README does not know."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
import pytest

from conftest import REPOSITORY
from mmp_local_dev import __version__
from mmp_local_dev.cli import contract, features, main
from mmp_local_dev.cli.main import COMMANDS

# Those of a group by their whole name: "contract lint".
GROUPS = {"contract": contract.COMMANDS, "features": features.COMMANDS}
ALL = {**COMMANDS, **{f"{group} {name}": line for group, table in GROUPS.items() for name, line in table.items()}}

every_command = pytest.mark.parametrize("name", [name for name in ALL if name not in GROUPS])


def command(name: str) -> click.Command:
    found: click.Command | None = main.command
    for word in name.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    assert found is not None
    return found


def returned(name: str) -> Iterator[ast.expr]:
    """What the function behind a command may return."""
    callback = command(name).callback
    assert callback is not None
    for node in ast.walk(ast.parse(inspect.getsource(inspect.unwrap(callback)))):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def has_codes_of_its_own(name: str) -> bool:
    """Whether it ever answers by itself with anything but 0, or never returns because another program takes over."""
    values = list(returned(name))
    return not values or any(not (isinstance(value, ast.Constant) and value.value == 0) for value in values)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_with_its_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([option]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name, line in COMMANDS.items():
        assert re.search(rf"^ +{re.escape(name)} +{re.escape(line)}$", out, re.MULTILINE)
    for code in ("0", "1", "2", "3", "70", "130"):
        assert re.search(rf"\b{code}\b", out)


@every_command
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([*name.split(), "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"Usage: mmp-dev {name} ")
    text = (command(name).help or "").strip()
    assert text.split("\n")[0].split()[0] in out
    assert len(text) > 20
    assert "--debug" in out


@every_command
def test_every_option_has_help(name: str) -> None:
    options = [parameter for parameter in command(name).params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


@every_command
def test_exit_codes_of_its_own_are_told(name: str) -> None:
    if has_codes_of_its_own(name):
        assert re.search(r"[Ee]xit codes?\b", command(name).help or "")


def test_codes_of_its_own_are_seen() -> None:
    """Guards the guard."""
    assert {name for name in COMMANDS if name not in GROUPS and has_codes_of_its_own(name)} == {
        *("up", "restart", "status", "check"),
        *("run", "psql", "redis-cli"),
    }


@pytest.mark.parametrize(
    ("group", "table", "others"),
    [
        (main, COMMANDS, {"main", "options", "groups"}),
        (contract, contract.COMMANDS, set()),
        (features, features.COMMANDS, set()),
    ],
    ids=["mmp-dev", "contract", "features"],
)
def test_every_command_module_is_in_the_table(group: ModuleType, table: dict[str, str], others: set[str]) -> None:
    folder = Path(str(group.__file__)).parent
    package = str(group.__name__ if group.__name__ != main.__name__ else group.__package__)
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"} - others
    assert modules | (GROUPS.keys() & table.keys()) == {name.replace("-", "_") for name in table}
    for name in table:
        module = import_module(f"{package}.{name.replace('-', '_')}")
        assert isinstance(module.command, click.Command)
        assert module.command.name == name


@every_command
def test_the_readme_names_every_command(name: str) -> None:
    assert f"mmp-dev {name}" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "meant"), [("stauts", "status"), ("dwon", "down"), ("redis", "redis-cli"), ("checks", "check")]
)
def test_a_misspelled_command_is_guessed(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([typed]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"No such command {typed!r}. Did you mean {meant!r}?" in err


def test_a_command_that_resembles_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["xyzzy"]) == 2
    assert "No such command 'xyzzy'" in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 2
    out, err = capsys.readouterr()
    assert "Usage: mmp-dev" in out + err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"mmp-dev, version {__version__}\n"
