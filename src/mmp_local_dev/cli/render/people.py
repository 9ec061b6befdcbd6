"""For people: progress and talk on stderr, answers on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmp_local_dev.cli.render.base import Output
from mmp_local_dev.errors import Repair
from mmp_local_dev.events import Began, Done, Event, Note, Warned

if TYPE_CHECKING:
    from rich.console import Console

    from mmp_local_dev.contract.verify import Finding, Report
    from mmp_local_dev.operations.down import Down
    from mmp_local_dev.operations.init import Init
    from mmp_local_dev.operations.status import Status
    from mmp_local_dev.operations.up import Up


_MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "blocked": "[yellow]·[/]", "skipped": "[dim]-[/]"}
_STATES = {"running": "green", "starting": "yellow", "exited": "red", "absent": "dim", "external": "cyan"}

_DOING = {"start": "starting", "stop": "stopping"}
_DONE = {"start": "started", "stop": "stopped"}
_NEXT = (
    "\nNext:\n"
    "  [bold]mmp-dev run -- python train.py[/]   train with this environment\n"
    "  [bold]mmp-dev open[/]                     MLflow in the browser\n"
    "  [bold]mmp-dev check[/]                    verify the contract again\n"
    "  [bold]mmp-dev logs -f[/]                  what the services say\n"
    "  [bold]mmp-dev down[/]                     stop; nothing is deleted"
)


class PeopleOutput(Output):
    """Text: progress and talk on stderr, answers on stdout."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self._progress = _Progress()

    def event(self, event: Event) -> None:
        """Show it at once."""
        self._progress.show(event)

    def close(self) -> None:
        """Take the progress line away."""
        self._progress.stop()

    def up(self, result: Up) -> None:
        """The addresses, the verdict, and what to do next."""
        self.close()
        console = stdout()
        for name in result.services:
            console.print(f"  [bold]{name:<11}[/] {result.urls[name]}")
        if result.report is None:
            console.print(
                f"Dry run: would start what does not run of these ({result.runtime} runtime). Nothing changed."
            )
            return
        self.report(result.report)
        written = "written" if result.env_file_written else "unchanged"
        console.print(
            f"Environment: {result.env_file} ({written}). Ready in {result.seconds:.1f} s ({result.runtime})."
        )
        if result.report.kept:
            console.print(_NEXT)

    def down(self, result: Down) -> None:
        """What was stopped."""
        self.close()
        told = f"Stopped {', '.join(result.stopped)}." if result.stopped else "Nothing of this stack was running."
        if result.was_running and not result.stopped:
            told = "Ended what was left of this stack."
        stdout().print(f"{told} Data, artifacts and .env stay.")

    def status(self, result: Status) -> None:
        """One line per service."""
        console = stdout()
        console.print(f"[dim]{'SERVICE':<12}{'STATE':<10}ADDRESS[/]")
        for service in result.services:
            console.print(f"{service.name:<12}[{_STATES[service.state]}]{service.state:<10}[/]{service.url}")
        if not result.running:
            stderr().print("Start what does not run with: [bold]mmp-dev up[/]")

    def report(self, report: Report, *, verbose: bool = False) -> None:
        """The causes first, each with its repair; then the count."""
        self.close()
        console = stdout()
        for finding in report.findings:
            if verbose or finding.outcome in ("failed", "unknown"):
                _print_finding(console, finding)
        console.print(_summary(report))

    def init(self, result: Init) -> None:
        """What was written, and the next command."""
        console = stdout()
        for name in result.written:
            console.print(f"wrote {name}")
        for name in result.kept:
            console.print(f"kept  {name}")
        console.print("Next: [bold]mmp-dev up[/]")


class _Progress:
    """What is going on: on a terminal a line for each service at work, elsewhere a line for each finished step."""

    def __init__(self) -> None:
        self._console = stderr()
        self._live: Any = None
        self._tasks: dict[str, Any] = {}

    def show(self, event: Event) -> None:
        match event:
            case Note(text):
                self._console.print(text, markup=False)
            case Warned(text):
                self._console.print("[yellow]Warning:[/] ", end="")
                self._console.print(text, markup=False)
            case Began(service, step):
                self._begin(service, f"{service:<11} {_DOING.get(step, step)}")
            case Done(service, step, seconds):
                self._end(service)
                self._console.print(f"  [green]✓[/] {service:<11} {_DONE.get(step, step)}, {seconds:.1f} s")

    def stop(self) -> None:
        for service in list(self._tasks):
            self._end(service)

    def _begin(self, service: str, text: str) -> None:
        if not self._console.is_terminal:
            return
        if self._live is None:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._live = Progress(*columns, console=self._console, transient=True)
            self._live.start()
        self._tasks[service] = self._live.add_task(text, total=None)

    def _end(self, service: str) -> None:
        if (task := self._tasks.pop(service, None)) is not None:
            self._live.remove_task(task)
            if not self._tasks:
                self._live.stop()
                self._live = None


def _summary(report: Report) -> str:
    counted: dict[str, int] = {}
    for finding in report.findings:
        counted[finding.outcome] = counted.get(finding.outcome, 0) + 1
    counts = ", ".join(f"{count} {outcome}" for outcome, count in counted.items())
    verdict = {0: "[green]kept[/]", 1: "[red]broken[/]"}.get(report.exit_code, "[yellow]unknown[/]")
    return f"Contract {report.contract} {report.version} is {verdict}: {counts}."


def _print_finding(console: Console, finding: Finding) -> None:
    from rich.markup import escape

    head = f"{_MARKS.get(finding.outcome, '[red]?[/]')} {escape(finding.clause)}"
    told = f"  [dim]{escape(finding.message)}[/]" if finding.outcome in ("blocked", "skipped") else ""
    console.print(f"{head}{told}")
    if finding.outcome not in ("failed", "unknown"):
        return
    console.print(f"    {finding.message}", markup=False)
    if finding.expected:
        console.print(f"    expected: {finding.expected}; found: {finding.actual}", markup=False)
    console.print(f"    promised at {finding.declared}", style="dim")
    print_repairs(console, finding.repairs, indent="    ")


def print_repairs(console: Console, repairs: Sequence[Repair], *, indent: str) -> None:
    """The ways out, one a line."""
    for repair in repairs:
        text = f"{repair.command}  ({repair.description})" if repair.command and repair.description else ""
        console.print(f"{indent}-> {text or repair.command or repair.description}", markup=False)


def stdout() -> Console:
    """For answers: stdout."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False)


def stderr() -> Console:
    """For talk: stderr."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)
