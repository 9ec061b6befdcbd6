from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from mmp_local_dev import shell
from mmp_local_dev.errors import MmpError
from mmp_local_dev.shell import CommandFailed


def script(code: str, **options: Any) -> str:
    return shell.run(["/bin/sh", "-c", code], timeout=30, **options)


def test_what_it_printed_comes_back_errors_included() -> None:
    assert script("echo out; echo err >&2") == "out\nerr\n"


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    assert script(r"printf 'caf\351\n'") == "caf\ufffd\n"


def test_it_has_no_terminal_to_ask_on() -> None:
    assert script("cat") == ""


def test_text_is_its_standard_input() -> None:
    assert script("cat", text="größe\n") == "größe\n"


def test_environment_and_folder_are_the_ones_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    said = script('echo "$GIVEN-$LEAKED"; pwd', env={"GIVEN": "1"}, cwd=tmp_path)
    assert said == f"1-\n{tmp_path.resolve()}\n"


def test_a_failure_keeps_command_code_and_output() -> None:
    with pytest.raises(CommandFailed) as caught:
        script("echo why; echo more >&2; exit 7")
    error = caught.value
    assert error.argv == ("/bin/sh", "-c", "echo why; echo more >&2; exit 7")
    assert error.returncode == 7
    assert error.detail == "why\nmore"
    assert error.message == "`sh` ended with exit code 7."
    assert (error.code, error.exit_code) == ("COMMAND_FAILED", 3)


def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(CommandFailed) as caught:
        shell.run(["/bin/sh", "-c", "echo so far; exec sleep 60"], timeout=0.2)
    assert caught.value.returncode == 124
    assert "no end after" in caught.value.detail


def test_what_it_printed_before_the_time_was_up_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """`subprocess` hands over bytes here, also when it was asked for text."""

    def run(argv: list[str], **_options: object) -> None:
        raise subprocess.TimeoutExpired(argv, 5, output=b"so far, caf\xe9\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(CommandFailed) as caught:
        shell.run(["initdb"], timeout=5)
    assert caught.value.detail == "no end after 5 seconds\nso far, caf\ufffd"


@pytest.mark.parametrize("program", ["/nonexistent/program", "/etc/passwd", "/"])
def test_what_cannot_be_started_is_named(program: str) -> None:
    with pytest.raises(MmpError, match=program) as caught:
        shell.run([program], timeout=5)
    assert not isinstance(caught.value, CommandFailed)
    assert caught.value.code == "COMMAND_FAILED"


@pytest.mark.needs("root")
def test_as_another_user_it_has_that_users_groups_and_none_of_ours() -> None:
    before = os.getgroups()
    os.setgroups([0, 4242])
    try:
        user, groups = script("id -u; id -G", user="nobody").splitlines()
    finally:
        os.setgroups(before)
    assert user != "0"
    assert not {"0", "4242"} & set(groups.split())


def at_work(code: str, text: str = "") -> AbstractContextManager[Iterator[str]]:
    return shell.at_work(["/bin/sh", "-c", code], text=text)


def test_a_program_at_work_is_heard_while_it_works() -> None:
    with at_work("read word; echo $word; read more; echo never", "first\n") as lines:
        assert next(lines) == "first\n"  # and it goes on, as its input is still open


def test_a_program_at_work_is_ended_with_the_context() -> None:
    with at_work("echo $$; sleep 60") as lines:
        number = int(next(lines))
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_program_at_work_notices_that_its_caller_is_gone() -> None:
    code = (
        "import os; from mmp_local_dev import shell\n"
        "with shell.at_work(['/bin/sh', '-c', 'echo $$; read never; echo >&2'], text='') as lines:\n"
        "    print(next(lines), flush=True); os.kill(os.getpid(), 9)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=30)
    assert psutil.wait_procs(list(_alive(int(said.stdout))), timeout=10)[1] == []


def _alive(number: int) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        yield psutil.Process(number)


def test_a_program_at_work_that_fails_leaves_its_evidence() -> None:
    with pytest.raises(CommandFailed) as caught, at_work("echo one; echo why >&2; exit 5") as lines:
        assert list(lines) == ["one\n"]
    assert (caught.value.returncode, caught.value.detail) == (5, "why")


def test_a_program_that_is_not_there_cannot_be_at_work() -> None:
    with pytest.raises(MmpError, match="could not be started"), shell.at_work(["/no/such/program"], text=""):
        pass
