"""Sandboxes: a test has a database, keys and an experiment for itself, and nothing of them is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, LiteralString

import mlflow
import psycopg
import pytest
import redis

from conftest import ON_EVERY_RUNTIME, Dev
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady
from mmp_local_dev.operations.sandbox import Sandbox, Sandboxes, open_sandbox
from mmp_local_dev.services import postgresql, postgresql_template
from mmp_local_dev.services.base import Home
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]

OWN = (
    *("POSTGRES_DB", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MMP_REDIS_PREFIX"),
    *("FEAST_PROJECT", "FEAST_REGISTRY_PATH"),
)


@dataclass(frozen=True)
class Servers:
    """What a consumer of the running stack sees, and what its superuser does."""

    env: Environment
    home: Home

    def admin(self, statement: LiteralString) -> None:
        with postgresql.connect_as_admin(self.env, self.home, timeout=10) as admin:
            admin.execute(statement)

    def databases(self) -> set[str]:
        with postgresql.connect(self.env, timeout=10) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'mmp_sandbox_%'")
            return {name for (name,) in rows}

    def redis(self) -> redis.Redis:
        return redis.Redis(port=int(self.env["REDIS_PORT"]))

    def experiments(self) -> set[str]:
        found = mlflow.MlflowClient(self.env["MLFLOW_TRACKING_URI"]).search_experiments()
        return {each.name for each in found} - {"Default"}


@pytest.fixture(scope="module")
def servers(running: Dev) -> Servers:
    home = Home(Workspace(running.root).stack(DEFAULT_STACK))
    return Servers(Environment(running.env(), {"POSTGRES_PASSWORD"}), home)


@pytest.fixture
def sandbox(servers: Servers) -> Iterator[Sandbox]:
    with open_sandbox(servers.env) as made:
        yield made


def scalar(sandbox: Sandbox, query: LiteralString) -> Any:
    with sandbox.connect() as connection:
        return postgresql.scalar(connection, query)


def test_the_database_is_like_the_published_one(servers: Servers, sandbox: Sandbox) -> None:
    with psycopg.connect(sandbox.postgresql_dsn) as connection:
        connection.execute("CREATE TABLE features.made (id integer)")
        connection.execute("CREATE TABLE made (id integer)")
    facts: LiteralString = """
        SELECT concat_ws(' ', pg_get_userbyid(datdba), encoding, datcollate, datctype, datlocale, datistemplate)
        FROM pg_database WHERE datname = current_database()
    """
    with postgresql.connect(servers.env, timeout=10) as connection:
        assert postgresql.scalar(connection, "SELECT to_regclass('features.made')") is None
        assert scalar(sandbox, facts) == postgresql.scalar(connection, facts)
    assert scalar(sandbox, "SELECT current_database()") == sandbox.name == sandbox.env["POSTGRES_DB"]


def test_settings_of_the_published_database_are_the_sandboxs_too(servers: Servers) -> None:
    name = servers.env["POSTGRES_DB"]
    assert name == "mlpipeline_db"
    servers.admin("ALTER DATABASE mlpipeline_db SET search_path TO features, public")
    servers.admin("ALTER DATABASE mlpipeline_db SET log_min_messages TO error")  # not for users to set
    try:
        with open_sandbox(servers.env) as sandbox:
            assert scalar(sandbox, "SHOW search_path") == "features, public"
    finally:
        servers.admin("ALTER DATABASE mlpipeline_db RESET ALL")


def test_two_have_nothing_in_common(servers: Servers) -> None:
    with Sandboxes(servers.env) as sandboxes, sandboxes.open() as one, sandboxes.open() as other:
        for name in OWN:
            assert len({one.env[name], other.env[name], servers.env.get(name)}) == 3, name
        assert {name for name in servers.env if one.env[name] != servers.env[name]} <= set(OWN)


def test_nothing_is_left(servers: Servers) -> None:
    with servers.redis() as client:
        client.set("mine", "stays")
        with open_sandbox(servers.env) as sandbox:
            client.set(f"{sandbox.redis_prefix}a", 1)
            client.hset(b"\x02\x00entity\xff" + sandbox.env["FEAST_PROJECT"].encode(), "age", 1)
            assert sandbox.name in servers.databases()
            assert servers.experiments() == {sandbox.experiment_name}
        assert client.keys() == [b"mine"]
        client.delete("mine")
    assert servers.databases() == set()
    assert servers.experiments() == set()


def test_nothing_is_left_of_many_nor_of_the_one_that_was_made_for_a_next_test(servers: Servers) -> None:
    with Sandboxes(servers.env) as sandboxes:
        names = []
        for _ in range(3):
            with sandboxes.open() as sandbox:
                names.append(sandbox.name)
                assert scalar(sandbox, "SELECT current_database()") == sandbox.name
    assert len(set(names)) == 3
    assert servers.databases() == servers.experiments() == set()


def test_connections_that_a_test_left_open_are_cut_off(servers: Servers) -> None:
    with ExitStack() as leaked:
        with Sandboxes(servers.env) as sandboxes:
            with sandboxes.open() as sandbox:
                connection = leaked.enter_context(psycopg.connect(sandbox.postgresql_dsn))
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert servers.databases() == set()


def test_what_killed_sessions_left_is_removed_after_an_hour(servers: Servers) -> None:
    def in_two_hours() -> float:
        return time.time() + 7200

    with ExitStack() as killed, Sandboxes(servers.env) as sandboxes, servers.redis() as client:
        left, used = (killed.enter_context(Sandboxes(servers.env).open()) for _ in range(2))
        for sandbox in (left, used):
            client.set(f"{sandbox.redis_prefix}a", 1)
        assert sandboxes.remove_left_overs() == []
        with used.connect():
            assert sandboxes.remove_left_overs(now=in_two_hours) == [left.name]
            assert servers.databases() == servers.experiments() == {used.name}
            assert client.keys() == [f"{used.redis_prefix}a".encode()]
        assert sandboxes.remove_left_overs(now=in_two_hours) == [used.name]
    assert servers.databases() == servers.experiments() == set()


def test_without_what_up_provides_it_says_so_and_up_provides_it(running: Dev, servers: Servers) -> None:
    name: LiteralString = postgresql_template.NAME
    servers.admin("ALTER DATABASE mmp_dev_template IS_TEMPLATE false")
    servers.admin("DROP DATABASE mmp_dev_template")
    with pytest.raises(MmpError, match=name) as refused, open_sandbox(servers.env):
        pytest.fail("there was nothing to clone")
    assert refused.value.repairs[0].command == "mmp-dev up"
    assert servers.experiments() == set()
    running("up")
    with open_sandbox(servers.env) as sandbox:
        assert scalar(sandbox, "SELECT to_regnamespace('features') IS NOT NULL")
        assert scalar(sandbox, "SELECT count(*) FROM features.transactions") == 0
        assert scalar(sandbox, "SELECT count(*) FROM pg_tables WHERE schemaname = 'features'") == 5
        assert scalar(
            sandbox, "SELECT bool_and(tableowner = current_user) FROM pg_tables WHERE schemaname = 'features'"
        )


def test_another_schema_for_features_is_in_the_template_too(running: Dev, servers: Servers) -> None:
    env_file = running.root / ".env"
    before = env_file.read_text()
    env_file.write_text(before.replace("FEAST_DB_SCHEMA=features", "FEAST_DB_SCHEMA=elsewhere"))
    running("up")
    with open_sandbox(servers.env) as sandbox:
        assert scalar(sandbox, "SELECT to_regclass('elsewhere.transactions') IS NOT NULL")
    env_file.write_text(before)
    running("up")


def test_a_service_that_is_down_is_named_and_nothing_is_left(servers: Servers) -> None:
    nowhere = servers.env.with_values(MLFLOW_TRACKING_URI="http://localhost:1")
    with pytest.raises(NotReady, match="MLflow at http://localhost:1"), open_sandbox(nowhere):
        pytest.fail("there was no MLflow")
    assert servers.databases() == set()


def test_it_shows_no_password(servers: Servers, sandbox: Sandbox) -> None:
    assert servers.env["POSTGRES_PASSWORD"] in sandbox.postgresql_dsn
    assert servers.env["POSTGRES_PASSWORD"] not in repr(sandbox)
