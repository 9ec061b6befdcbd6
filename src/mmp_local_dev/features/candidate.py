"""A registry with the workspace's definitions in it, made beside the real one by a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import IO, Any, cast

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError, MmpError, Repair
from mmp_local_dev.features.applied import unwritable
from mmp_local_dev.files import put_in_place
from mmp_local_dev.services import feast, feast_apply

_LINES = 15  # of what the definitions have printed


class Candidate:
    """It is being made from the moment that this is, with a halt until `offline_store_is_ready`. Closing ends that, and
    removes what was not put in place.

    Whoever makes one holds the stack's lock. Raises MmpError.
    """

    def __init__(self, repository: Path, registry: Path, env: Environment) -> None:
        self._name, self._registry, self._env, self._ended = repository.name, registry.resolve(), env, False
        self._before = _content(self._registry)
        self.path = _beside(self._registry, self._before)
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in close()
        self._process = self._started(repository)

    def _started(self, repository: Path) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", feast_apply.__name__, str(repository), str(self.path)],
                env={**os.environ, **self._env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # ^C is for us, and ends this one in close()
            )
        except OSError as error:
            self.path.unlink(missing_ok=True)
            raise self._failed(f"{sys.executable} could not be started: {error.strerror}.") from None

    def __enter__(self) -> Candidate:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def offline_store_is_ready(self) -> None:
        """Go on: Feast asks it for the types of columns where the definitions do not say them."""
        with suppress(BrokenPipeError):  # it has ended, and told why
            cast(IO[bytes], self._process.stdin).write(b"\n")
            cast(IO[bytes], self._process.stdin).flush()

    def key_version(self, *, timeout: float) -> int:
        """Wait until it is there; the version in which Feast will write entity keys.

        Raises InputError for definitions that cannot be applied, and MmpError, FEAST_NOT_INSTALLED or APPLY_FAILED.
        """
        answer = self._answer(timeout)
        if not answer:
            code = self._process.wait()
            how = f"was ended by signal {-code}" if code < 0 else f"ended itself, with exit code {code}"
            raise self._failed(f"The process that applies the definitions in {self._name} {how}.")
        outcome: dict[str, Any] = json.loads(answer)
        if "kind" in outcome:
            raise self._mistake(**outcome)
        return int(outcome["key_version"])

    def _answer(self, timeout: float) -> bytes:
        """What the process says. Not until it has ended: the definitions may have left a thread that never does."""
        late = Timer(timeout, self._end)
        late.start()
        try:
            answer = cast(IO[bytes], self._process.stdout).read()
        finally:
            late.cancel()
        if not answer and self._ended:
            raise self._failed(f"Applying the definitions in {self._name} took longer than {timeout:.0f} seconds.")
        return answer

    def put_in_place(self) -> None:
        """Make it the registry, in one step. Raises MmpError when somebody else has written to that meanwhile."""
        if _content(self._registry) != self._before:
            raise MmpError(
                f"{self._registry} was changed by another program meanwhile; it stays as that has left it.",
                repairs=[Repair("mmp-dev features apply", "applies them to what stands there now")],
                code="REGISTRY_CHANGED",
            )
        try:
            put_in_place(self.path, self._registry, mode=0o644)
        except OSError as error:
            raise unwritable(self._registry, error) from None

    def close(self) -> None:
        """End the process if it still runs, and whatever it has started."""
        self._end()
        self._process.communicate()
        self._said.close()
        self.path.unlink(missing_ok=True)

    def _end(self) -> None:
        self._ended = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _mistake(self, *, kind: str, why: str, file: str, line: int) -> MmpError:
        why = self._env.redact(why)
        if kind == "feast":
            return feast.not_installed(why)
        if kind == "machine":
            return self._failed(f"The definitions in {self._name} could not be applied: {why}.")
        name = f"{self._name}/{file}" if file else self._name
        where = f"{name}:{line}" if line else name
        return InputError(
            f"{where}: {why}.",
            repairs=[Repair("mmp-dev features apply", f"when {name} is corrected")],
            detail=self._printed() if kind == "definitions" else "",
            code="DEFINITIONS_INVALID",
        )

    def _failed(self, message: str) -> MmpError:
        return MmpError(
            message,
            repairs=[Repair("mmp-dev features apply", "tries again; the registry is as it was")],
            detail=self._printed(),
            code="APPLY_FAILED",
        )

    def _printed(self) -> str:
        """The end of what the definitions, and Feast, have printed, without secrets."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return self._env.redact("\n".join(lines[-_LINES:]))


def _content(registry: Path) -> bytes | None:
    """None for a registry that is not there. Raises MmpError when it cannot be read."""
    try:
        return registry.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MmpError(f"{registry} cannot be read: {error.strerror}.", code="REGISTRY_UNUSABLE") from None


def _beside(registry: Path, content: bytes | None) -> Path:
    """A file in the registry's folder with this content, or a name for one. What an interruption left there goes."""
    prefix, suffix = f".{registry.name}.", ".candidate"
    try:
        registry.parent.mkdir(parents=True, exist_ok=True)
        for left in registry.parent.glob(f"{prefix}*{suffix}"):
            left.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(dir=registry.parent, prefix=prefix, suffix=suffix)
        with open(handle, "wb") as file:  # noqa: PTH123 -- takes a handle
            file.write(content or b"")
    except OSError as error:
        raise unwritable(registry, error) from None
    return Path(name)
