"""What a check that is watched says: the first report, then a line for each change."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mmp_local_dev.cli.render.findings import say_report
from mmp_local_dev.cli.render.words import MARKS, say
from mmp_local_dev.operations.recheck import Change, Trouble

if TYPE_CHECKING:
    from mmp_local_dev.contract.report import Report


def tell(event: Report | Change | Trouble, *, as_json: bool, verbose: bool) -> None:
    """One event in text, or as one JSON object in a line, whose `event` says of which kind it is."""
    if as_json:
        click.echo(json.dumps(_as_data(event), ensure_ascii=False))
        return
    match event:
        case Change():
            say(f"{event.at.astimezone():%H:%M:%S}  {_mark(event)} {event.clause}  {_became(event)}")
        case Trouble(at, error):
            text = f"cannot be checked: {error.message}" if error else "can be checked again"
            say(f"{at.astimezone():%H:%M:%S}  {MARKS['unknown' if error else 'passed']} the contract {text}")
        case _:
            for note in event.notes:
                say(f"{click.style('Warning:', fg='yellow')} {note}", err=True)
            say_report(event, verbose=verbose)
            say("Watching for changes; ^C ends it.", err=True)


def _mark(change: Change) -> str:
    return MARKS[change.after or "skipped"]


def _became(change: Change) -> str:
    if change.after is None:
        return "is no longer in the contract"
    came = f"was {change.before}, is {change.after}" if change.before else f"is new, and {change.after}"
    return f"{came}: {change.message}" if change.message else came


def _as_data(event: Report | Change | Trouble) -> dict[str, Any]:
    match event:
        case Change():
            return {"event": "change", **asdict(event), "at": event.at.isoformat(timespec="seconds")}
        case Trouble(at, error):
            why = {"code": error.code, "message": error.message} if error else None
            return {"event": "trouble", "at": at.isoformat(timespec="seconds"), "error": why}
        case _:
            return {"event": "report", "at": event.began, "report": event.to_data()}
