"""The contracts that a command line can name: a file, or a file as Git has it in a revision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.errors import ContractInvalid, InputError, Repair
from mmp_local_dev.operations.git import Repository


@dataclass(frozen=True)
class Referenced:
    """A contract, and in words where it is from."""

    contract: Contract
    told: str


def referenced(path: Path, reference: str) -> Referenced:
    """The contract that `reference` names, where the one at hand is `path`.

    It is a file; `REF:FILE`, exactly that in the repository of the current folder; or a revision: the same file as
    `path` in it. Raises InputError for what is none of these, ContractInvalid for a contract that cannot be used, and
    MmpError where Git cannot say.
    """
    if Path(reference).is_file():
        return Referenced(load(Path(reference)), reference)
    revision, _, file = reference.partition(":")
    git = Repository(Path.cwd() if file else path.resolve().parent)
    if (commit := git.commit(revision)) is None:
        raise InputError(f"{reference} is neither a file nor a revision that Git knows here.")
    return at_commit(git, commit, file or f"./{path.name}", reference if file else f"{path.name} in {revision}")


def at_commit(git: Repository, commit: str, file: str, told: str) -> Referenced:
    """The file as it is in that commit, by way of a folder of its own; `told` says what it is. Raises as above."""
    told = f"{told} ({commit[:10]})"
    with TemporaryDirectory(prefix="mmp-dev-") as folder:
        path = Path(folder) / Path(file).name
        if not git.write(commit, file, path):
            files = Repair(f"git ls-tree -r --name-only {commit[:10]}", "lists the files that it has")
            raise InputError(f"There is no {told}: that commit has no such file.", repairs=[files])
        try:
            return Referenced(load(path), told)
        except ContractInvalid as error:
            raise ContractInvalid(f"{told} cannot be used:\n{error.message}") from None
