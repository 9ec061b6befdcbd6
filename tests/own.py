"""The repository's own contract, as text and as if of another version."""

from __future__ import annotations

import re

from conftest import REPOSITORY

CONTRACT = (REPOSITORY / "dev-contract.yml").read_text(encoding="utf-8")
_VERSION = re.compile(r'(?m)^version: "(.+)"$')
(VERSION,) = _VERSION.findall(CONTRACT)


def of_version(version: str, text: str = CONTRACT) -> str:
    """The contract, or another one in its form, with this version."""
    return _VERSION.sub(f'version: "{version}"', text, count=1)
