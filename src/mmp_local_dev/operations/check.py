"""`check`: the contract against what runs, from a consumer's side; a runtime only opens the way into its network."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import mmp_local_dev
from mmp_local_dev import env_formats, workspace_files
from mmp_local_dev.contract.clauses.base import Clause, S, select
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.waivers import FILE as WAIVERS
from mmp_local_dev.contract.load.waivers import waivers_beside
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.errors import RuntimeUnavailable
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import choose_runtime, contract_of, open_stack, published
from mmp_local_dev.shell import CommandFailed
from mmp_local_dev.workspace import CONTRACT, DEFAULT_STACK, Stack, Workspace

# Unpacks this package and a workspace from its input, and checks there: an ordinary check in another place.
_IN_CONTAINER = """
import json, pathlib, sys, tarfile, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall(folder, filter="data")
sys.path.insert(0, str(folder))
from mmp_local_dev.operations.check import check_workspace
print(json.dumps(check_workspace(folder / "workspace", json.loads((folder / "asked.json").read_text())).to_data()))
"""


@dataclass(frozen=True)
class Asked:
    """Which clauses are checked (see `select`; all of them by default), and about how many seconds each may take."""

    only: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    timeout: float = 10


ALL = Asked()


def check(stack: Stack, asked: Asked = ALL) -> Report:
    """Verify the contract with the values of `.env`, so that a stale file is noticed; what the waivers beside it name
    is a warning.

    Raises MmpError when there is no `.env`, and InputError when `asked` names what the contract does not have.
    """
    contract = load(stack.workspace.contract)
    return _verified(contract, published(stack, contract_of(stack)), clauses_of(contract), asked)


def check_static(stack: Stack, asked: Asked = ALL) -> Report:
    """Compare the contract with the workspace's own files; nothing has to run, and nothing of the files is executed.

    Raises InputError as `check` does. A file that cannot be read breaks its clause.
    """
    from mmp_local_dev.contract.static.clauses import static_clauses_of  # here: no other check needs them
    from mmp_local_dev.contract.static.sources import Sources

    contract = load(stack.workspace.contract)
    sources = Sources(contract, env_file=stack.env_file.name)
    return _verified(contract, sources, static_clauses_of(contract), asked, mode="static")


def _verified(contract: Contract, subject: S, clauses: list[Clause[S]], asked: Asked, *, mode: str = "live") -> Report:
    chosen = select(clauses, asked.only, asked.sections)
    waivers = waivers_beside(contract.path)
    report = verify(contract, subject, chosen, mode=mode, timeout=asked.timeout, waivers=waivers)
    return replace(report, selected=(*asked.only, *asked.sections))


def check_workspace(root: Path, asked: dict[str, object]) -> Report:
    """The check of the default stack of the workspace in `root`; `asked` has the fields of an Asked, read from JSON."""
    return check(Workspace(root).stack(DEFAULT_STACK), Asked(**asked))  # type: ignore[arg-type]


def check_on_network(stack: Stack, asked: Asked = ALL) -> Report:
    """Verify the contract from a container on the stack's network, with the addresses that containers use.

    Raises as `check`, and RuntimeUnavailable when the runtime has no network or no container can run there.
    """
    opened = open_stack(stack, emit=ignore)
    select(clauses_of(opened.contract), asked.only, asked.sections)  # what is wrong with it is told here
    env = published(stack, opened.contract)
    opened = choose_runtime(opened, opened.runtime.name, ignore)
    with TemporaryFile() as archive:
        _pack(archive, stack, env_formats.render(opened.runtime.network(env)), asked)
        archive.seek(0)
        try:
            said = opened.runtime.python_on_network(_IN_CONTAINER, opened.env, archive)
        except CommandFailed as error:
            raise RuntimeUnavailable(
                f"The contract could not be checked from the stack's network: {error.message}",
                detail=env.redact(error.detail),
            ) from None
    return Report.from_data(json.loads(said.splitlines()[-1]))


def _pack(archive: IO[bytes], stack: Stack, env_file: str, asked: Asked) -> None:
    """What a check needs: this package, the contract, the environment, and what is asked."""
    package = Path(mmp_local_dev.__file__).parent
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(package.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                tar.add(path, f"{package.name}/{path.relative_to(package)}", recursive=False)
        # Beside the modules, where a package has it: a contract of the 1.0 form is completed from it.
        _add(tar, f"{package.name}/template/{CONTRACT}", workspace_files.text(CONTRACT))
        tar.add(stack.workspace.contract, f"workspace/{CONTRACT}")
        if (waivers := stack.workspace.contract.with_name(WAIVERS)).is_file():
            tar.add(waivers, f"workspace/{WAIVERS}")
        _add(tar, "workspace/.env", env_file)
        _add(tar, "asked.json", json.dumps(asdict(asked)))


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    tar.addfile(member, io.BytesIO(text.encode()))
