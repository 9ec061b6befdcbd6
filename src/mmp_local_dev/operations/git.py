"""What Git knows of the folder that a file is in. Nothing is fetched and nothing is changed."""

from __future__ import annotations

import os
from pathlib import Path

from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.shell import CommandFailed, pipe, run

_SECONDS = 30.0


class Repository:
    """The repository that a folder is in, with paths as that folder sees them.

    Raises MmpError when it is in none, when Git refuses to say, and when there is no Git.
    """

    def __init__(self, folder: Path) -> None:
        # A tag and a branch of one name are no reason for a warning in the middle of an answer.
        self._git = ("git", "-c", "core.warnAmbiguousRefs=false", "-C", str(folder))
        try:
            run([*self._git, "rev-parse", "--git-dir"], timeout=_SECONDS)
        except CommandFailed as error:
            raise MmpError(
                f"Git knows no repository in {folder}, so there is no earlier version to compare with.",
                repairs=[Repair("mmp-dev contract diff --help", "shows how to compare with another file")],
                detail=error.detail,
                code="NO_BASELINE",
            ) from None

    def commit(self, revision: str) -> str | None:
        """The commit that `revision` names, None where it names none."""
        return self._said("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")

    def is_branch(self, name: str) -> bool:
        """Whether it is a branch, of here or of a remote."""
        full = self._said("rev-parse", "--symbolic-full-name", name) or ""
        return full.startswith(("refs/heads/", "refs/remotes/"))

    def short(self, name: str) -> str:
        """A branch as people call it; HEAD for one that is none. `origin/HEAD` is `origin/main`."""
        return self._said("rev-parse", "--abbrev-ref", name) or name

    def merge_base(self, branch: str) -> str | None:
        """The last commit that HEAD and `branch` have in common, None where they have none."""
        return self._said("merge-base", "HEAD", branch)

    def has_changed(self, name: str) -> bool:
        """Whether a file differs from that of HEAD."""
        return self._said("diff", "--quiet", "HEAD", "--", name) is None

    def is_shallow(self) -> bool:
        """Whether parts of the history are missing."""
        return self._said("rev-parse", "--is-shallow-repository") == "true"

    def has(self, commit: str, file: str) -> bool:
        """Whether there was such a file in that commit."""
        return self._said("cat-file", "-e", f"{commit}:{file}") is not None

    def write(self, commit: str, file: str, path: Path) -> bool:
        """Write what `file` was in that commit to `path`; False when there was no such file."""
        try:
            with path.open("wb") as stream:
                pipe([*self._git, "show", f"{commit}:{file}"], env=os.environ, stdout=stream)
        except CommandFailed:
            return False
        return True

    def _said(self, *arguments: str) -> str | None:
        """What a command prints, None where it says no."""
        try:
            return run([*self._git, *arguments], timeout=_SECONDS).strip()
        except CommandFailed:
            return None
