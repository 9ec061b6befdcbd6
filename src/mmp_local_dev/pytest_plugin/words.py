"""Findings and errors in words, as pytest prints them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from mmp_local_dev.contract.report import Finding, Outcome
from mmp_local_dev.errors import MmpError, Repair

_UNKNOWN = "could not be checked"


def explained(finding: Finding, workspace: Path | None) -> str:
    """What was expected and found, where it is declared, and the way out of there to the provider's workspace."""
    facts = {"expected": finding.expected, "actual": finding.actual, "declared": finding.declared}
    lines = [f"  {f'{name}:':<10}{value}" for name, value in facts.items() if value]
    return "\n".join([_headline(finding), *lines, *_ways_out(finding.repairs, workspace)])


def _headline(finding: Finding) -> str:
    if finding.outcome is Outcome.UNKNOWN and not finding.message.startswith(_UNKNOWN):
        return f"{_UNKNOWN}: {finding.message}"
    return finding.message


def told(error: MmpError, workspace: Path | None = None) -> str:
    """An error with its ways out."""
    return "\n".join([error.message, *_ways_out(error.repairs, workspace)])


def _ways_out(repairs: Iterable[Repair], workspace: Path | None) -> list[str]:
    commands = [(_from_here(each.command, workspace), each.description) for each in repairs]
    return [f"  {'repair:':<10}{'  # '.join(filter(None, words))}" for words in commands]


def _from_here(command: str, workspace: Path | None) -> str:
    """The command as it works where pytest was started."""
    if not command.startswith("mmp-dev ") or not workspace or workspace.resolve() == Path.cwd():
        return command
    return f"cd {shlex.quote(os.path.relpath(workspace))} && {command}"
