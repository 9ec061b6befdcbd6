"""`mmp-dev contract rules`."""

from __future__ import annotations

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.contract.compare.ruleset import NEWEST, rules


@click.command("rules")
@click.option("--ruleset", type=int, default=NEWEST, show_default=True, metavar="NUMBER", help="Which ruleset.")
@options.json_option
@options.debug_option
def command(ruleset: int, as_json: bool) -> int:
    """List the rules of `contract diff`: what each change weighs, and which one takes it back."""
    with render.output("contract rules", as_json=as_json) as out:
        out.rules(tuple(rules(ruleset).values()))
    return 0
