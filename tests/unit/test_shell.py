from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

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
