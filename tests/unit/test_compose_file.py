"""What is said twice, because containers cannot read it here: the compose file and `mlflow/` against this program."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY
from mmp_local_dev import runtimes, services, workspace_files
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.resolve import resolve
from mmp_local_dev.environment import Environment
from mmp_local_dev.runtimes.compose import NETWORK, ComposeRuntime
from mmp_local_dev.services import SERVICES, mlflow_database, postgresql_server
from mmp_local_dev.services.base import STACK_ID, Home, ProcessSpec
from mmp_local_dev.workspace import Workspace

TEXT = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
HEAD, _, BODY = TEXT.partition("\nname:")
USED = set(re.findall(r"(?<!\$)\$\{(\w+)", BODY))
DOCUMENTED = set(re.findall(r"\bMMP_\w+", HEAD))
DEFINED: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
CONTRACT = load(REPOSITORY / "dev-contract.yml")
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = re.findall(r"^mlflow==(\S+)", (REPOSITORY / "mlflow/requirements.txt").read_text(), re.MULTILINE)
SCHEMA = (REPOSITORY / "mlflow/schema.sql").read_text(encoding="utf-8")

# Of MLflow's variables: those that serve.sh makes others from, and those that are about a place.
FOR_SERVE_SH = {"MLFLOW_TRACKING_URI", "MLFLOW_DATABASE_PASSWORD"}
OF_A_PLACE = {
    "MLFLOW_BACKEND_STORE_URI",
    "MLFLOW_ARTIFACTS_DESTINATION",
    "MLFLOW_SERVER_ALLOWED_HOSTS",
    "_MLFLOW_SERVER_FILE_STORE",
    "_MLFLOW_SERVER_ARTIFACT_DESTINATION",
}

every_service = pytest.mark.parametrize("name", list(DEFINED))


def seconds(duration: str) -> float:
    """Of the forms that the file has: `200ms`, `10s`, `1m`."""
    units = {"ms": 0.001, "s": 1, "m": 60}
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", duration, re.ASCII).groups()  # type: ignore[union-attr]
    return int(number) * units[unit]


class TestVariables:
    def test_each_is_written_to_env_or_documented_at_the_top(self) -> None:
        assert not USED - CONTRACT.variables.keys() - set(ComposeRuntime.variables) - DOCUMENTED

    def test_each_that_is_documented_means_something(self) -> None:
        assert not DOCUMENTED - USED

    def test_each_is_in_braces(self) -> None:
        assert re.findall(r"(?<!\$)\$\w+", BODY) == []


class TestServices:
    def test_they_are_those_of_the_program(self) -> None:
        assert list(DEFINED) == list(SERVICES)
        for name, service in SERVICES.items():
            assert tuple(DEFINED[name].get("depends_on", ())) == service.needs

    @every_service
    def test_each_is_published_on_loopback_alone(self, name: str) -> None:
        (published,) = DEFINED[name]["ports"]
        assert re.fullmatch(r"127\.0\.0\.1:\$\{\w+\}:\d+", published)
        assert "network_mode" not in DEFINED[name]

    @every_service
    def test_each_listens_where_the_contract_and_the_runtime_say(self, name: str) -> None:
        promised = (CONTRACT.services[name].endpoints or {})["network"]
        assert promised == f"{name}:{DEFINED[name]['ports'][0].rpartition(':')[2]}"
        host, port = SERVICES[name].address(NETWORK)
        assert promised == f"{host}:{port}"

    @every_service
    def test_each_is_looked_at_often_while_it_starts_and_seldom_afterwards(self, name: str) -> None:
        health = DEFINED[name]["healthcheck"]
        assert health["test"]
        assert seconds(health["start_interval"]) <= 0.25
        assert seconds(health["start_period"]) >= 60
        assert seconds(health["interval"]) >= 30

    @every_service
    def test_each_comes_back_and_is_kept_within_bounds(self, name: str) -> None:
        defined = DEFINED[name]
        assert defined["restart"] == "unless-stopped"
        assert defined["deploy"]["resources"]["limits"]["memory"]
        assert set(defined["logging"]["options"]) == {"max-size", "max-file"}
        assert "no-new-privileges:true" in defined["security_opt"]

    @every_service
    def test_none_has_a_name_that_a_second_stack_could_not_have(self, name: str) -> None:
        assert "container_name" not in DEFINED[name]

    @every_service
    def test_none_is_privileged(self, name: str) -> None:
        assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & DEFINED[name].keys()

    def test_postgresql_is_of_the_programs_major(self) -> None:
        assert DEFINED["postgresql"]["image"].endswith(f"postgres:{postgresql_server.MAJOR}}}")


@pytest.mark.needs("native")
class TestMLflowServer:
    """`mlflow/serve.sh`, run with programs that only tell how they were called, against the native process."""

    @pytest.fixture(params=["false", "true"], ids=["without jobs", "with jobs"])
    def env(self, request: pytest.FixtureRequest) -> Environment:
        settings = {**services.settings(), **runtimes.settings()}
        resolved = resolve(CONTRACT, [], settings=settings)
        return resolved.with_values(**{STACK_ID: "an-id", "MMP_MLFLOW_WORKERS": "2", "MMP_MLFLOW_JOBS": request.param})

    @pytest.fixture
    def native(self, env: Environment, tmp_path: Path) -> ProcessSpec:
        return SERVICES["mlflow"].process(env, Home(Workspace(tmp_path).stack("default")))

    def in_container(self, env: Environment, folder: Path) -> tuple[list[str], dict[str, str]]:
        """The command line, and the variables that are MLflow's or PostgreSQL's."""
        told = folder / "told"
        for program in ("python", "mlflow"):
            stub = folder / program
            stub.write_text(f'#!/bin/sh\nprintf "%s\\0" {program} "$@" >{told}.argv\nenv -0 >{told}.env\n')
            stub.chmod(0o755)
        given = {n: env[n] if "${" in v else v for n, v in DEFINED["mlflow"]["environment"].items()}
        given |= {"MLFLOW_DATABASE_PASSWORD": "a secret", "PATH": f"{folder}:{os.defpath}"}
        subprocess.run(["sh", REPOSITORY / "mlflow/serve.sh"], env=given, check=True, timeout=30)
        argv, variables = (Path(f"{told}.{what}").read_text().rstrip("\0").split("\0") for what in ("argv", "env"))
        pairs = (line.partition("=")[::2] for line in variables)
        return argv, {name: value for name, value in pairs if re.match("_?MLFLOW_|PG", name)}

    def test_it_is_called_as_natively(self, env: Environment, native: ProcessSpec, tmp_path: Path) -> None:
        argv, _ = self.in_container(env, tmp_path)
        words = argv[2:] if argv[1] == "-m" else argv
        words[words.index("--host") + 1] = "127.0.0.1"  # inside it is every address
        assert words == list(native.argv[2:])

    def test_its_variables_are_those_of_the_native_one(
        self, env: Environment, native: ProcessSpec, tmp_path: Path
    ) -> None:
        expected = dict(native.environment)
        _, variables = self.in_container(env, tmp_path)
        assert variables.pop("PGPASSWORD") == "a secret"  # which natively is in a file
        del expected["PGPASSFILE"]
        if env["MMP_MLFLOW_JOBS"] == "true":  # `mlflow server` sets these itself
            expected = {name: value for name, value in expected.items() if not name.startswith("_")}
        assert variables.keys() - FOR_SERVE_SH == expected.keys()
        assert {name for name in expected if variables[name] != expected[name]} <= OF_A_PLACE

    def test_it_knows_the_same_hosts(self, env: Environment, native: ProcessSpec, tmp_path: Path) -> None:
        """At the default port, which is the same inside and outside."""
        _, variables = self.in_container(env, tmp_path)
        name = "MLFLOW_SERVER_ALLOWED_HOSTS"
        assert set(variables[name].split(",")) == set(native.environment[name].split(","))


class TestMLflowVersion:
    def test_the_image_is_tagged_with_what_it_is_made_from(self) -> None:
        tag = runpy.run_path(str(REPOSITORY / "scripts/mlflow_image_tag.py"))["tag"]()
        assert f"mmp-local-dev-mlflow:{tag}}}" in DEFINED["mlflow"]["image"], "run: python scripts/mlflow_image_tag.py"

    @pytest.mark.parametrize("extra", ["native", "server"])
    def test_it_is_the_one_of_the_package(self, extra: str) -> None:
        required = PYPROJECT["project"]["optional-dependencies"][extra]
        assert [f"mlflow=={version}" for version in PINNED] == [r for r in required if r.startswith("mlflow")]

    def test_the_schema_is_made_with_it(self) -> None:
        assert [mlflow_database.said_in(SCHEMA, "mlflow")] == PINNED

    def test_the_schema_has_the_revision_that_its_head_names(self) -> None:
        written = re.findall(r"INSERT INTO public\.alembic_version VALUES \('(\w+)'\);", SCHEMA)
        assert [mlflow_database.said_in(SCHEMA, "revision")] == written


def test_feast_is_the_same_with_and_without_native_servers() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    assert set(extras["features"]) <= set(extras["native"])


def test_the_package_carries_the_files_of_a_workspace() -> None:
    included = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {name: f"mmp_local_dev/template/{name}" for name in included}
    paths = [REPOSITORY / name for name in included]
    files = [file for path in paths for file in (path.iterdir() if path.is_dir() else [path])]
    assert sorted(file.relative_to(REPOSITORY).as_posix() for file in files) == sorted(
        name for name in workspace_files.FILES if name != workspace_files.SCHEMA
    )
