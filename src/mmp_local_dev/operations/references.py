"""The contracts that a command line can name: a file, or a file in a revision of git."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from mmp_local_dev import shell
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.files import write_atomically
from mmp_local_dev.workspace import CONTRACT

_TIMEOUT = 30.0


def contract_at(reference: str, folder: Path) -> Contract:
    """The contract that `reference` names: a FILE, `REF:FILE` as git takes it, or a REF for the contract of `folder`.

    Raises InputError when there is neither such a file nor such a revision, and ContractInvalid as `load` does.
    """
    if Path(reference).is_file():
        return load(Path(reference))
    revision, _, file = reference.partition(":")
    text = _shown(revision, file or f"./{CONTRACT}", folder)
    with TemporaryDirectory(prefix="mmp-dev-") as temporary:
        path = Path(temporary) / Path(file or CONTRACT).name
        write_atomically(path, text)
        return load(path)


def _shown(revision: str, file: str, folder: Path) -> str:
    try:
        return shell.run(["git", "-C", str(folder), "show", "--end-of-options", f"{revision}:{file}"], timeout=_TIMEOUT)
    except shell.CommandFailed as error:
        raise InputError(
            f"There is no file {revision}:{file} here, neither by itself nor in git.",
            detail=error.detail,
            repairs=[Repair("git log --oneline --all -- dev-contract.yml", "shows the revisions of the contract")],
        ) from None
