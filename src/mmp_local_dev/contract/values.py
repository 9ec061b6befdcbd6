"""What each type of variable accepts. Pure: no service, no file and no environment is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from mmp_local_dev.contract.model import Variable, VariableType

HIGHEST_PORT = 65535

# Underscores are no part of a host name by RFC 1123, but names of compose services have them.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")


def problem(variable_type: VariableType, value: str) -> str | None:
    """Say what is wrong with `value` for a variable of this type, or None when it fits.

    The answer completes a sentence that begins with the variable or the value ("has to be ..."). It never
    repeats the value, because the value may be a secret.
    """
    if not value:
        return "is empty"
    if any(character in value for character in "\n\r\0"):
        return "holds a line break or a NUL character"
    if not _is_encodable(value):
        return "holds bytes that are no UTF-8 text"
    return _CHECKS[variable_type](value)


def problem_of(variable: Variable, value: str) -> str | None:
    """Say what is wrong with `value` for this variable, its type and everything else that is promised of it, or None.

    As `problem`, the answer never repeats the value.
    """
    if wrong := problem(variable.type, value):
        return wrong
    if variable.const and value != variable.default:
        return f"has to be {variable.default!r} and nothing else"
    if variable.enum and value not in variable.enum:
        return f"has to be one of {', '.join(variable.enum)}"
    if len(value) < variable.min_length:
        return f"has to have at least {variable.min_length} characters"
    return None


def _is_encodable(value: str) -> bool:
    # Undecodable bytes of the process environment arrive as lone surrogates, which no file can take.
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _host_problem(value: str) -> str | None:
    return None if _is_host(value) else "has to be a host name or an IP address, without scheme or port"


def _is_host(value: str) -> bool:
    labels = value.removesuffix(".").split(".")
    if ":" in value or labels[-1].isdigit():
        return _is_ip(value)
    return len(value) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _is_ip(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value  # a zone means something on one machine only


def _port_problem(value: str) -> str | None:
    if _PORT.fullmatch(value) and int(value) <= HIGHEST_PORT:
        return None
    return f"has to be a number from 1 to {HIGHEST_PORT} in plain digits"


def _url_problem(value: str) -> str | None:
    if not _is_server_url(value):
        return "has to be a URL such as http://localhost:5002"
    if "@" in urlsplit(value).netloc:
        return "must not carry credentials; give them their own variables"
    if "?" in value or "#" in value:
        return "must not carry a query or a fragment"
    return None


def _is_server_url(value: str) -> bool:
    if any(character.isspace() for character in value):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and port != 0 and _is_host(parts.hostname or "")


def _path_problem(value: str) -> str | None:
    return None if value.startswith("/") else "has to be an absolute path"


def _string_problem(value: str) -> str | None:
    return None


_CHECKS: dict[VariableType, Callable[[str], str | None]] = {
    VariableType.HOST: _host_problem,
    VariableType.PORT: _port_problem,
    VariableType.STRING: _string_problem,
    VariableType.URL: _url_problem,
    VariableType.PATH: _path_problem,
}
