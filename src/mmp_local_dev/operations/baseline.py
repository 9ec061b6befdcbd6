"""The version of a contract that another one is compared with: a file, or what Git has of it."""

from __future__ import annotations

from pathlib import Path

from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.operations.git import Repository
from mmp_local_dev.operations.references import Referenced, at_commit, referenced

MERGE_BASE = "merge-base"
# The branch that others merge into, best first; `origin/HEAD` is what a clone knows it by.
_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_UNSHALLOW = Repair(
    "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'",
    "fetches the history that this shallow clone lacks; actions/checkout does with `fetch-depth: 0`",
)
_ALONE = Repair("mmp-dev contract lint", "checks this one by itself")


def baseline(path: Path, against: str) -> Referenced:
    """What the contract file `path` is compared with.

    `against` is what `referenced` takes, and compared with exactly; but a branch stands for where this history left it,
    since what has been added to it later is nobody's deletion here, and `merge-base` for that with the default branch.
    Raises as `referenced`.
    """
    if against == MERGE_BASE:
        return _at_merge_base(path)
    if not Path(against).is_file() and ":" not in against:
        git = Repository(path.resolve().parent)
        if git.is_branch(against):
            told = f"{path.name} at the merge base with {against}"
            return at_commit(git, _fork(git, against, path), f"./{path.name}", told)
    return referenced(path, against)


def _at_merge_base(path: Path) -> Referenced:
    git = Repository(path.resolve().parent)
    fork, told = _where_history_left(git, path)
    if not git.has(fork, f"./{path.name}"):
        raise _no_baseline(git, f"{path.name} is new: it is not at {told} ({fork[:10]}).", _ALONE)
    return at_commit(git, fork, f"./{path.name}", f"{path.name} at {told}")


def _where_history_left(git: Repository, path: Path) -> tuple[str, str]:
    """The merge base with the default branch.

    Where everything is in that branch already: the last commit if something is not committed yet, or on another branch,
    that has nothing of its own yet; else the one before, as after a push to the default branch.
    """
    branch = _default_branch(git)
    fork, head = _fork(git, branch, path), git.commit("HEAD")
    if fork != head:
        return fork, f"the merge base with {branch}"
    on_it = git.short("HEAD") in (branch.removeprefix("origin/"), "HEAD")
    if not on_it or git.has_changed(path.name):
        return fork, "HEAD"
    before = git.commit("HEAD~1")
    if before is None:
        raise _no_baseline(git, f"There is no earlier version of {path.name} to compare with.", _ALONE)
    return before, f"HEAD~1, as HEAD is in {branch}"


def _default_branch(git: Repository) -> str:
    for name in _DEFAULT_BRANCHES:
        if git.commit(name):
            return git.short(name)
    fetch = Repair("git fetch origin", "fetches the branches of the remote")
    raise _no_baseline(git, f"None of the branches {', '.join(_DEFAULT_BRANCHES)} is here to compare with.", fetch)


def _fork(git: Repository, branch: str, path: Path) -> str:
    commit = git.merge_base(branch)
    if commit is None:
        exact = Repair(f"mmp-dev contract diff --against {branch}:./{path.name}", "compares with the branch as it is")
        raise _no_baseline(git, f"HEAD and {branch} have no commit in common.", exact)
    return commit


def _no_baseline(git: Repository, message: str, repair: Repair) -> MmpError:
    return MmpError(message, repairs=[_UNSHALLOW if git.is_shallow() else repair], code="NO_BASELINE")
