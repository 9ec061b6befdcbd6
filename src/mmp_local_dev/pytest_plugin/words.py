"""Findings and errors in words, as pytest prints them."""

from __future__ import annotations

from collections.abc import Iterable

from mmp_local_dev.contract.report import Finding, Outcome
from mmp_local_dev.errors import MmpError, Repair

_UNKNOWN = "could not be checked"


def explained(finding: Finding) -> str:
    """What was expected and found, where it is declared, and the way out."""
    facts = {"expected": finding.expected, "actual": finding.actual, "declared": finding.declared}
    lines = [f"  {f'{name}:':<10}{value}" for name, value in facts.items() if value]
    return "\n".join([_headline(finding), *lines, *_ways_out(finding.repairs)])


def _headline(finding: Finding) -> str:
    if finding.outcome is Outcome.UNKNOWN and not finding.message.startswith(_UNKNOWN):
        return f"{_UNKNOWN}: {finding.message}"
    return finding.message


def told(error: MmpError) -> str:
    """An error with its ways out."""
    return "\n".join([error.message, *_ways_out(error.repairs)])


def _ways_out(repairs: Iterable[Repair]) -> list[str]:
    return [f"  {'repair:':<10}{'  # '.join(filter(None, (each.command, each.description)))}" for each in repairs]
