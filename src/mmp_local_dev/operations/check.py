"""`check`: the contract against what runs, from a consumer's side; a runtime only opens the way into its network."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import mmp_local_dev
from mmp_local_dev import env_formats
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.waivers import FILE as WAIVERS
from mmp_local_dev.contract.load.waivers import waivers_beside
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.errors import RuntimeUnavailable
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import choose_runtime, open_stack, published
from mmp_local_dev.shell import CommandFailed
from mmp_local_dev.workspace import CONTRACT, DEFAULT_STACK, Stack, Workspace

# Unpacks this package and a workspace from its input, and checks there: an ordinary check in another place.
_IN_CONTAINER = """
import json, pathlib, sys, tarfile, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall(folder, filter="data")
sys.path.insert(0, str(folder))
from mmp_local_dev.operations.check import check_workspace
print(json.dumps(check_workspace(folder / "workspace").to_data()))
"""


def check(stack: Stack, *, timeout: float = 10) -> Report:
    """Verify the contract with the values of `.env`, so that a stale file is noticed; with the waivers beside it.

    Each clause gets about `timeout` seconds. Raises MmpError when there is no `.env`.
    """
    contract = load(stack.workspace.contract)
    waivers = waivers_beside(stack.workspace.contract)
    return verify(contract, published(stack, contract), clauses_of(contract), timeout=timeout, waivers=waivers)


def check_workspace(root: Path) -> Report:
    """The check of the default stack of the workspace in `root`."""
    return check(Workspace(root).stack(DEFAULT_STACK))


def check_on_network(stack: Stack) -> Report:
    """Verify the contract from a container on the stack's network, with the addresses that containers use.

    Raises as `check`, and RuntimeUnavailable when the runtime has no network or no container can run there.
    """
    opened = open_stack(stack, emit=ignore)
    env = published(stack, opened.contract)
    opened = choose_runtime(opened, opened.runtime.name, ignore)
    with TemporaryFile() as archive:
        _pack(archive, stack, env_formats.render(opened.runtime.network(env)))
        archive.seek(0)
        try:
            said = opened.runtime.python_on_network(_IN_CONTAINER, opened.env, archive)
        except CommandFailed as error:
            raise RuntimeUnavailable(
                f"The contract could not be checked from the stack's network: {error.message}",
                detail=env.redact(error.detail),
            ) from None
    return Report.from_data(json.loads(said.splitlines()[-1]))


def _pack(archive: IO[bytes], stack: Stack, env_file: str) -> None:
    """What a check needs: this package, the contract, and the environment."""
    package = Path(mmp_local_dev.__file__).parent
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(package.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                tar.add(path, f"{package.name}/{path.relative_to(package)}", recursive=False)
        tar.add(stack.workspace.contract, f"workspace/{CONTRACT}")
        if (waivers := stack.workspace.contract.with_name(WAIVERS)).is_file():
            tar.add(waivers, f"workspace/{WAIVERS}")
        _add(tar, "workspace/.env", env_file)


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    tar.addfile(member, io.BytesIO(text.encode()))
