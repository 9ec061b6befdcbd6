"""For programs: one JSON object on stdout.

`{"schemaVersion", "command", "status", "data", "warnings", "error"}`: all keys always present, none is ever removed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmp_local_dev.cli.render.base import Output
from mmp_local_dev.events import Event, Warned

if TYPE_CHECKING:
    from mmp_local_dev.contract.compare.changes import Change
    from mmp_local_dev.contract.compare.ruleset import Rule
    from mmp_local_dev.contract.report import Report
    from mmp_local_dev.features.profile_facts import Profile
    from mmp_local_dev.operations.can_i_upgrade import Upgrade
    from mmp_local_dev.operations.consumers import Verification
    from mmp_local_dev.operations.diff import Comparison
    from mmp_local_dev.operations.down import Down
    from mmp_local_dev.operations.features_apply import FeaturesApplied
    from mmp_local_dev.operations.features_materialize import FeaturesMaterialized
    from mmp_local_dev.operations.features_seed import FeaturesSeeded
    from mmp_local_dev.operations.infer import Inferred
    from mmp_local_dev.operations.init import Init
    from mmp_local_dev.operations.lint import Lint
    from mmp_local_dev.operations.old_data import OldData
    from mmp_local_dev.operations.status import Status
    from mmp_local_dev.operations.up import Up


SCHEMA_VERSION = 1


class JsonOutput(Output):
    """Everything as one envelope on stdout."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self._warnings: list[str] = []
        self._data: object = None
        self._ok = True

    def event(self, event: Event) -> None:
        """Keep warnings for the envelope."""
        if isinstance(event, Warned):
            self._warnings.append(event.text)

    def close(self) -> None:
        """Print the envelope."""
        print_envelope(self.command, self._data, ok=self._ok, warnings=self._warnings)

    def up(self, result: Up) -> None:
        """Everything but the environment's values, of which the secrets are masked."""
        fields = {name: value for name, value in vars(result).items() if name not in ("env", "report")}
        self._data = {
            **fields,
            "env": result.env.masked(),
            "report": result.report and result.report.to_data(),
        }
        self._ok = result.report is None or result.report.kept

    def down(self, result: Down) -> None:
        """As it is."""
        self._data = asdict(result)

    def status(self, result: Status) -> None:
        """As it is, with the verdict."""
        self._data = {**asdict(result), "running": result.running}
        self._ok = result.running

    def report(self, report: Report, *, verbose: bool = False) -> None:
        """Every clause, whether it passed or not."""
        self._data = report.to_data()
        self._ok = report.kept

    def changes(self, found: Comparison, failing: Sequence[Change], form: str) -> None:
        """Every change, and the ids of those that fail."""
        self._data = {**found.to_data(), "failing": [change.id for change in failing]}
        self._ok = not failing

    def rules(self, rules: Sequence[Rule]) -> None:
        """Each rule, with words for severities."""
        self._data = {"rules": [rule.to_data() for rule in rules]}

    def old_data(self, found: Sequence[OldData], *, deleted: bool = False) -> None:
        """As it is."""
        self._data = {"old_data": [asdict(each) for each in found], "deleted": deleted}

    def consumers(self, result: Verification) -> None:
        """Every verdict with its report, and which of them count."""
        verdicts = [{**vars(verdict), "report": verdict.report.to_data()} for verdict in result.verdicts]
        fatal = [verdict.file for verdict in result.fatal]
        self._data = {**vars(result), "verdicts": verdicts, "fatal": fatal}
        self._ok = result.exit_code == 0

    def upgrade(self, result: Upgrade) -> None:
        """As it is, with every clause that was compared."""
        self._data = {**asdict(result), "reports": [report.to_data() for report in result.reports]}
        self._ok = result.exit_code == 0

    def draft(self, result: Inferred) -> None:
        """As it is; warnings in the envelope."""
        self._data = asdict(result)

    def features_applied(self, result: FeaturesApplied) -> None:
        """Every change, and those that were refused."""
        self._data = result.to_data()
        self._ok = not result.refused

    def features_seeded(self, result: FeaturesSeeded) -> None:
        """As it is."""
        self._data = asdict(result)

    def features_materialized(self, result: FeaturesMaterialized) -> None:
        """As it is, moments in ISO 8601."""
        self._data = result.to_data()

    def init(self, result: Init) -> None:
        """As it is."""
        self._data = asdict(result)

    def lint(self, result: Lint) -> None:
        """Every remark; no remark of severity error is a clean file."""
        self._data = {**asdict(result.result), "clean": result.result.clean, "fixed": list(result.fixed)}
        self._ok = result.result.clean

    def profile(self, result: Profile, page: Path | None) -> None:
        """Every fact; where the page is, or null."""
        self._data = {**asdict(result), "page": page and str(page)}
        self._ok = result.complete


def print_envelope(command: str, data: object, *, ok: bool, warnings: Sequence[str] = (), error: object = None) -> None:
    """Print the envelope; `ok` becomes its status."""
    envelope = {
        "schemaVersion": SCHEMA_VERSION,
        "command": command,
        "status": "ok" if ok else "error",
        "data": data,
        "warnings": list(warnings),
        "error": error,
    }
    click.echo(json.dumps(envelope, ensure_ascii=False))
