"""The version of a contract that another one is compared with: a file, or what Git has of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.errors import ContractInvalid, InputError, MmpError, Repair
from mmp_local_dev.operations.git import Repository

MERGE_BASE = "merge-base"
# The branch that others merge into, best first; `origin/HEAD` is what a clone knows it by.
_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_UNSHALLOW = Repair(
    "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'",
    "fetches the history that this shallow clone lacks; actions/checkout does with `fetch-depth: 0`",
)
_ALONE = Repair("mmp-dev contract lint", "checks this one by itself")


@dataclass(frozen=True)
class Baseline:
    """An older version of a contract, and in words where it is from."""

    contract: Contract
    told: str


def baseline(path: Path, against: str) -> Baseline:
    """What the contract file `path` is compared with.

    `against` is a file; `REF:FILE`, exactly that in the repository of the current folder; a tag or a commit: the same
    file in it; a branch: the same file where this history left it, since what has been added to it later is nobody's
    deletion here; or `merge-base`: that with the default branch. Raises InputError for what is none of these,
    ContractInvalid for a contract that cannot be used, and MmpError where Git cannot say.
    """
    if Path(against).is_file():
        return Baseline(load(Path(against)), against)
    revision, _, file = against.partition(":")
    git = Repository(Path.cwd() if file else path.resolve().parent)
    if against == MERGE_BASE:
        fork, told = _where_history_left(git, path)
        if not git.has(fork, f"./{path.name}"):
            raise _no_baseline(git, f"{path.name} is new: it is not at {told} ({fork[:10]}).", _ALONE)
        return _at(git, fork, f"./{path.name}", f"{path.name} at {told}")
    if (commit := git.commit(revision)) is None:
        raise InputError(f"{against} is neither a file nor a revision that Git knows here.")
    if file:
        return _at(git, commit, file, against)
    if git.is_branch(revision):
        return _at(git, _fork(git, revision, path), f"./{path.name}", f"{path.name} at the merge base with {revision}")
    return _at(git, commit, f"./{path.name}", f"{path.name} in {revision}")


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


def _at(git: Repository, commit: str, file: str, told: str) -> Baseline:
    """The file as it is in that commit, by way of a folder of its own."""
    told = f"{told} ({commit[:10]})"
    with TemporaryDirectory(prefix="mmp-dev-") as folder:
        path = Path(folder) / Path(file).name
        if not git.write(commit, file, path):
            files = Repair(f"git ls-tree -r --name-only {commit[:10]}", "lists the files that it has")
            raise InputError(f"There is no {told}: that commit has no such file.", repairs=[files])
        try:
            return Baseline(load(path), told)
        except ContractInvalid as error:
            raise ContractInvalid(f"{told} cannot be used:\n{error.message}") from None
