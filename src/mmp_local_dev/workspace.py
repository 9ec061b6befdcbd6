"""Where everything is: the workspace, the stacks in it, and every path of theirs.

A workspace is the nearest folder upward that holds a `dev-contract.yml`. A stack is one set of servers with data,
ports and processes of its own; `default` is the one that most people ever have.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mmp_local_dev.errors import InputError, MmpError, Repair, WorkspaceNotFound
from mmp_local_dev.files import write_if_changed

CONTRACT = "dev-contract.yml"
DEFAULT_STACK = "default"
_STACK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# Sockets live under a fixed short folder: a socket's path may have at most 103 bytes on macOS, and TMPDIR is
# both long there and not the same in every shell.
_SOCKETS = Path("/tmp")  # noqa: S108 -- the folder below it is private to the user, which `runtime_dir` checks


@dataclass(frozen=True)
class Workspace:
    """A folder with a contract."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The workspace that `start` lies in. Raises WorkspaceNotFound when there is none up to the root."""
        for folder in (start.resolve(), *start.resolve().parents):
            if (folder / CONTRACT).is_file():
                return cls(folder)
        raise WorkspaceNotFound(
            f"No {CONTRACT} in {start} or any folder above it, so this is not a workspace.",
            repairs=[Repair("mmp-dev init", "makes this folder a workspace")],
        )

    @property
    def contract(self) -> Path:
        """The contract file."""
        return self.root / CONTRACT

    def stack(self, name: str) -> Stack:
        """The stack of that name, which need not exist yet. Raises InputError for an impossible name."""
        if not _STACK_NAME.fullmatch(name):
            raise InputError(
                f"{name!r} cannot be a stack's name: use up to 32 of a-z, 0-9 and -, beginning with a letter or digit."
            )
        return Stack(self, name)


@dataclass(frozen=True)
class StackState:
    """What a stack remembers. `chosen` are values that this tool made up and that must stay the same: generated
    secrets and ports found by `--auto-ports`; `secrets` are those that only this tool uses."""

    id: str
    root: str
    runtime: str = ""
    chosen: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """One set of servers of a workspace, and where its parts are."""

    workspace: Workspace
    name: str

    @property
    def dir(self) -> Path:
        """Everything of this stack but `.env` and the default stack's artifacts."""
        return self.workspace.root / ".mmp-dev" / "stacks" / self.name

    @property
    def env_file(self) -> Path:
        """`.env`, or `.env.NAME` for a stack that is not the default one."""
        return self.workspace.root / (".env" if self.name == DEFAULT_STACK else f".env.{self.name}")

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts: `mlflow-artifacts/`, or inside the stack's folder when it is not the default one."""
        return (self.workspace.root if self.name == DEFAULT_STACK else self.dir) / "mlflow-artifacts"

    @property
    def logs(self) -> Path:
        """One log file per service."""
        return self.dir / "logs"

    @property
    def lock_file(self) -> Path:
        """Held by the command that changes this stack."""
        return self.dir / "lock"

    @property
    def feast_registry(self) -> Path:
        """Feast's registry, a plain file that Feast makes at the first apply."""
        return self.dir / "feast" / "registry.db"

    @property
    def state_file(self) -> Path:
        """What the stack remembers; holds secrets, 0600."""
        return self.dir / "stack.json"

    def create(self) -> None:
        """Make the stack's folders; what is there stays. Raises MmpError when the workspace cannot be written."""
        try:
            for folder in (self.dir, self.logs, self.feast_registry.parent, self.artifacts):
                folder.mkdir(parents=True, exist_ok=True)
            write_if_changed(self.workspace.root / ".mmp-dev" / ".gitignore", "*\n")
        except OSError as error:
            raise _unwritable(self.workspace.root, error) from error

    def load(self) -> StackState | None:
        """What the stack remembers; None before the first `up`. Raises MmpError when the file is damaged."""
        try:
            return StackState(**json.loads(self.state_file.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise _unwritable(self.workspace.root, error) from error
        except (ValueError, TypeError) as error:
            path = str(self.state_file)
            raise MmpError(
                f"{path} is damaged ({error}). It holds this stack's identity and generated passwords.",
                repairs=[Repair(shlex.join(["mv", path, f"{path}.damaged"]), "the next `mmp-dev up` makes a new one")],
                code="STATE_DAMAGED",
            ) from None

    def load_or_create(self, *, known_id: str | None = None) -> StackState:
        """What the stack remembers, made up when there is nothing yet (with `known_id`, if `.env` names one).

        A workspace that was copied, data and all, gets an identity of its own; one that was moved keeps it.
        """
        state = self.load()
        here = str(self.workspace.root)
        if state is None:
            state = StackState(id=known_id or uuid.uuid4().hex, root=here)
        elif state.root != here:
            state = replace(state, root=here, id=uuid.uuid4().hex if self._is_copy(state) else state.id)
        return state

    def save(self, state: StackState) -> None:
        """Remember `state` (0600, atomically)."""
        text = json.dumps(asdict(state), indent=2) + "\n"
        try:
            write_if_changed(self.state_file, text, mode=0o600)
        except OSError as error:
            raise _unwritable(self.workspace.root, error) from error

    def _is_copy(self, state: StackState) -> bool:
        original = Stack(Workspace(Path(state.root)), self.name)
        try:
            other = original.load()
        except MmpError:
            return True  # it is there, and cannot say who it is
        return other is not None and other.id == state.id


def runtime_dir(stack_id: str, *, make: bool = False) -> Path:
    """The short private folder of a stack's sockets; with `make` it is there afterwards.

    Raises MmpError when somebody else holds that name.
    """
    base = _SOCKETS / f"mmp-dev-{os.getuid()}"
    folder = base / stack_id[:12]
    for path in (base, folder):
        if make:
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
        try:
            status = path.lstat()
        except FileNotFoundError:
            return folder
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise MmpError(
                f"{path} does not belong to you alone, so sockets in it would not be safe.",
                repairs=[Repair(f"ls -ld {shlex.quote(str(path))}", "shows whose it is; remove or rename it")],
                code="RUNTIME_DIR_UNSAFE",
            )
    return folder


def _unwritable(root: Path, error: OSError) -> MmpError:
    return MmpError(
        f"{error.filename or root} cannot be written: {error.strerror}. A stack keeps its data inside its workspace.",
        repairs=[
            Repair(
                f'sudo chown -R "$(id -un)" "{root}/.mmp-dev" "{root}/mlflow-artifacts"',
                "when it belongs to another user",
            ),
            Repair(f'df -h "{root}"', "when the disk is full"),
        ],
        code="WORKSPACE_NOT_WRITABLE",
    )
