"""`check --view network`: the contract as containers on the stack's network see it."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import mmp_local_dev
from mmp_local_dev import env_formats, workspace_files
from mmp_local_dev.contract.clauses.base import select
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.clauses.slow import skipped_without_feast
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.load.waivers import FILE as WAIVERS
from mmp_local_dev.contract.report import Report
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import RuntimeUnavailable
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.check import ALL, Asked, verified
from mmp_local_dev.operations.opened import choose_runtime, open_stack, published
from mmp_local_dev.services import feast_registry
from mmp_local_dev.shell import CommandFailed
from mmp_local_dev.workspace import CONTRACT, DEFAULT_STACK, Stack, Workspace

# Where a new container, in which nobody else is, gets this package and a workspace.
_THERE = "/tmp/mmp-dev"  # noqa: S108
_REGISTRY = f"{_THERE}/workspace/registry.db"

_NO_FEAST = "needs Feast, which the container of this view does not have; mmp-dev check reads it from this machine"

# Unpacks them from its input, and checks there: an ordinary check in another place.
_IN_CONTAINER = f"""
import json, pathlib, sys, tarfile
folder = pathlib.Path("{_THERE}")
tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall(folder, filter="data")
sys.path.insert(0, str(folder))
from mmp_local_dev.operations.check_network import check_in_container
print(json.dumps(check_in_container(folder / "workspace", json.loads((folder / "asked.json").read_text())).to_data()))
"""


def check_on_network(stack: Stack, asked: Asked = ALL) -> Report:
    """Verify the contract from a container on the stack's network, with the addresses that containers use.

    Raises as `check`, and RuntimeUnavailable when the runtime has no network or no container can run there.
    """
    opened = open_stack(stack, emit=ignore)
    select(clauses_of(opened.contract), asked.only, asked.sections)  # what is wrong with it is told here
    env = published(stack, opened.contract)
    opened = choose_runtime(opened, opened.runtime.name, ignore)
    with TemporaryFile() as archive:
        _pack(archive, stack, opened.runtime.network(env), asked)
        archive.seek(0)
        try:
            said = opened.runtime.python_on_network(_IN_CONTAINER, opened.env, archive)
        except CommandFailed as error:
            raise RuntimeUnavailable(
                f"The contract could not be checked from the stack's network: {error.message}",
                detail=env.redact(error.detail),
            ) from None
    return Report.from_data(json.loads(said.splitlines()[-1]))


def check_in_container(root: Path, asked: dict[str, object]) -> Report:
    """The check of the default stack of the workspace in `root`; `asked` has the fields of an Asked, read from JSON.

    Where Python has no Feast, as in the container that `check_on_network` starts, what reads through it is skipped.
    """
    stack = Workspace(root).stack(DEFAULT_STACK)
    contract = load(stack.workspace.contract)
    clauses = skipped_without_feast(clauses_of(contract), _NO_FEAST)
    return verified(contract, published(stack, contract), clauses, Asked(**asked))  # type: ignore[arg-type]


def _pack(archive: IO[bytes], stack: Stack, env: Environment, asked: Asked) -> None:
    """What a check needs: this package, the contract, the environment, Feast's registry, and what is asked."""
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
        if (registry := Path(env.get(feast_registry.PATH, ""))).is_file():  # else the clauses name the path as it is
            tar.add(registry.resolve(), _REGISTRY.removeprefix(f"{_THERE}/"))
            env = env.with_values(**{feast_registry.PATH: _REGISTRY})
        _add(tar, "workspace/.env", env_formats.render(env))
        _add(tar, "asked.json", json.dumps(asdict(asked)))


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    tar.addfile(member, io.BytesIO(text.encode()))
