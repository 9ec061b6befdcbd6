"""For people: progress and talk on stderr, answers on stdout.

Lines are written with click; rich, which takes a tenth of a second to import, is there for live progress only.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmp_local_dev.cli.render import findings
from mmp_local_dev.cli.render.base import Output
from mmp_local_dev.cli.render.words import MARKS, number, say
from mmp_local_dev.events import Began, Done, Event, Note, Progress, Waiting, Warned

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

_STATES = {"running": "green", "starting": "yellow", "exited": "red", "absent": "white", "external": "cyan"}
_DOING = {
    "start": "starting",
    "stop": "stopping",
    "pull": "pulling its image",
    "build": "building its image",
    "dump": "dumping",
    "restore": "restoring",
    "compare": "comparing",
    "apply": "applying the definitions",
    "load": "loading",
    "derive": "computing statistics",
    "materialize": "writing",
    "remove": "looking for rows that are gone",
    "profile": "reading",
}
_DONE = {
    "start": "started",
    "stop": "stopped",
    "pull": "image pulled",
    "build": "image built",
    "dump": "dumped",
    "restore": "restored",
    "compare": "read for comparison",
    "apply": "definitions applied",
    "load": "loaded",
    "derive": "statistics computed",
    "materialize": "materialized",
    "profile": "read",
}
_LONG = ("pull", "build")  # steps whose beginning is told also where no bar can be shown
_NEXT = {
    "mmp-dev run -- python train.py": "train with this environment",
    "mmp-dev open": "MLflow in the browser",
    "mmp-dev check": "verify the contract again",
    "mmp-dev logs -f": "what the services say",
    "mmp-dev down": "stop; nothing is deleted",
}


class PeopleOutput(Output):
    """Text."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self._progress = _Progress()

    def event(self, event: Event) -> None:
        """Show it at once."""
        self._progress.show(event)

    def close(self) -> None:
        """Take the progress lines away."""
        self._progress.stop()

    def up(self, result: Up) -> None:
        """The addresses, the verdict, and what to do next."""
        self.close()
        for name in result.services:
            say(f"  {click.style(f'{name:<11}', bold=True)} {result.urls[name]}")
        if result.report is None:
            say(f"Dry run: would start what does not run of these ({result.runtime} runtime). Nothing changed.")
            return
        self.report(result.report)
        if left := result.left_to_check:
            say(f"Left to mmp-dev check, since reading through Feast takes seconds: {number(left, 'clause')}.")
        written = "written" if result.env_file_written else "unchanged"
        say(f"Environment: {result.env_file} ({written}). Ready in {result.seconds:.1f} s ({result.runtime}).")
        if result.report.kept:
            say("\nNext:")
            for command, description in _NEXT.items():
                say(f"  {click.style(f'{command:<30}', bold=True)}   {description}")

    def down(self, result: Down) -> None:
        """What was stopped."""
        self.close()
        told = f"Stopped {', '.join(result.stopped)}." if result.stopped else "Nothing of this stack was running."
        if result.was_running and not result.stopped:
            told = "Ended what was left of this stack."
        say(f"{told} Data, artifacts and .env stay.")

    def status(self, result: Status) -> None:
        """One line per service."""
        say(click.style(f"Stack {result.stack}, on {result.runtime}", dim=True), err=True)
        say(click.style(f"{'SERVICE':<12}{'STATE':<10}ADDRESS", dim=True))
        for service in result.services:
            say(f"{service.name:<12}{click.style(f'{service.state:<10}', fg=_STATES[service.state])}{service.url}")
        if not result.running:
            say(f"Start what does not run with: {click.style('mmp-dev up', bold=True)}", err=True)

    def report(self, report: Report, *, verbose: bool = False) -> None:
        """The causes first, each with its repair; the count last."""
        self.close()
        findings.say_report(report, verbose=verbose)

    def changes(self, found: Comparison, failing: Sequence[Change], form: str) -> None:
        """As text, or in the form that was asked for."""
        from mmp_local_dev.cli.render import changes

        changes.FORMATS[form](found, failing)

    def rules(self, rules: Sequence[Rule]) -> None:
        """A line for each rule."""
        from mmp_local_dev.cli.render import changes

        changes.say_rules(rules)

    def old_data(self, found: Sequence[OldData], *, deleted: bool = False) -> None:
        """One line each."""
        for each in found:
            say(f"{'deleted ' if deleted else ''}{each.name}  ({each.runtime}: {each.where})")
        if not found:
            say("No old data: everything that this stack keeps is in use.")

    def consumers(self, result: Verification) -> None:
        """What is in each one's way, then the count."""
        from mmp_local_dev.cli.render import needs

        needs.say_verification(result)

    def upgrade(self, result: Upgrade) -> None:
        """What is in the way, then the answer."""
        from mmp_local_dev.cli.render import needs

        needs.say_upgrade(result)

    def draft(self, result: Inferred) -> None:
        """The draft, or where it was written."""
        if result.file:
            say(f"wrote {result.file}: a draft; read it before you rely on it", err=True)
        else:
            say(result.text, nl=False)

    def features_applied(self, result: FeaturesApplied) -> None:
        """What has changed, or what would break whom; then the verdict."""
        from mmp_local_dev.cli.render import applied

        self.close()
        applied.say_applied(result)

    def features_seeded(self, result: FeaturesSeeded) -> None:
        """What there is now, and the next command."""
        from mmp_local_dev.cli.render import seeded

        self.close()
        seeded.say_seeded(result)

    def features_materialized(self, result: FeaturesMaterialized) -> None:
        """What was done for each view."""
        from mmp_local_dev.cli.render import materialized

        self.close()
        materialized.say_materialization(result)

    def init(self, result: Init) -> None:
        """What was written, and the next command."""
        for name in result.written:
            say(f"wrote {name}")
        for name in result.kept:
            say(f"kept  {name}")
        say(f"Next: {click.style('mmp-dev up', bold=True)}")

    def lint(self, result: Lint) -> None:
        """What was mended, then a line for each remark, as compilers write them."""
        file, remarks = result.result.file, result.result.remarks
        for done in result.fixed:
            say(f"fixed {done}")
        for remark in remarks:
            told = f"{click.style('warning:', fg='yellow')} " if remark.severity == "warning" else ""
            say(f"{file}:{remark.line}: {told}{remark.text}")
        if not remarks:
            say(f"{file} is clean.")

    def profile(self, result: Profile, page: Path | None) -> None:
        """What stands out, and where the page is."""
        self.close()
        for notice in result.notices:
            where = ".".join(filter(None, (notice.table, notice.column)))
            say(f"{click.style('!', fg='yellow')} {f'{where} ' if where else ''}{notice.text}")
        say(str(page))


class _Progress:
    """What is going on: on a terminal a line for each service at work, elsewhere a line for each finished step."""

    def __init__(self) -> None:
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        self._waits_for = ""

    def show(self, event: Event) -> None:
        match event:
            case Note(text):
                self._line(text)
            case Warned(text):
                self._line(f"{click.style('Warning:', fg='yellow')} {text}")
            case Began(service, step):
                self._begin(service, step)
            case Progress(service):
                self._advance(service, event)
            case Waiting(what, seconds):
                self._wait(what, seconds)
            case Done(service, step, seconds):
                self._end(service)
                self._line(f"  {MARKS['passed']} {service:<11} {_DONE.get(step, step)}, {seconds:.1f} s")

    def stop(self) -> None:
        for service in list(self._tasks):
            self._end(service)

    def _line(self, text: str) -> None:
        """A line that stays, above the live ones."""
        if self._live is None:
            say(text, err=True)
        else:
            from rich.text import Text

            self._live.console.print(Text.from_ansi(text), soft_wrap=True)

    def _begin(self, service: str, step: str) -> None:
        text = _doing(service, step)
        if sys.stderr.isatty():
            self._add(service, text)
        elif step in _LONG:
            self._line(f"    {text} ...")

    def _add(self, name: str, text: str) -> None:
        if self._live is None:
            self._live = _bars()
            self._live.start()
        self._tasks[name] = self._live.add_task(text, total=None, visible=True, told="")

    def _wait(self, what: str, seconds: float) -> None:
        """One live line for all that is waited for; elsewhere a line for each such thing."""
        longest = f"at most {math.ceil(seconds)} s"
        if sys.stderr.isatty():
            if "" not in self._tasks:
                self._add("", "")
            told = {"description": f"waiting for {what}", "told": f"{longest} longer"}
            self._live.update(self._tasks[""], refresh=True, **told)
        elif what != self._waits_for:
            self._line(f"Waiting for {what}, {longest}")
        self._waits_for = what

    def _advance(self, service: str, event: Progress) -> None:
        """Move a step's bar, and tell how fast and how long still where that is known."""
        if (task := self._tasks.get(service)) is None:
            return
        described = {"description": _doing(service, event.step)}
        self._live.update(task, completed=event.done, total=event.total or None, **described)
        speed = self._live.tasks[self._live.task_ids.index(task)].speed or 0
        self._live.update(task, told=_told(event, speed))

    def _end(self, service: str) -> None:
        if (task := self._tasks.pop(service, None)) is not None:
            self._live.remove_task(task)
            if not self._tasks:
                self._live.stop()
                self._live = None


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    return Progress(*columns, console=Console(stderr=True, highlight=False), transient=True)


def _doing(service: str, step: str) -> str:
    return f"{service:<11} {_DOING.get(step, step)}"


def _told(progress: Progress, speed: float) -> str:
    """How much is done, how fast, and how long still: `12.3 of 80.1 MB, 9.8 MB/s, 7 s left`, or `3 of 7 steps`."""
    done, total, unit, rate = progress.done, progress.total, progress.unit, speed
    if unit == "bytes":
        done, total, unit, rate = round(done / 1e6), round(total / 1e6), "MB", round(speed / 1e6)
    pace = f", {rate:,.0f} {unit}/s, {(progress.total - progress.done) / speed:.0f} s left" if rate >= 1 else ""
    return f"{done:,} of {total:,} {unit}{pace}"
