"""What is mechanical about a contract's problems, mended in its text: every other byte stays as it is.

The text is not written anew from what was read, since no writer of YAML keeps every layout. Each step instead reads
the text, finds the first thing to mend, and replaces the few characters that say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mmp_local_dev.contract.fix import projection, quotes
from mmp_local_dev.contract.fix.edits import Composed, Edit, compose
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.load.reading import read

MOST_STEPS = 1_000

# Each yields what it would mend, given the text as nodes of YAML and as our own, or None where it cannot; the first
# edit counts.
MENDERS: tuple[Callable[[Composed, Node], Iterator[Edit | None]], ...] = (
    quotes.version,
    quotes.defaults,
    projection.variables,
    projection.services,
)


@dataclass(frozen=True)
class Fixed:
    """The text after mending, and what was done, one sentence each."""

    text: str
    done: tuple[str, ...]


def fixed(name: str, text: str) -> Fixed:
    """Mend what is mechanical in the contract `text` of the file `name`: missing quotes, and the keys of the 1.0 form.

    provides_env_variables and provides_services follow env and services; what is new in them comes last. Raises
    ContractInvalid when `text` is no YAML that `load` would accept.
    """
    done: list[str] = []
    while len(done) < MOST_STEPS and (edit := _first_edit(name, text)):
        text = edit.applied(text)
        done.append(edit.said)
    return Fixed(text, tuple(done))


def _first_edit(name: str, text: str) -> Edit | None:
    document, met = read(name, text)
    if met or document.kind != "object":  # with a duplicate key nobody knows which of the two is meant
        return None
    composed = compose(text)
    return next((edit for mender in MENDERS for edit in mender(composed, document) if edit), None)
