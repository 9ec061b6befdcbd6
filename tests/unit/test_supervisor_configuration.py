"""What is written for supervisord is what supervisord reads: read here by its own reader."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmp_local_dev.files import write_if_changed
from mmp_local_dev.runtimes import supervisor as module
from mmp_local_dev.runtimes.supervisor import Supervisor
from mmp_local_dev.services.base import ProcessSpec

pytestmark = pytest.mark.needs("native")

SPEC = ProcessSpec(argv=("/bin/server", "--port", "1"), environment={"A": "1"}, stop_signal="INT", stop_timeout=60)

AWKWARD = {
    "plain": "plain",
    "percent": "100% %s %(here)s %%",
    "space": " two  words ",
    "apostrophe": "it's",
    "dollar": "$HOME ${HOME} `id`",
    "separators": "a,b=c,d;e#f:g",
    "letters": "größe 漢字 😀",
    "tilde": "~root",
    "star": "*?[a]{b,c}",
    "empty": "",
    "brackets": "[program:x]",
}
awkward = pytest.mark.parametrize("value", AWKWARD.values(), ids=AWKWARD.keys())


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    for name in ("logs", "run"):
        (tmp_path / name).mkdir()
    return Supervisor("a1b2", tmp_path, tmp_path / "logs", tmp_path / "run" / "supervisor.sock")


def write(supervisor: Supervisor, specs: Mapping[str, ProcessSpec]) -> None:
    """As `ensure` does, without a supervisord to tell."""
    sections = {name: supervisor._program(name, spec) for name, spec in specs.items()}
    write_if_changed(supervisor.configuration, supervisor._text(sections), mode=0o600)


def read(supervisor: Supervisor) -> Any:
    """The options that supervisord takes from the file."""
    from supervisor.options import ServerOptions

    options = ServerOptions()
    options.realize(["-c", str(supervisor.configuration), "-i", "identity"], doc="")
    return options


def program(supervisor: Supervisor, spec: ProcessSpec) -> Any:
    """One program as supervisord understands it."""
    write(supervisor, {"server": spec})
    (group,) = read(supervisor).process_group_configs
    (config,) = group.process_configs
    return config


class TestProgram:
    def test_everything_arrives(self, supervisor: Supervisor) -> None:
        config = program(supervisor, SPEC)
        assert config.name == "server"
        assert shlex.split(config.command) == list(SPEC.argv)
        assert config.environment == {"A": "1"}
        assert (config.stopsignal, config.stopwaitsecs) == (2, 60)
        assert (config.autostart, config.startretries, config.killasgroup) == (False, 3, True)
        assert config.autorestart.__name__ == "RestartUnconditionally"
        assert config.redirect_stderr
        assert config.stdout_logfile == str(supervisor.logs / "server.log")
        assert config.stdout_logfile_maxbytes == 10 * 1024 * 1024
        assert config.uid is None

    @awkward
    def test_an_argument_survives(self, value: str, supervisor: Supervisor) -> None:
        config = program(supervisor, replace(SPEC, argv=("/bin/server", value, "last")))
        assert shlex.split(config.command) == ["/bin/server", value, "last"]

    @pytest.mark.parametrize("value", ['say "hi"', "back\\slash\\", '\\"', "'\"'"])
    def test_an_argument_with_quotes_and_backslashes_survives(self, value: str, supervisor: Supervisor) -> None:
        config = program(supervisor, replace(SPEC, argv=("/bin/server", value, "last")))
        assert shlex.split(config.command) == ["/bin/server", value, "last"]

    @awkward
    def test_a_variable_survives(self, value: str, supervisor: Supervisor) -> None:
        config = program(supervisor, replace(SPEC, environment={"FIRST": "1", "V": value, "Z": "2"}))
        assert config.environment == {"FIRST": "1", "V": value, "Z": "2"}

    @pytest.mark.parametrize("value", ["back\\slash", "C:\\", "\\\\", 'a"b'])
    def test_a_variable_with_quotes_and_backslashes_survives(self, value: str, supervisor: Supervisor) -> None:
        config = program(supervisor, replace(SPEC, environment={"V": value, "Z": "2"}))
        assert config.environment == {"V": value, "Z": "2"}

    def test_the_user_is_the_one_named(self, supervisor: Supervisor) -> None:
        import pwd

        config = program(supervisor, replace(SPEC, user="nobody"))
        assert config.uid == pwd.getpwnam("nobody").pw_uid

    def test_without_variables_there_is_no_line_for_them(self, supervisor: Supervisor) -> None:
        assert program(supervisor, replace(SPEC, environment={})).environment == {}


class TestFile:
    def test_it_is_for_this_user_alone(self, supervisor: Supervisor) -> None:
        write(supervisor, {"server": SPEC})
        assert stat.S_IMODE(supervisor.configuration.stat().st_mode) == 0o600

    @pytest.mark.parametrize("name", ["plain", "with space", "100% %(here)s %s", "größe 漢字", "it's", "a;b#c", "a\\b"])
    def test_every_folder_survives(self, name: str, tmp_path: Path) -> None:
        folder = tmp_path / name
        for needed in (folder / "logs", tmp_path / "%sock"):
            needed.mkdir(parents=True)
        supervisor = Supervisor("a1b2", folder, folder / "logs", tmp_path / "%sock" / "supervisor.sock")
        write(supervisor, {"server": SPEC, "other": SPEC})
        options = read(supervisor)
        assert options.logfile == str(folder / "logs" / "supervisor.log")
        assert options.pidfile == str(tmp_path / "%sock" / "supervisord.pid")
        assert options.childlogdir == str(folder / "logs")
        assert options.umask == 0o077
        logs = {group.name: group.process_configs[0].stdout_logfile for group in options.process_group_configs}
        assert logs == {each: str(folder / "logs" / f"{each}.log") for each in ("server", "other")}
        (server,) = options.server_configs
        assert (server["file"], server["chmod"]) == (str(supervisor.socket), 0o700)

    def test_programs_are_found_again_as_they_were_written(self, supervisor: Supervisor) -> None:
        specs = {"one": SPEC, "two": replace(SPEC, argv=("/bin/x", "[program:no]", 'a "b" %'), user="nobody")}
        assert module._sections(supervisor.configuration) == {}
        write(supervisor, specs)
        found = module._sections(supervisor.configuration)
        assert found == {name: supervisor._program(name, spec) for name, spec in specs.items()}
        before = supervisor.configuration.read_bytes()
        assert not write_if_changed(supervisor.configuration, supervisor._text(found), mode=0o600)
        assert supervisor.configuration.read_bytes() == before

    def test_a_changed_value_is_a_changed_program(self, supervisor: Supervisor) -> None:
        texts = {
            supervisor._program("p", spec)
            for spec in (
                SPEC,
                replace(SPEC, argv=("/bin/server", "--port", "2")),
                replace(SPEC, environment={"A": "2"}),
                replace(SPEC, stop_signal="TERM"),
                replace(SPEC, stop_timeout=1),
                replace(SPEC, user="nobody"),
            )
        }
        assert len(texts) == 6
        same = replace(SPEC, environment={"B": "2", "A": "1"})
        assert supervisor._program("p", same) == supervisor._program(
            "p", replace(SPEC, environment={"A": "1", "B": "2"})
        )
