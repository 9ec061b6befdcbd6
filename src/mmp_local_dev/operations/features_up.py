"""What `up` does for the feature store: tables and definitions, while the other services start.

Nothing of it ends an `up`: a stack without features is a stack, and the contract says what it lacks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from mmp_local_dev.errors import MmpError
from mmp_local_dev.events import Began, Done, Emit, Warned
from mmp_local_dev.features import definitions
from mmp_local_dev.features.candidate import Candidate
from mmp_local_dev.operations.features_apply import NAME, Apply
from mmp_local_dev.operations.opened import Opened


class FeatureStore:
    """It begins when PostgreSQL is ready, and ends when everything else is. Closing ends what is not done by then."""

    needs = "postgresql"

    def __init__(self, opened: Opened, emit: Emit, *, timeout: float) -> None:
        self._opened, self._emit, self._timeout = opened, emit, timeout
        self._open = ExitStack()
        self._running: tuple[Apply, Candidate] | None = None
        self._began = 0.0

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._open.close()

    def begin(self) -> None:
        """Make the tables, and start to apply the definitions if anything about them has changed."""
        opened = self._opened
        folder = opened.stack.workspace.root / definitions.FOLDER
        if opened.contract.feast is None or not folder.is_dir():
            return
        self._began = time.monotonic()
        with self._told():
            apply = Apply(opened.stack, opened.contract, opened.env)
            apply.make_tables()
            if apply.is_due():
                self._running = apply, self._open.enter_context(apply.start())
                self._emit(Began(NAME, "apply"))

    def end(self) -> None:
        """Wait for what was begun, and take it up unless it would break consumers."""
        if self._running is None:
            return
        apply, candidate = self._running
        with self._told():
            result = apply.finish(candidate, timeout=self._timeout)
            if result.refused:
                self._warn(
                    f"The definitions in {definitions.FOLDER}/ are not applied: consumers can stop working with "
                    f"{len(result.refused)} of their changes. `mmp-dev features apply` shows them."
                )
            else:
                self._emit(Done(NAME, "apply", time.monotonic() - self._began))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except MmpError as error:
            repair = next((each.command for each in error.repairs if each.command), "")
            self._warn(f"{error.message} The feature store is as it was." + (f" Then: `{repair}`" if repair else ""))

    def _warn(self, text: str) -> None:
        self._emit(Warned(self._opened.env.redact(text)))
