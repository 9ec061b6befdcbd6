"""What can be set, each on the command line (`--mmp-if-down`) and in the ini-file (`mmp_if_down`); the first wins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

CONTRACT = "dev-contract.yml"

_CONTRACT = "the provider's contract, or its workspace's folder; on the command line all of its clauses are checked"
_OPTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("contract", "", _CONTRACT, ()),
    ("env_file", "", "what holds the environment; by default the .env beside the contract, or else the process's", ()),
    ("if_down", "fail", "what happens when the environment is down; MMP_REQUIRE_ENV=1 makes it fail", ("fail", "skip")),
    ("mode", "live", "against what runs, or only against what the contract promises", ("live", "compare")),
    ("groups", "", "only these groups of the requirements, separated by commas", ()),
    ("only", "", "only these clauses (id, kind, or pattern with *), separated by commas, and what they hang on", ()),
    ("timeout", "10", "seconds for each clause", ()),
    ("waivers", "", "the file of waivers; by default contract-waivers.yml beside the requirements", ()),
)


@dataclass(frozen=True)
class Settings:
    """What the options say, paths absolute. `skip_if_down`: an environment that is down fails nothing."""

    contract: Path | None
    env_file: Path | None
    skip_if_down: bool
    mode: str
    groups: tuple[str, ...]
    only: tuple[str, ...]
    timeout: float
    waivers: Path | None


_SETTINGS = pytest.StashKey[Settings]()


def add_options(parser: pytest.Parser) -> None:
    """Declare them all."""
    group = parser.getgroup("mmp", "contract of a development environment")
    for name, default, text, choices in _OPTIONS:
        flag = f"--mmp-{name.replace('_', '-')}"
        group.addoption(flag, dest=f"mmp_{name}", default=None, choices=choices or None, help=text)
        parser.addini(f"mmp_{name}", f"{text} (see {flag})", default=default)


def settings_of(config: pytest.Config) -> Settings:
    """What they say in this run. Raises UsageError for a value that cannot be."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = _settings(config)
    return config.stash[_SETTINGS]


def _settings(config: pytest.Config) -> Settings:
    contract = _path(config, "contract")
    return Settings(
        contract / CONTRACT if contract and contract.is_dir() else contract,
        _path(config, "env_file"),
        _choice(config, "if_down") == "skip" and os.environ.get("MMP_REQUIRE_ENV") != "1",
        _choice(config, "mode"),
        _words(config, "groups"),
        _words(config, "only"),
        _seconds(config, "timeout"),
        _path(config, "waivers"),
    )


def _text(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"mmp_{name}")
    return str(config.getini(f"mmp_{name}") if given is None else given)


def _path(config: pytest.Config, name: str) -> Path | None:
    """Relative to the working directory on the command line, and to its file in the ini-file."""
    text = _text(config, name)
    given = config.getoption(f"mmp_{name}") is not None
    folder = config.invocation_params.dir if given or not config.inipath else config.inipath.parent
    return (folder / text).resolve() if text else None


def _words(config: pytest.Config, name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in _text(config, name).split(",") if word.strip())


def _choice(config: pytest.Config, name: str) -> str:
    value = _text(config, name)
    choices = next(choices for option, _, _, choices in _OPTIONS if option == name)
    if value not in choices:
        raise pytest.UsageError(f"mmp_{name} is {value!r}; it is one of {', '.join(choices)}")
    return value


def _seconds(config: pytest.Config, name: str) -> float:
    value = _text(config, name)
    try:
        return float(value)
    except ValueError:
        raise pytest.UsageError(f"mmp_{name} is {value!r}; it is a number of seconds") from None
