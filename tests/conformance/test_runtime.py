"""What every runtime does, the fake included; `kinds.py` says how each is made."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from conftest import REPOSITORY, free_ports, need
from fakes import FakeMachine
from kinds import ALIVE, BOTH, KINDS, POSTGRESQL, REDIS, SECONDS, Compose, Kind, eventually
from mmp_local_dev import env_formats, runtimes, services
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.resolve import Layer, resolve
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, RuntimeUnavailable
from mmp_local_dev.events import Began, Done
from mmp_local_dev.runtimes.base import PORT_VARIABLES, Runtime, State
from mmp_local_dev.runtimes.native import NativeRuntime
from mmp_local_dev.services.base import STACK_ID, Service
from mmp_local_dev.shell import CommandFailed

Make = Callable[[], Kind]


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, base: Path) -> Iterator[Make]:
    """Makes stacks on one machine, each in a workspace of its own, and ends what is left of them."""
    made: list[Kind] = []
    machine = FakeMachine()

    def make() -> Kind:
        root = Path(tempfile.mkdtemp(dir=base))
        root.chmod(0o755)
        kind: Kind = request.param(root, machine)
        made.append(kind)
        return kind

    yield make
    for kind in made:
        kind.end()


@pytest.fixture
def kind(make: Make) -> Kind:
    return make()


@pytest.fixture
def runtime(kind: Kind) -> Runtime:
    return kind.runtime()


@pytest.fixture
def env(kind: Kind) -> Environment:
    return environment(kind)


def environment(kind: Kind) -> Environment:
    """What the contract says for the stack, at ports of its own, with what the runtime adds; in `.env` as by `up`."""
    given = {**dict(zip(PORT_VARIABLES.values(), map(str, free_ports(3)), strict=True)), **kind.given}
    contract = load(REPOSITORY / "dev-contract.yml")
    settings = {**services.settings(), **runtimes.settings()}
    runtime = kind.runtime()
    env = runtime.complete(
        resolve(contract, [Layer("the test", {**given, STACK_ID: kind.stack_id})], settings=settings)
    )
    published = {name: env[name] for name in (*contract.variables, *runtime.variables) if name in env}
    kind.stack.env_file.write_text(env_formats.render(published))
    return env


def runs(kind: Kind, service: Service) -> Callable[[], bool]:
    return lambda: kind.runtime().state(service) is State.RUNNING


class TestBeforeTheStart:
    def test_it_says_what_it_would_run_on(self, runtime: Runtime) -> None:
        assert runtime.available()

    def test_what_it_adds_to_the_environment_stays_as_it_is(
        self, kind: Kind, runtime: Runtime, env: Environment
    ) -> None:
        assert {name: env[name] for name in kind.given} == kind.given
        assert all(env[name] for name in runtime.variables)
        assert dict(runtime.complete(env)) == dict(env)

    def test_what_it_adds_is_found_again_where_it_is_in_use(
        self, kind: Kind, runtime: Runtime, env: Environment
    ) -> None:
        """As when `.env` was deleted."""
        runtime.start([REDIS], env)
        left = Environment({name: value for name, value in env.items() if name not in runtime.variables})
        assert dict(kind.runtime().complete(left)) == dict(env)
        runtime.shut_down()
        assert dict(kind.runtime().complete(left)) == dict(env)


class TestStart:
    def test_before_it_there_is_nothing(self, runtime: Runtime, env: Environment) -> None:
        assert [runtime.state(service) for service in BOTH] == [State.ABSENT, State.ABSENT]
        assert list(runtime.stop(BOTH)) == []
        assert list(runtime.logs(REDIS, tail=10, follow=False)) == []
        assert runtime.conflicts(BOTH, env) == []
        assert runtime.shut_down() is False

    def test_it_returns_what_it_started_and_no_more(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        assert list(runtime.start(BOTH, env)) == BOTH
        assert all(runtime.state(service) in ALIVE for service in BOTH)
        assert list(runtime.start(BOTH, env)) == []
        assert all(eventually(runs(kind, service)) for service in BOTH)
        assert list(kind.runtime().start(BOTH, env)) == []
        untouched = kind.process(POSTGRESQL)
        assert list(kind.runtime().stop([REDIS])) == [REDIS]
        assert list(kind.runtime().start(BOTH, env)) == [REDIS]
        assert kind.process(POSTGRESQL) == untouched
        assert list(kind.runtime().stop(BOTH)) == [REDIS, POSTGRESQL]

    def test_a_changed_value_restarts_the_service_that_it_concerns(
        self, kind: Kind, runtime: Runtime, env: Environment
    ) -> None:
        runtime.start(BOTH, env)
        before = {service.name: kind.process(service) for service in BOTH}
        moved = env.with_values(REDIS_PORT=str(free_ports(1)[0]))
        assert list(kind.runtime().start(BOTH, moved)) == [REDIS]
        kind.keep(moved, "at its new port")
        assert kind.process(POSTGRESQL) == before["postgresql"]
        assert kind.process(REDIS) != before["redis"]
        assert list(kind.runtime().start(BOTH, moved)) == []

    def test_a_changed_password_holds_at_once(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        before = env.with_values(REDIS_PASSWORD="one of \"them\" \\ with $HOME and 'more'")
        after = env.with_values(REDIS_PASSWORD="another")
        runtime.start([REDIS], before)
        kind.keep(before, "a value")
        assert not kind.admits(env)
        assert not kind.admits(after)
        assert list(kind.runtime().start([REDIS], after)) == [REDIS]
        assert kind.kept(after) == "a value"
        assert not kind.admits(before)
        assert list(kind.runtime().start([REDIS], after)) == []

    def test_it_tells_what_it_begins_and_what_is_done(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        runtime.start([REDIS], env)
        runtime.start([REDIS], env)
        assert kind.events == [Began("redis", "start")]
        kind.events.clear()
        runtime.stop([REDIS])
        runtime.stop([REDIS])
        began, done = kind.events
        assert began == Began("redis", "stop")
        assert isinstance(done, Done)
        assert (done.service, done.step) == ("redis", "stop")


class TestStop:
    def test_it_returns_what_ran_and_leaves_the_data(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        runtime.start([REDIS], env)
        kind.keep(env, "a value")
        assert list(runtime.stop([REDIS])) == [REDIS]
        assert runtime.state(REDIS) not in ALIVE
        assert list(runtime.stop([REDIS])) == []
        assert list(kind.runtime().start([REDIS], env)) == [REDIS]
        assert kind.kept(env) == "a value"

    def test_shut_down_ends_everything_and_leaves_the_data(
        self, kind: Kind, runtime: Runtime, env: Environment
    ) -> None:
        runtime.start([REDIS], env)
        kind.keep(env, "a value")
        assert kind.runtime().shut_down() is True
        assert runtime.state(REDIS) not in ALIVE
        assert runtime.conflicts([REDIS], env) == []
        assert kind.runtime().shut_down() is False
        assert list(runtime.stop([REDIS])) == []
        assert list(kind.runtime().start([REDIS], env)) == [REDIS]
        assert kind.kept(env) == "a value"

    def test_a_service_that_is_killed_comes_back(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        runtime.start([REDIS], env)
        kind.keep(env, "a value")
        assert eventually(runs(kind, REDIS))
        before = kind.process(REDIS)
        kind.kill(REDIS)
        assert eventually(lambda: kind.process(REDIS) not in (0, before))
        assert kind.kept(env) == "a value"
        assert list(kind.runtime().start([REDIS], env)) == []

    @pytest.mark.alone
    def test_everything_is_there_again_after_a_restart_of_what_runs_it(
        self, kind: Kind, runtime: Runtime, env: Environment, request: pytest.FixtureRequest
    ) -> None:
        if isinstance(kind, Compose):
            need(request.config, "engine")
        runtime.start(BOTH, env)
        kind.keep(env, "a value")
        kind.restart_engine()
        kind.runtime().start(BOTH, env)
        assert kind.kept(env) == "a value"
        assert all(eventually(runs(kind, service)) for service in BOTH)
        assert list(kind.runtime().start(BOTH, env)) == []

    def test_two_stacks_run_side_by_side_and_end_alone(self, make: Make) -> None:
        one, other = make(), make()
        env_of_one, env = environment(one), environment(other)
        one.runtime().start([REDIS], env_of_one)
        other.runtime().start([REDIS], env)
        one.keep(env_of_one, "of the one")
        other.keep(env, "of the other")
        assert (one.kept(env_of_one), other.kept(env)) == ("of the one", "of the other")
        process = other.process(REDIS)
        assert list(one.runtime().stop(BOTH)) == [REDIS]
        one.runtime().shut_down()
        assert other.runtime().state(REDIS) in ALIVE
        assert other.process(REDIS) == process
        assert other.kept(env) == "of the other"


@pytest.mark.needs("docker", "native")
@pytest.mark.parametrize("make", [Compose], indirect=True)
def test_the_native_runtime_leaves_the_containers_of_its_stack_alone(kind: Kind, env: Environment) -> None:
    """They carry its identity too, and on Linux are processes of this machine."""
    kind.runtime().start([REDIS], env)
    kind.keep(env, "it runs")
    before = kind.process(REDIS)
    assert NativeRuntime(kind.stack, kind.stack_id, kind.events.append).shut_down() is False
    assert kind.process(REDIS) == before


class TestPorts:
    def test_a_stranger_is_named(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        port = int(env["REDIS_PORT"])
        with kind.stranger(port) as owner:
            (conflict,) = runtime.conflicts(BOTH, env)
        assert (conflict.service, conflict.port, conflict.owner.pid) == ("redis", port, owner.pid)
        assert runtime.conflicts(BOTH, env) == []

    def test_the_services_own_ports_are_no_conflict(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        runtime.start([REDIS], env)
        kind.keep(env, "it listens")
        assert kind.runtime().conflicts(BOTH, env) == []
        kind.runtime().preflight(BOTH, env)

    def test_another_stacks_service_is_a_stranger(self, make: Make) -> None:
        one, other = make(), make()
        env = environment(other)
        other.runtime().start([REDIS], env)
        other.keep(env, "it listens")
        (conflict,) = one.runtime().conflicts([REDIS], env)
        assert conflict.owner.pid == other.process(REDIS)

    def test_preflight_tells_every_conflict_at_once(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        runtime.preflight(BOTH, env)
        ports = [int(env[name]) for name in ("POSTGRES_PORT", "REDIS_PORT")]
        with (
            kind.stranger(ports[0]),
            kind.stranger(ports[1]),
            pytest.raises(MmpError) as caught,
        ):
            runtime.preflight(BOTH, env)
        assert caught.value.code == "PORT_CONFLICT"
        assert all(str(port) in caught.value.message for port in ports)
        assert {"REDIS_PORT", "POSTGRES_PORT"} <= {r.command.split("=")[0] for r in caught.value.repairs}
        assert all(runtime.state(service) is State.ABSENT for service in BOTH)


class TestLogs:
    def test_a_service_is_heard_and_stays_readable(self, kind: Kind, runtime: Runtime, env: Environment) -> None:
        def said() -> str:
            return "\n".join(kind.runtime().logs(REDIS, tail=1000, follow=False)).lower()

        runtime.start([REDIS], env)
        assert eventually(lambda: "ready to accept connections" in said())
        runtime.stop([REDIS])
        assert "ready to accept connections" in said()

    def test_the_last_lines_come_in_their_order(self, kind: Kind, runtime: Runtime) -> None:
        kind.say(REDIS, b"one\ntwo\ncaf\xe9\n")
        assert list(runtime.logs(REDIS, tail=2, follow=False)) == ["two", "caf\ufffd"]
        assert list(runtime.logs(REDIS, tail=9, follow=False)) == ["one", "two", "caf\ufffd"]
        assert list(runtime.logs(REDIS, tail=0, follow=False)) == []
        assert list(runtime.logs(POSTGRESQL, tail=9, follow=False)) == []
        assert "redis" in runtime.log(REDIS)

    def test_following_gives_every_further_line_once(self, kind: Kind, runtime: Runtime) -> None:
        kind.say(REDIS, b"one\ntwo\n")
        follower = Follower(runtime.logs(REDIS, tail=1, follow=True))
        assert follower.next() == "two"
        follower.settle(lambda line: kind.say(REDIS, line))
        kind.say(REDIS, b"three\nfour\n")
        assert [follower.next(), follower.next()] == ["three", "four"]
        kind.rotate(REDIS)
        kind.say(REDIS, b"five\n")
        assert follower.next() == "five"

    def test_following_loses_no_line_at_its_beginning(self, kind: Kind, runtime: Runtime) -> None:
        kind.say(REDIS, b"one\n")
        lines = runtime.logs(REDIS, tail=1, follow=True)
        assert next(lines) == "one"
        kind.say(REDIS, b"two\n")
        follower = Follower(lines)
        assert follower.next(instead=lambda: kind.say(REDIS, b"three\n")) == "two"

    def test_following_goes_on_when_the_service_comes_back(
        self, kind: Kind, runtime: Runtime, env: Environment
    ) -> None:
        moved = env.with_values(REDIS_PORT=str(free_ports(1)[0]))
        follower = Follower(kind.runtime().logs(REDIS, tail=1, follow=True))
        for values in (env, env, moved):
            runtime.start([REDIS], values)
            while "ready to accept connections" not in follower.next().lower():
                pass
            runtime.stop([REDIS])

    @pytest.mark.parametrize("odd", [b"caf\xe9 \xff\xfe\n", b"line\r\n"], ids=["not UTF-8", "CRLF"])
    def test_following_survives_odd_bytes(self, odd: bytes, kind: Kind, runtime: Runtime) -> None:
        follower = Follower(runtime.logs(REDIS, tail=1, follow=True))
        follower.settle(lambda line: kind.say(REDIS, line))
        kind.say(REDIS, odd)
        assert follower.next() == odd.decode(errors="replace").strip()
        kind.say(REDIS, b"the next line\n")
        assert follower.next() == "the next line"


class Follower:
    """Reads an endless generator from aside, so that a test can end without it."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()

    def _read(self, lines: Iterator[str]) -> None:
        for line in lines:
            self._lines.put(line)

    def settle(self, write: Callable[[bytes], None]) -> None:
        """Let it get to the end of the log: it is there when it reads what is written now."""
        while self._get(lambda: write(b"settling\n")) != "settling":
            pass

    def next(self, instead: Callable[[], None] = lambda: None) -> str:
        """The next line; `instead` is called while none comes."""
        while (line := self._get(instead)) == "settling":
            pass
        return line

    def _get(self, instead: Callable[[], None]) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                return self._lines.get(timeout=0.3)
            except Empty:
                instead()
        raise AssertionError("no line came")


@pytest.fixture
def started(runtime: Runtime, env: Environment) -> Runtime:
    """With a Redis that runs: a container's programs are there as long as it is."""
    runtime.start([REDIS], env)
    return runtime


class TestRun:
    def test_the_tools_exit_code_comes_back(self, started: Runtime, env: Environment) -> None:
        assert [started.run(REDIS, ["sh", "-c", f"exit {code}"], env, {}) for code in (0, 7)] == [0, 7]

    def test_secrets_are_in_its_environment_and_streams_are_ours(
        self, started: Runtime, env: Environment, capfd: pytest.CaptureFixture[str]
    ) -> None:
        capfd.readouterr()
        assert started.run(REDIS, ["sh", "-c", 'echo "it is $HUSH"; echo no >&2'], env, {"HUSH": "secret"}) == 0
        assert capfd.readouterr() == ("it is secret\n", "no\n")

    def test_a_tool_that_is_not_there_is_named(self, started: Runtime, env: Environment) -> None:
        with pytest.raises(RuntimeUnavailable, match="no-such-tool"):
            started.run(REDIS, ["no-such-tool"], env, {})


class TestPipe:
    def test_bytes_go_through_as_they_are(self, started: Runtime, env: Environment, tmp_path: Path) -> None:
        content = bytes(range(256)) * 4096
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_bytes(content)
        with source.open("rb") as stdin, target.open("wb") as stdout:
            started.pipe("redis", ["sh", "-c", "cat"], env, {}, stdin=stdin, stdout=stdout)
        assert target.read_bytes() == content

    def test_without_files_there_is_nothing_to_read(self, started: Runtime, env: Environment) -> None:
        started.pipe("redis", ["sh", "-c", 'test -z "$(cat)"'], env, {})

    def test_secrets_are_in_its_environment(self, started: Runtime, env: Environment, tmp_path: Path) -> None:
        secret = 'two words, "quotes" and $HOME'
        with (tmp_path / "target").open("wb") as stdout:
            started.pipe("redis", ["sh", "-c", 'printf %s "$HUSH"'], env, {"HUSH": secret}, stdout=stdout)
        assert (tmp_path / "target").read_text() == secret

    def test_a_failure_says_what_the_program_said(self, started: Runtime, env: Environment) -> None:
        with pytest.raises(CommandFailed) as caught:
            started.pipe("redis", ["sh", "-c", "echo it is broken >&2; exit 3"], env, {})
        assert (caught.value.returncode, caught.value.detail) == (3, "it is broken")

    def test_a_program_that_is_not_there_is_named(self, started: Runtime, env: Environment) -> None:
        with pytest.raises(RuntimeUnavailable, match="no-such-program"):
            started.pipe("redis", ["no-such-program"], env, {})
