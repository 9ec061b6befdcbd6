"""What a command can say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmp_local_dev.events import Event

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


class Output:
    """What a command can say; `people` and `machine` say it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def event(self, event: Event) -> None:
        """Something happened."""

    def close(self) -> None:
        """Nothing more is said."""

    def up(self, result: Up) -> None:
        """The end of `up`."""

    def down(self, result: Down) -> None:
        """The end of `down`."""

    def status(self, result: Status) -> None:
        """The end of `status`."""

    def report(self, report: Report, *, verbose: bool = False) -> None:
        """The end of `check`."""

    def changes(self, found: Comparison, failing: Sequence[Change], form: str) -> None:
        """The end of `contract diff`; `failing` are the changes that make it fail, `form` is its `--format`."""

    def rules(self, rules: Sequence[Rule]) -> None:
        """The end of `contract rules`."""

    def old_data(self, found: Sequence[OldData], *, deleted: bool = False) -> None:
        """What `old-data` found, or deleted."""

    def consumers(self, result: Verification) -> None:
        """The end of `contract verify-consumers`."""

    def upgrade(self, result: Upgrade) -> None:
        """The end of `contract can-i-upgrade`."""

    def draft(self, result: Inferred) -> None:
        """The end of `contract infer`."""

    def features_applied(self, result: FeaturesApplied) -> None:
        """The end of `features apply`."""

    def features_seeded(self, result: FeaturesSeeded) -> None:
        """The end of `features seed`."""

    def features_materialized(self, result: FeaturesMaterialized) -> None:
        """The end of `features materialize`."""

    def init(self, result: Init) -> None:
        """The end of `init`."""

    def lint(self, result: Lint) -> None:
        """What `contract lint` found, and mended."""

    def profile(self, result: Profile, page: Path | None) -> None:
        """The end of `features profile`; `page` is where the page was written, if it was."""
