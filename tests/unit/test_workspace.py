from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mmp_local_dev import workspace
from mmp_local_dev.errors import InputError, MmpError, WorkspaceNotFound
from mmp_local_dev.workspace import Stack, StackState, Workspace, runtime_dir


def make_stack(root: Path, name: str = "default") -> Stack:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dev-contract.yml").touch()
    stack = Workspace(root).stack(name)
    stack.create()
    return stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return make_stack(tmp_path / "work")


@pytest.fixture
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /tmp, and in it the place where this user's sockets go."""
    monkeypatch.setattr(workspace, "_SOCKETS", tmp_path)
    return tmp_path / f"mmp-dev-{os.getuid()}"


class TestFind:
    def test_the_nearest_folder_with_a_contract_upward(self, tmp_path: Path) -> None:
        inner = tmp_path / "outer" / "inner"
        below = inner / "a" / "b"
        below.mkdir(parents=True)
        for folder in (tmp_path / "outer", inner):
            (folder / "dev-contract.yml").touch()
        assert Workspace.find(below) == Workspace.find(inner) == Workspace(inner.resolve())
        assert Workspace.find(tmp_path / "outer").root == (tmp_path / "outer").resolve()

    def test_a_folder_of_that_name_is_no_contract(self, tmp_path: Path) -> None:
        (tmp_path / "dev-contract.yml").mkdir()
        with pytest.raises(WorkspaceNotFound):
            Workspace.find(tmp_path)

    def test_without_one_the_way_out_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(WorkspaceNotFound, match=r"dev-contract\.yml") as caught:
            Workspace.find(tmp_path)
        assert str(tmp_path) in caught.value.message
        assert [repair.command for repair in caught.value.repairs] == ["mmp-dev init"]
        assert caught.value.exit_code == 2

    def test_a_link_leads_to_the_real_place(self, tmp_path: Path) -> None:
        """One stack under two names would be two."""
        real = make_stack(tmp_path / "real").workspace.root
        (tmp_path / "link").symlink_to(real)
        assert Workspace.find(tmp_path / "link").root == real.resolve()


class TestPaths:
    @pytest.mark.parametrize("name", ["default", "a", "0", "with-dash", "a" * 32])
    def test_names_of_stacks(self, name: str, tmp_path: Path) -> None:
        assert Workspace(tmp_path).stack(name).name == name

    @pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a.b", "../x", "a/b", "a\n", " a", "é", "a" * 33])
    def test_names_that_no_stack_can_have(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="stack's name"):
            Workspace(tmp_path).stack(name)

    def test_two_stacks_share_no_path(self, tmp_path: Path) -> None:
        one, other = (Workspace(tmp_path).stack(name) for name in ("default", "other"))
        for part in ("dir", "env_file", "artifacts", "logs", "lock_file", "feast_registry", "state_file"):
            assert getattr(one, part) != getattr(other, part)

    def test_only_the_default_stack_has_its_files_in_plain_sight(self, tmp_path: Path) -> None:
        one, other = (Workspace(tmp_path).stack(name) for name in ("default", "other"))
        assert (one.env_file, one.artifacts) == (tmp_path / ".env", tmp_path / "mlflow-artifacts")
        assert other.env_file == tmp_path / ".env.other"
        assert other.artifacts.is_relative_to(other.dir)


class TestCreate:
    def test_it_makes_what_is_missing_and_leaves_what_is_there(self, stack: Stack) -> None:
        kept = stack.artifacts / "1" / "model"
        kept.parent.mkdir()
        kept.write_text("weights")
        shutil.rmtree(stack.logs)
        stack.create()
        assert stack.logs.is_dir()
        assert kept.read_text() == "weights"

    def test_git_sees_nothing_of_it(self, stack: Stack) -> None:
        assert (stack.workspace.root / ".mmp-dev" / ".gitignore").read_text() == "*\n"

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / ".mmp-dev").write_text("a file where a folder must be")
        with pytest.raises(MmpError) as caught:
            Workspace(tmp_path).stack("default").create()
        assert caught.value.code == "WORKSPACE_NOT_WRITABLE"
        assert str(tmp_path / ".mmp-dev") in caught.value.message
        assert caught.value.repairs


class TestState:
    state = StackState(id="a1", root="", runtime="native", chosen={"REDIS_PORT": "1"}, secrets={"s": "x"})

    def test_it_comes_back_as_it_was_saved(self, stack: Stack) -> None:
        state = replace(self.state, root=str(stack.workspace.root))
        stack.save(state)
        assert stack.load() == stack.load_or_create() == state
        assert stat.S_IMODE(stack.state_file.stat().st_mode) == 0o600

    def test_there_is_none_before_the_first_up(self, tmp_path: Path) -> None:
        stack = Workspace(tmp_path).stack("default")
        assert stack.load() is None
        (tmp_path / ".mmp-dev").write_text("no folder")
        assert stack.load() is None
        assert list(tmp_path.iterdir()) == [tmp_path / ".mmp-dev"]

    def test_a_new_one_has_an_identity_of_its_own_or_the_one_of_env(self, stack: Stack) -> None:
        made = [stack.load_or_create().id for _ in range(2)]
        assert made[0] != made[1]
        assert all(len(each) == 32 for each in made)
        assert stack.load_or_create(known_id="known").id == "known"
        assert stack.load() is None

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '{"root": "/x"}', '{"id": "a"}', "\x00"])
    def test_a_damaged_file_is_told_with_a_way_out(self, text: str, stack: Stack) -> None:
        stack.state_file.write_text(text)
        with pytest.raises(MmpError, match=r"stack\.json is damaged") as caught:
            stack.load()
        assert caught.value.code == "STATE_DAMAGED"
        with pytest.raises(MmpError):
            stack.load_or_create(known_id="a1")

    def test_bytes_that_are_no_text_are_damage(self, stack: Stack) -> None:
        stack.state_file.write_bytes(b'{"id": "\xff"}')
        with pytest.raises(MmpError, match=r"stack\.json is damaged"):
            stack.load()

    @pytest.mark.parametrize(
        "folder",
        [
            "plain",
            "it's a folder",
        ],
    )
    def test_the_way_out_of_damage_works_as_printed(self, folder: str, tmp_path: Path) -> None:
        stack = make_stack(tmp_path / folder)
        stack.state_file.write_text("{")
        with pytest.raises(MmpError) as caught:
            stack.load()
        command = caught.value.repairs[0].command
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
        assert done.returncode == 0, shlex.split(command)
        assert stack.load() is None

    def test_saving_where_nothing_can_be_written_is_told(self, stack: Stack) -> None:
        shutil.rmtree(stack.dir)
        with pytest.raises(MmpError) as caught:
            stack.save(self.state)
        assert caught.value.code == "WORKSPACE_NOT_WRITABLE"


class TestIdentity:
    @pytest.fixture
    def known(self, stack: Stack) -> StackState:
        state = StackState(id="a1", root=str(stack.workspace.root), chosen={"POSTGRES_PASSWORD": "p"})
        stack.save(state)
        return state

    def test_a_moved_workspace_keeps_it(self, stack: Stack, known: StackState, tmp_path: Path) -> None:
        stack.workspace.root.rename(tmp_path / "moved")
        moved = Workspace(tmp_path / "moved").stack("default")
        assert moved.load_or_create() == replace(known, root=str(tmp_path / "moved"))

    def test_a_copied_one_gets_its_own_and_keeps_the_passwords_of_its_data(
        self, stack: Stack, known: StackState, tmp_path: Path
    ) -> None:
        shutil.copytree(stack.workspace.root, tmp_path / "copy")
        copy = Workspace(tmp_path / "copy").stack("default")
        state = copy.load_or_create()
        assert state.id not in ("", known.id)
        assert (state.root, state.chosen) == (str(tmp_path / "copy"), known.chosen)
        copy.save(state)
        assert copy.load_or_create() == state
        assert stack.load_or_create() == known

    def test_a_copy_whose_original_began_anew_is_no_copy(self, stack: Stack, known: StackState, tmp_path: Path) -> None:
        shutil.copytree(stack.workspace.root, tmp_path / "copy")
        stack.save(replace(known, id="b2"))
        assert Workspace(tmp_path / "copy").stack("default").load_or_create().id == known.id

    def test_a_damaged_original_does_not_stop_the_copy(self, stack: Stack, known: StackState, tmp_path: Path) -> None:
        shutil.copytree(stack.workspace.root, tmp_path / "copy")
        stack.state_file.write_text("{")
        state = Workspace(tmp_path / "copy").stack("default").load_or_create()
        assert (state.root, state.chosen) == (str(tmp_path / "copy"), known.chosen)

    def test_each_stack_has_its_own(self, stack: Stack, known: StackState) -> None:
        other = stack.workspace.stack("other")
        other.create()
        assert other.load_or_create().id != known.id


class TestRuntimeDir:
    def test_it_is_short_and_private(self, sockets: Path) -> None:
        folder = runtime_dir("0123456789abcdef" * 2, make=True)
        assert folder == sockets / "0123456789ab"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, sockets)] == [0o700, 0o700]
        assert runtime_dir("0123456789abcdef" * 2) == folder

    def test_it_is_made_only_on_request(self, sockets: Path) -> None:
        assert runtime_dir("0123456789abcdef" * 2) == sockets / "0123456789ab"
        assert not sockets.exists()

    def test_the_real_one_leaves_room_for_a_socket(self) -> None:
        name = workspace._SOCKETS / f"mmp-dev-{2**32}" / ("f" * 12) / "supervisor.sock"
        assert len(os.fsencode(name)) + len(".12345678") <= 103  # supervisor binds a temporary name first

    @pytest.mark.parametrize("make", [True, False])
    @pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
    def test_one_that_others_may_enter_is_refused(self, mode: int, make: bool, sockets: Path) -> None:  # noqa: FBT001
        sockets.mkdir()
        sockets.chmod(mode)
        with pytest.raises(MmpError, match="does not belong to you alone") as caught:
            runtime_dir("a" * 32, make=make)
        assert caught.value.code == "RUNTIME_DIR_UNSAFE"

    def test_a_link_to_somewhere_else_is_refused(self, sockets: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        sockets.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(MmpError, match="does not belong to you alone"):
            runtime_dir("a" * 32, make=True)
        assert list((tmp_path / "elsewhere").iterdir()) == []

    @pytest.mark.needs("root")
    def test_another_users_is_refused(self, sockets: Path) -> None:
        sockets.mkdir(mode=0o700)
        shutil.chown(sockets, "nobody")
        with pytest.raises(MmpError, match="does not belong to you alone"):
            runtime_dir("a" * 32, make=True)

    @pytest.mark.parametrize("kind", ["file", "dangling link"])
    def test_what_is_no_folder_is_refused(self, kind: str, sockets: Path, tmp_path: Path) -> None:
        if kind == "file":
            sockets.touch()
        else:
            sockets.symlink_to(tmp_path / "nowhere")
        with pytest.raises(MmpError, match="does not belong to you alone"):
            runtime_dir("a" * 32, make=True)
