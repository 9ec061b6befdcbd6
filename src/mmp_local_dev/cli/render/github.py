"""What GitHub Actions understands: workflow commands in the log, and Markdown in the summary of a step."""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~@#&!$]")


def annotation(level: str, message: str, *, file: str, line: int, title: str) -> str:
    """A message of `level` (`error`, `warning`, `notice`) at a line of a file; 0 for no line in particular."""
    where = {"file": file, **({"line": str(line)} if line else {}), "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in where.items())
    return f"::{level} {properties}::{_data(message)}"


def markdown(text: str) -> str:
    """`text` as it is, in one line of Markdown or a cell of a table: nothing in it is markup."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
