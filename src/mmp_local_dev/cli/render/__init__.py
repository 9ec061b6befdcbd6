"""What people and programs see. The only package that prints: data goes to stdout, talk to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmp_local_dev.cli.render.base import Output
from mmp_local_dev.cli.render.for_github import GithubOutput
from mmp_local_dev.cli.render.machine import JsonOutput
from mmp_local_dev.cli.render.people import PeopleOutput

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Report
    from mmp_local_dev.operations.recheck import Change, Trouble


@contextmanager
def output(command: str, *, as_json: bool = False, form: str = "text", folder: Path | None = None) -> Iterator[Output]:
    """The output of one command, in the form `text`, `json` (or `as_json`), or `github` for a contract in `folder`.

    In JSON the envelope is printed when the block ends without an error.
    """
    if as_json or form == "json":
        out: Output = JsonOutput(command)
        yield out
        out.close()
    else:
        people = GithubOutput(command, folder or Path()) if form == "github" else PeopleOutput(command)
        try:
            yield people
        finally:
            people.close()


def log_lines(lines: Iterable[tuple[str, str]], *, named: bool, as_json: bool) -> None:
    """Log lines on stdout, with the service's name before each when there are several; or as NDJSON."""
    for service, line in lines:
        if as_json:
            click.echo(json.dumps({"service": service, "line": line}, ensure_ascii=False))
        else:
            click.echo(f"{service:<11}| {line}" if named else line)


def document(text: str) -> None:
    """A whole document on stdout, as it is."""
    click.echo(text, nl=False)


def watched(events: Iterable[Report | Change | Trouble], *, as_json: bool, verbose: bool = False) -> None:
    """A report and then each change of it, as it comes."""
    from mmp_local_dev.cli.render.watching import tell

    for event in events:
        tell(event, as_json=as_json, verbose=verbose)


def environment(values: Mapping[str, str], form: str) -> None:
    """The environment on stdout in the given form."""
    from mmp_local_dev import env_formats

    if form == "json":
        click.echo(json.dumps(dict(values), indent=2))
        return
    write = {"dotenv": env_formats.render, "shell": env_formats.shell_lines, "github": env_formats.github_lines}[form]
    click.echo(write(values), nl=False)


def redis_replies(replies: Iterable[object]) -> int:
    """Redis's replies on stdout the way redis-cli prints them to a pipe; 1 when one was an error."""
    code = 0
    for reply in replies:
        if isinstance(reply, Exception):
            click.echo(f"(error) {reply}")
            code = 1
        elif isinstance(reply, (list, tuple, set)):
            for item in reply:
                click.echo(str(item))
        else:
            click.echo("" if reply is None else str(reply))
    return code
