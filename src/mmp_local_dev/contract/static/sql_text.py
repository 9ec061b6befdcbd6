"""SQL files as statements: where each begins, and in which schema its names are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mmp_local_dev.contract.static.files import Place

PUBLIC = "public"  # the role that everybody has, and the schema of tables that name none

# What a ; or a keyword means nothing in: comments, text, quoted names, bodies of functions, psql's commands and data.
_OPAQUE = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) | ^\\[^\n]* )
    | '(?:[^']|'')*' | "[^"]*"
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?P<data> ^COPY\b[^;\n]{0,9999}\bFROM[ ]STDIN[^;\n]*;.*?(?:^\\\.|\Z) )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_SEARCH_PATH = re.compile(r"SET\s+(?:LOCAL\s+|SESSION\s+)?search_path\s*(?:=|\bTO\b)\s*['\"]?(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement, its comments blanked out; `schema` is where names without one go."""

    text: str
    place: Place
    schema: str


def statements(file: str, text: str, *, schema: str = PUBLIC) -> Iterator[Statement]:
    """The statements of the SQL file `file`, in order; names without a schema go to `schema`. Any text will do."""
    line = 1
    for said in _split(text):
        above = said[: len(said) - len(said.lstrip())].count("\n")
        statement = Statement(said.strip(), Place(file, line + above), schema)
        line += said.count("\n")
        if path := _SEARCH_PATH.match(statement.text):
            schema = name_of(path[1])
        yield statement


def _split(text: str) -> Iterator[str]:
    """The statements in `text`, with all of its line breaks and without comments, data and psql's commands."""
    parts: list[str] = []
    at = 0
    for found in _OPAQUE.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["end"] is None:
            hidden = found["comment"] is not None or found["data"] is not None
            parts.append(re.sub(r"[^\n]+", " ", found[0]) if hidden else found[0])
        else:
            yield "".join(parts)
            parts = []
    yield "".join(parts) + text[at:]


def name_of(word: str) -> str:
    """A name as PostgreSQL keeps it: in lower case, unless it is quoted."""
    word = word.strip()
    return word[1:-1] if word.startswith('"') and word.endswith('"') and len(word) > 1 else word.lower()
