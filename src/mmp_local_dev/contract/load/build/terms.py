"""What every promise has, and how words, texts and durations are read off a node."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import Severity, Stability

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Terms(TypedDict):
    """The fields that any Promise has, except its name and whether it is required."""

    severity: Severity
    stability: Stability
    deprecated: bool
    sunset: date | None
    description: str
    line: int


def terms(node: Node, *, severity: Severity = Severity.ERROR) -> Terms:
    """The terms that `node` states; `severity` where it states none."""
    sunset = optional(node, "sunset")
    return Terms(
        severity=Severity(node.at("severity").text or severity),
        stability=Stability(node.at("stability").text or Stability.STABLE),
        deprecated=node.at("deprecated").is_true,
        sunset=date.fromisoformat(sunset) if sunset else None,
        description=node.at("description").text,
        line=node.line,
    )


def words(node: Node) -> tuple[str, ...]:
    """The texts of a list; none when it is absent."""
    return tuple(item.text for item in node.items)


def texts(node: Node) -> dict[str, str]:
    """The texts of a mapping; none when it is absent."""
    return {name: member.text for name, member in node.members.items()}


def optional(node: Node, name: str) -> str | None:
    """The text of a member; None when it is absent."""
    return node.at(name).text if name in node.members else None


def seconds(node: Node) -> int:
    """The seconds of a duration such as `12h`; 0 when it is absent."""
    return int(node.text[:-1]) * _SECONDS[node.text[-1]] if node.text else 0
