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
    """It begins before the services are started, Feast being slow to import, and ends when they are ready. Closing ends
    what is not done by then.
    """

    needs = "postgresql"

    def __init__(self, opened: Opened, emit: Emit, *, timeout: float) -> None:
        self._opened, self._emit, self._timeout = opened, emit, timeout
        self._open = ExitStack()
        self._apply: Apply | None = None
        self._candidate: Candidate | None = None
        self._began = time.monotonic()

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._open.close()

    def begin(self) -> None:
        """Start to read the definitions if anything about them has changed."""
        opened = self._opened
        folder = opened.stack.workspace.root / definitions.FOLDER
        if opened.contract.feast is None or not folder.is_dir():
            return
        with self._told():
            self._apply = Apply(opened.stack, opened.contract, opened.env)
            if self._apply.is_due():
                self._candidate = self._open.enter_context(self._apply.start())
                self._emit(Began(NAME, "apply"))

    def go_on(self) -> None:
        """PostgreSQL is ready: make the tables, and apply what was read."""
        if self._apply is not None:
            with self._told():
                self._apply.make_tables()
        if self._candidate is not None:
            self._candidate.offline_store_is_ready()

    def end(self) -> None:
        """Wait for what was begun, and take it up unless it would break consumers."""
        if self._apply is None or self._candidate is None:
            return
        with self._told():
            result = self._apply.finish(self._candidate, timeout=self._timeout)
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
            self._warn(
                f"{error.message} The feature store is as it was." + (f" To mend it: `{repair}`" if repair else "")
            )

    def _warn(self, text: str) -> None:
        self._emit(Warned(self._opened.env.redact(text)))
