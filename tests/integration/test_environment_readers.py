"""What `environment` writes and accepts, read by the real readers: shells, python-dotenv and Docker Compose."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dotenv import dotenv_values
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mmp_local_dev.env_formats import parse, quote, render, shell_lines
from mmp_local_dev.errors import EnvironmentInvalid

Reader = Callable[[Path, Sequence[str]], Mapping[str, str | None]]

# Starting a reader is what costs, so that each reads few files of many values, and no file is made smaller.
batched = settings(max_examples=4, deadline=None, database=None, phases=[Phase.explicit, Phase.generate])
AWKWARD = " \t'\"\\$`#=!&;|<>(){}[]*?~:-+,.@%^anrt0179éß漢\u0081\u00a0\u2028\ufeff😀"
awkward = st.text(AWKWARD, max_size=10)

BY_HAND = [
    "",
    "localhost",
    "12345678",
    "http://127.0.0.1:5002/?a=b&c=d",
    "a:~:~root",
    "=ls",
    "#x",
    "a #b",
    " leading and trailing ",
    "\tx\t",
    "!history !! !$",
    "$HOME $1 $$ ${ $(id) `id`",
    "%s %d \\n \\t \\0101 \\x41 \\u0041",
    "C:\\Users\\me",
    "it's",
    "''",
    '"',
    'it\'s "so"',
    "\\\\server\\it's",
    "it's \\\"\\n\\t\\0101",
    "*?[a]{b,c}",
    "-n",
    "größe 漢字 😀",
    "\x81\x82\x88\x1b\x7f",
]


def with_shell(name: str) -> Reader:
    def read(file: Path, names: Sequence[str]) -> Mapping[str, str | None]:
        # On one line: a shell that gives up on a line of the file must not get to the next of ours.
        script = f"set -a; . ./{file.name}; printf '%s\\0' " + " ".join(f'"${{{name}-}}"' for name in names)
        return run_shell(name, script, file.parent, names)

    return read


def run_shell(shell: str, script: str, folder: Path, names: Sequence[str]) -> dict[str, str | None]:
    program = shutil.which(shell)
    assert program
    # Some of what tests make up are commands to a shell: it shall find none.
    command, environ = [program, "-c", script], {"PATH": "/nonexistent", "HOME": "/nonexistent"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
    return dict(zip(names, done.stdout.decode().split("\0"), strict=False))


def with_dotenv(file: Path, names: Sequence[str]) -> Mapping[str, str | None]:
    return {name: value for name, value in dotenv_values(file).items() if name in names}


def with_compose(file: Path, names: Sequence[str]) -> Mapping[str, str | None]:
    """What `${NAME}` is in a compose file."""
    environment = {name: f"${{{name}}}" for name in names}
    composition = file.with_name("compose.yaml")
    composition.write_text(json.dumps({"services": {"s": {"image": "i", "environment": environment}}}))
    files = ["-f", str(composition), "--env-file", str(file)]
    # An exported variable outranks the file's: no more than what docker needs to find its plugins.
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["docker", "compose", *files, "config", "--format", "json"]
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    if done.returncode:
        return {}
    read = json.loads(done.stdout)["services"]["s"]["environment"]
    # `config` prints a compose file again, in which a dollar sign is written twice.
    return {name: value.replace("$$", "$") for name, value in read.items()}


def misread(reader: Reader, text: str, values: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    """Where the reader differs on a file that holds `values`: what was meant, and what it took."""
    taken = read(reader, text, list(values))
    return {name: (value, taken.get(name)) for name, value in values.items() if taken.get(name) != value}


def read(reader: Reader, text: str, names: Sequence[str]) -> Mapping[str, str | None]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "test.env")
        file.write_bytes(text.encode())
        return reader(file, names)


# `sh` is one of the others nearly everywhere; zsh is no POSIX shell, but the one of macOS.
SHELLS = [name for name in ("dash", "bash", "zsh") if shutil.which(name)]
POSIX_SHELLS = [pytest.param(with_shell(name), id=name) for name in SHELLS if name != "zsh"]
OTHERS = [
    pytest.param(with_dotenv, id="python-dotenv"),
    pytest.param(with_compose, id="compose", marks=pytest.mark.needs("docker")),
]
every_reader = pytest.mark.parametrize("reader", [*POSIX_SHELLS, *OTHERS])


def is_writable(value: str) -> bool:
    try:
        quote("NAME", value)
    except EnvironmentInvalid:
        return False
    return True


def is_accepted(text: str, *, strict: str) -> bool:
    try:
        parse(text, source=".env", strict=[strict])
    except EnvironmentInvalid:
        return False
    return True


def numbered(values: Sequence[str]) -> dict[str, str]:
    return {f"V{number}": value for number, value in enumerate(values)}


class TestWritten:
    @pytest.mark.parametrize("reader", [*[pytest.param(with_shell(name), id=name) for name in SHELLS], *OTHERS])
    @batched
    @given(made_up=st.lists((awkward | st.text(max_size=6)).filter(is_writable), min_size=60, max_size=90))
    def test_values_are_read_as_they_were(self, reader: Reader, made_up: list[str]) -> None:
        values = numbered([*BY_HAND, *made_up])
        assert not misread(reader, render(values), values)

    @every_reader
    def test_values_are_read_from_among_a_users_lines(self, reader: Reader) -> None:
        existing = "# it's mine\nNOTE='two\nA=lines'\n\nexport A=old # why\nB= # none yet\nMORE=\"it's\""
        values = {"A": "it's", "B": "", "C": "x y"}
        assert not misread(reader, render(values, existing=existing), values)

    @pytest.mark.parametrize("reader", OTHERS)
    def test_values_are_read_from_a_windows_file(self, reader: Reader) -> None:
        existing = "\ufeff# mine\r\nA=old\r\n\r\nB=old # why\r\n"
        values = {"A": "1", "B": "x y", "C": "it's"}
        assert not misread(reader, render(values, existing=existing), values)


class TestAccepted:
    spelling = awkward | awkward.map("'{}'".format) | awkward.map('"{}"'.format)
    prefix = st.sampled_from(["", "", "export ", "\t", "\n \n export\t"])
    comment = st.sampled_from(["", "", " # it's", "\t", " \t # x", "\t#"])

    @every_reader
    @batched
    @given(data=st.data())
    def test_lines_of_ours_are_read_as_parse_reads_them(self, reader: Reader, data: st.DataObject) -> None:
        drawn = data.draw(st.lists(st.tuples(self.prefix, self.spelling, self.comment), min_size=60, max_size=90))
        lines = [f"{prefix}V{n}={rest}{comment}\n" for n, (prefix, rest, comment) in enumerate(drawn)]
        text = "".join(line for n, line in enumerate(lines) if is_accepted(line, strict=f"V{n}"))
        values = parse(text, source=".env", strict=[f"V{n}" for n in range(len(lines))])
        assert not misread(reader, text, values)

    @every_reader
    @batched
    @given(rests=st.lists(st.text("""'"\\ `a#$\t""", max_size=8), min_size=60, max_size=90))
    def test_lines_of_the_users_do_not_run_on_into_ours(self, reader: Reader, rests: list[str]) -> None:
        pairs = [f"U={rest}\nV{n}={n}\n" for n, rest in enumerate(rests)]
        text = "".join(pair for n, pair in enumerate(pairs) if is_accepted(pair, strict=f"V{n}"))
        values = parse(text, source=".env", strict=[f"V{n}" for n in range(len(rests))])
        values.pop("U", None)
        assert not misread(reader, text, values)


class TestRefused:
    """What is refused is refused for a reason: some readers do differ on it."""

    @pytest.mark.parametrize(
        "line",
        [
            "V=a$b",
            "V=a`b`",
            "V=a b",
            "V= a",
            "V =a",
            "V=a\\b",
            "V=a'b'",
            "V=~",
            "V=a:~",
            "V=a&b",
            "V=a;b",
            "V=a>b",
            "V=a(b",
            "V=a\u00a0",
            'V="a$b"',
            'V="a`b`"',
            'V="a\\nb"',
            "V='a${b}'",
            "V='a\\\\b'",
            "V='a\\'",
            "'V'=a",
            "V=1\nexport V",
        ],
    )
    def test_a_shell_and_python_dotenv_differ(self, line: str) -> None:
        assert not is_accepted(line + "\n", strict="V")
        assert read(with_shell("sh"), line, ["V"]) != read(with_dotenv, line, ["V"])

    @pytest.mark.needs("docker")
    @pytest.mark.parametrize("line", ["V= # comment", "V=a\t# comment", "V=a$$b", "V='a${b}'", "V='a\\\\b'"])
    def test_compose_and_python_dotenv_differ(self, line: str) -> None:
        assert not is_accepted(line + "\n", strict="V")
        assert read(with_compose, line, ["V"]) != read(with_dotenv, line, ["V"])

    @pytest.mark.skipif("bash" not in SHELLS, reason="there is no bash")
    def test_bash_expands_braces_after_export(self) -> None:
        assert read(with_shell("bash"), "export V={a,b}", ["V"]) == {"V": "b"}

    @pytest.mark.parametrize("line", ["U=it's", "U=C:\\", "U=x`y"])
    def test_a_shell_runs_on_into_the_next_line(self, line: str) -> None:
        assert not is_accepted(f"{line}\nV=a\n", strict="V")
        assert read(with_shell("sh"), f"{line}\nV=a\n", ["V"]).get("V") != "a"


@pytest.mark.parametrize("name", SHELLS)
@batched
@given(made_up=st.lists(st.text(AWKWARD + "\n\r", max_size=10), min_size=60, max_size=90))
def test_shell_lines_may_be_evaluated(name: str, made_up: list[str]) -> None:
    values = numbered([*BY_HAND, "two\nlines\n", *made_up])
    with TemporaryDirectory() as folder:
        printed = " ".join(f'"${name}"' for name in values)
        script = shell_lines(values) + f"printf '%s\\0' {printed}"
        assert run_shell(name, script, Path(folder), list(values)) == values
