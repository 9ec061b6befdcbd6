"""What people and programs see. The only package that prints: data goes to stdout, talk to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import click

from mmp_local_dev.cli.render.base import Output
from mmp_local_dev.cli.render.machine import JsonOutput
from mmp_local_dev.cli.render.people import PeopleOutput


@contextmanager
def output(command: str, *, as_json: bool) -> Iterator[Output]:
    """The output of one command; in JSON the envelope is printed when the block ends without an error."""
    if as_json:
        out: Output = JsonOutput(command)
        yield out
        out.close()
    else:
        people = PeopleOutput(command)
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
