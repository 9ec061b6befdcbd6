"""How failures are shown: as text on stderr, or as an envelope on stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

import click

from mmp_local_dev import __version__
from mmp_local_dev.cli.render import machine
from mmp_local_dev.cli.render.words import say, say_repairs
from mmp_local_dev.errors import MmpError, Repair

_GROUPS = (["contract"], ["features"])


class ErrorOutput:
    """How failures are shown: as text on stderr, or as an envelope on stdout."""

    def __init__(self, command: str, *, as_json: bool, debug: bool) -> None:
        self._command = command
        self._json = as_json
        self._debug = debug

    def failure(self, error: MmpError) -> None:
        """An expected failure: what failed, evidence, and the repairs."""
        if self._json:
            self._envelope(error.code, error.message, error.repairs, retryable=error.retryable, detail=error.detail)
        else:
            self._tell(error)

    def _tell(self, error: MmpError) -> None:
        if self._debug:
            import traceback

            traceback.print_exception(error)
        say(f"{click.style('Error:', fg='red', bold=True)} {error.message}", err=True)
        for line in error.detail.splitlines():
            say(click.style(f"  | {line}", dim=True), err=True)
        say_repairs(error.repairs, err=True)

    def usage(self, error: click.ClickException) -> None:
        """A wrong option or argument, in click's words."""
        if self._json:
            self._envelope("USAGE", error.format_message(), (), retryable=False, detail="")
        else:
            error.show()

    def interrupted(self) -> None:
        """^C."""
        if self._json:
            self._envelope("INTERRUPTED", "Interrupted.", (), retryable=True, detail="")
        else:
            say("Interrupted. What this command had started was stopped; data is as it was.", err=True)

    def bug(self, error: Exception, trace: str) -> None:
        """Something that should not happen: keep versions and traceback in a file that can be sent along."""
        path = _write_bug_log(trace)
        message = f"mmp-dev met a bug: {type(error).__name__}: {error}. The details are in {path}."
        if self._json:
            self._envelope("BUG", message, (), retryable=False, detail="")
            return
        if self._debug:
            click.echo(trace, err=True)
        say(f"{click.style('Bug:', fg='red', bold=True)} {message}", err=True)

    def _envelope(self, code: str, message: str, repairs: Sequence[Repair], *, retryable: bool, detail: str) -> None:
        actions = [asdict(repair) for repair in repairs]
        error = {
            "code": code,
            "message": message,
            "retryable": retryable,
            "detail": detail,
            "actions": actions,
        }
        machine.print_envelope(self._command, None, ok=False, error=error)


def errors_for(arguments: Sequence[str]) -> ErrorOutput:
    """How to show failures of this command line, also of one that cannot be parsed."""
    own = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    words = [argument for argument in own if not argument.startswith("-")]
    command = " ".join(words[: 2 if words[:1] in _GROUPS else 1])
    return ErrorOutput(command, as_json="--json" in own or _has_json_form(own, command), debug="--debug" in own)


def _has_json_form(own: Sequence[str], command: str) -> bool:
    """Whether `--format json` stands for `--json`. That of `env` does not: its JSON is the values and nothing else."""
    asked = "--format=json" in own or ("--format", "json") in pairwise(own)
    return asked and command != "env"


def _write_bug_log(trace: str) -> str:
    import platform
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="mmp-dev-bug-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(f"mmp-dev {__version__}, Python {sys.version}, {platform.platform()}\n\n{trace}")
    return file.name
