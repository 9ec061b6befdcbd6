"""A requirements file drafted from what was seen, each line with where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from mmp_local_dev.contract import well_known
from mmp_local_dev.contract.infer.sightings import Found
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.needs.subjects import Subject

_MOST_PLACES = 3
_CAPABILITIES = ("tracking", "artifact_proxy", "model_registry")
_HEAD = """\
# DRAFT, made by `mmp-dev contract infer` from what the code reads; nothing of it was run.
# Read every line, take out what is not needed, say which versions were tested, and remove x-draft.
apiVersion: mmp.dev/v2
kind: ContractRequirements
x-draft: true
"""

Finds = Mapping[Subject, Found]


def draft(name: str, version: str, finds: Finds, contract: Contract | None = None) -> str:
    """The text of a requirements file of the consumer `name`, in the order in which things were found.

    With a `contract`, its version and the versions of its services go in as ranges to begin with, and variables that it
    does not promise stay comments; without one so do those that are not well-known.
    """
    about = f"name: {_consumer(name)}" + (f", version: {json.dumps(version)}" if version else "")
    lines = [f"metadata: {{{about}}}", *_range(contract), *_env(finds, contract), *_services(finds, contract)]
    lines += [*_tables(finds), *_features(finds), *_capabilities(finds)]
    return _HEAD + "\n".join(lines) + "\n"


def _consumer(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "consumer"


def _range(contract: Contract | None) -> Iterator[str]:
    if contract:
        major, minor, *_ = contract.version.split(".")
        yield f'contract: ">={major}.{minor},<{int(major) + 1}"  # the contract that was at hand'


def _env(finds: Finds, contract: Contract | None) -> Iterator[str]:
    promised = contract.variables if contract else well_known.VARIABLES
    needed = [found for (kind, _), found in finds.items() if kind == "env"]
    known = [found for found in needed if found.subject[1] in promised]
    yield from _section("env", [f"  - {_variable(found)}  {_seen(found)}" for found in known])
    others = [found for found in needed if found not in known]
    if others:
        by = f"not promised by {contract.path.name} {contract.version}" if contract else "not well-known"
        yield f"  # Read as well, and {by}; uncomment what the provider has to set:"
        yield from (f"  # - {_variable(found)}  {_seen(found)}" for found in others)


def _variable(found: Found) -> str:
    name = found.subject[1]
    return f"{{name: {name}, required: false}}" if found.optional else name


def _services(finds: Finds, contract: Contract | None) -> Iterator[str]:
    promised = contract.services if contract else {}
    lines = []
    for (kind, name), found in finds.items():
        if kind == "service":
            version = promised[name].version if name in promised else ""
            note = "as promised" if version else "any version"
            lines.append(f'  {name}: "{version or ">=0"}"  {_seen(found)}; {note}: say what was tested')
    yield from _section("services", lines)


def _tables(finds: Finds) -> Iterator[str]:
    lines: list[str] = []
    open_: list[str] = []
    for (kind, table), found in finds.items():
        columns = _columns(finds, table) if kind == "table" else []
        if columns:
            lines += [f"  {table}:  {_seen(found)}", *columns]
        elif kind == "table":
            open_.append(f"  # {table}: [which columns?]  {_seen(found)}")
    yield from _section("tables", lines)
    yield from open_


def _columns(finds: Finds, table: str) -> list[str]:
    columns = [found for (kind, name), found in finds.items() if kind == "column" and name.startswith(f"{table}:")]
    return [f"    - {found.subject[1].partition(':')[2]}  {_seen(found)}" for found in columns]


def _features(finds: Finds) -> Iterator[str]:
    found = [each for (kind, _), each in finds.items() if kind == "feature"]
    yield from _section("features", [f'  - "{each.subject[1]}"  {_seen(each)}' for each in found])


def _capabilities(finds: Finds) -> Iterator[str]:
    found = [finds["mlflow", name] for name in _CAPABILITIES if ("mlflow", name) in finds]
    if found:
        yield "mlflow:"
        yield "  capabilities:"
        yield from (f"    - {each.subject[1]}  {_seen(each)}" for each in found)


def _section(name: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{name}:"
        yield from lines


def _seen(found: Found) -> str:
    shown, more = found.places[:_MOST_PLACES], len(found.places) - _MOST_PLACES
    text = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    return f"# {''.join(character if character.isprintable() else '?' for character in text)}"
