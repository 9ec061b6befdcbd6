"""What happens while an operation runs, as values: operations and runtimes emit them, `cli/render.py` shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """Something the user should know and need not act on."""

    text: str


@dataclass(frozen=True)
class Warned:
    """Something the user may want to act on; the operation goes on."""

    text: str


@dataclass(frozen=True)
class Began:
    """A step that takes a while began, on a service or (empty) on the whole stack."""

    service: str
    step: str


@dataclass(frozen=True)
class Done:
    """The service's last step ended well after `seconds`."""

    service: str
    step: str
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far the service's running step is: `done` of `total` (0 while unknown) in `unit`: "bytes", or what counts."""

    service: str
    step: str
    done: int
    total: int
    unit: str
    text: str = ""


@dataclass(frozen=True)
class Waiting:
    """Something is waited for, at most `seconds` longer. Emitted again and again while that lasts."""

    what: str
    seconds: float


Event = Note | Warned | Began | Done | Progress | Waiting
Emit = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """An Emit for those who do not care."""
