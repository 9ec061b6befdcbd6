"""The variables of a stack as a value, and which of them are secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from string import ascii_letters, digits
from types import MappingProxyType

MASK = "********"


class Environment(Mapping[str, str]):
    """Variables by name, and which of them are `secrets`: names whose values are never shown. Immutable."""

    def __init__(self, values: Mapping[str, str], secrets: Collection[str] = frozenset()) -> None:
        self._values = MappingProxyType(dict(values))
        self.secrets = frozenset(secrets)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Environment({self.masked()!r})"

    def masked(self) -> dict[str, str]:
        """All variables, every secret one that is not empty as `MASK`: what may be shown."""
        return {name: MASK if value and name in self.secrets else value for name, value in self.items()}

    def redact(self, text: str) -> str:
        """`text` with `MASK` in place of every secret value, as it is, URL-quoted or partly so."""
        hidden = [self[name] for name in self.secrets if self.get(name)]
        # The longest first: a secret may be part of another one.
        pattern = "|".join(_in_any_quoting(value) for value in sorted(hidden, key=len, reverse=True))
        return re.sub(pattern, MASK, text) if pattern else text

    def with_values(self, **changes: str) -> Environment:
        """A copy in which `changes` are set; the same names are secret."""
        return Environment({**self, **changes}, self.secrets)


def doubt(value: str) -> str:
    """Why a consumer may not get `value` as it is, in words; empty when all will.

    Known consumers put user and password into a URL without quoting them, and guess the types of values.
    """
    if not re.fullmatch(r"[A-Za-z0-9._~-]*", value):
        return "has characters that have to be quoted in a URL"
    if re.fullmatch(
        r"(?i)[-+.0-9_]+|[-+0-9._]+e[-+0-9]+|0[xob][0-9a-f_]+|true|false|yes|no|on|off|null|nan|inf", value
    ):
        return "looks like a number or a switch"
    return ""


def generate_secret() -> str:
    """A new secret of 24 letters and digits, 142 bits, that no reader can take for anything but text.

    The first letter is none of a to f, so it begins no flag and no number, not even a hexadecimal one; the
    length rules out the words that YAML and others take for booleans, nulls or infinities.
    """
    from secrets import choice  # loads OpenSSL's hashes

    return choice("ghijklmnopqrstuvwxyz") + "".join(choice(ascii_letters + digits) for _ in range(23))


def _in_any_quoting(value: str) -> str:
    """A pattern for `value`, any of its characters percent-encoded: URL writers differ in which they encode."""
    return "".join(_character(character) for character in value)


def _character(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    encoded = "".join(f"%{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    plus = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{encoded}){plus})"
