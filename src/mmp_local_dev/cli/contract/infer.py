"""`mmp-dev contract infer`."""

from __future__ import annotations

from pathlib import Path

import click

from mmp_local_dev.cli import options, render
from mmp_local_dev.operations.infer import infer


@click.command("infer")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the draft there; it must be new."
)
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A contract to begin with: variables that it does not promise stay comments.",
)
@click.option("--tests/--no-tests", default=False, show_default=True, help="Read tests, too.")
@options.json_option
@options.debug_option
def command(path: Path, output: Path | None, contract_file: Path | None, tests: bool, as_json: bool) -> int:
    """Draft a consumer's requirements from its code: variables, services, tables, features, uses of MLflow.

    Python, SQL and configurations in YAML and JSON are read; nothing is imported or run. Each line says where it was
    seen. The draft is for you to read and correct: what a program puts together as it runs is not seen.
    """
    with render.output("contract infer", as_json=as_json) as out:
        out.draft(infer(path, emit=out.event, output=output, contract_file=contract_file, tests=tests))
    return 0
