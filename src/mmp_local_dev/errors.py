"""Every failure that a user may meet: what failed, why, and how to repair it.

The exit codes are those of the whole tool: 1 the answer is no, 2 unusable input, 3 could not do it or could
not find out. `cli/main.py` is the only place that turns an exception into one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Repair:
    """One way out: a command that works as printed (may be empty), and what it does."""

    command: str
    description: str = ""


class MmpError(Exception):
    """An expected failure.

    `message` says what failed and why in one paragraph; `repairs` are the ways out, best first; `detail` is
    evidence such as the last lines of a log. `code` is stable and meant for programs.
    """

    exit_code = 3
    code = "FAILED"
    retryable = False

    def __init__(
        self, message: str, *, repairs: Sequence[Repair] = (), detail: str = "", code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.repairs = tuple(repairs)
        self.detail = detail
        if code is not None:
            self.code = code


class InputError(MmpError):
    """What the user gave cannot be used: an option, a contract, an environment file."""

    exit_code = 2
    code = "INPUT_INVALID"


class ContractInvalid(InputError):
    """The contract file cannot be read; the message starts with file and line."""

    code = "CONTRACT_INVALID"


class EnvironmentInvalid(InputError):
    """A variable, or the `.env` file that holds it, cannot be used."""

    code = "ENV_INVALID"


class WorkspaceNotFound(MmpError):
    """No folder from here upward holds a `dev-contract.yml`."""

    exit_code = 2
    code = "WORKSPACE_NOT_FOUND"


class PreflightFailed(MmpError):
    """Something on this machine is in the way; nothing was started or changed."""

    code = "PREFLIGHT_FAILED"


class RuntimeUnavailable(MmpError):
    """The servers cannot be run this way on this machine."""

    code = "RUNTIME_UNAVAILABLE"


class ServiceFailed(MmpError):
    """A service stopped by itself, or did not become ready in time; `detail` holds the end of its log."""

    code = "SERVICE_NOT_READY"
    retryable = True


class NotReady(MmpError):
    """A service does not answer its own protocol (yet), or what answers is not this workspace's."""

    code = "SERVICE_NOT_READY"
    retryable = True


class WrongService(NotReady):
    """Something answers on the port, but it is not this workspace's service. Waiting will not help."""

    code = "WRONG_SERVICE"
    retryable = False
