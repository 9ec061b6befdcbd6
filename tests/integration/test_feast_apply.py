"""What the process that runs users' definitions makes of them, with real Feast; no server is asked."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY
from mmp_local_dev.services import feast, feast_apply, feast_registry

pytestmark = pytest.mark.needs("native")

Outcome = dict[str, Any]
Apply = Callable[..., Outcome]

VALUES = {
    **{"POSTGRES_HOST": "localhost", "POSTGRES_PORT": "1", "POSTGRES_DB": "d", "POSTGRES_USER": "u"},
    **{"POSTGRES_PASSWORD": "12345", "FEAST_DB_SCHEMA": "features", "FEAST_PROJECT": "shop"},
    **{"REDIS_HOST": "localhost", "REDIS_PORT": "1", "REDIS_PASSWORD": ""},
}
HEAD = "from feast import Entity, FeatureView, Field\nfrom feast.types import Int64\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The Feast repository of a new workspace."""
    return Path(shutil.copytree(REPOSITORY / "feast_repo", tmp_path / "feast_repo"))


@pytest.fixture(scope="module")
def loaded() -> None:
    """Feast, once for all: each call below is a fork of this process."""
    import feast.repo_operations  # noqa: F401


@pytest.fixture
def apply(loaded: None, repository: Path) -> Apply:
    """Run the program on the repository: what it says."""

    def run(registry: str = "registry.db", **values: str) -> Outcome:
        answer = repository.parent / "answer"
        path = str(repository.parent / registry)
        given = {**VALUES, "FEAST_REGISTRY_PATH": path, **values}
        process = get_context("fork").Process(target=_in_a_fork, args=(repository, path, given, answer))
        process.start()
        process.join(60)
        assert process.exitcode == 0
        told: Outcome = json.loads(answer.read_bytes())
        return told

    return run


def _in_a_fork(repository: Path, registry: str, values: Mapping[str, str], answer: Path) -> None:
    os.environ.update(values)
    if "MOST_BYTES" in values:  # that a file may have
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(values["MOST_BYTES"]),) * 2)
    start, go_on = os.pipe()
    os.write(go_on, b"\n")
    os.dup2(start, 0)
    os.dup2(os.open(answer, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    feast_apply.main([str(repository), registry])


def test_it_registers_what_is_defined_and_nothing_is_asked_of_a_server(apply: Apply, repository: Path) -> None:
    assert apply() == {"project": "shop", "key_version": 3}
    project = feast_registry.read(repository.parent / "registry.db").projects["shop"]
    assert set(project.services) == {"fraud_detection"}
    assert project.views["merchant_stats"].table == "merchant_stats"


def test_what_is_gone_leaves_and_other_projects_stay(apply: Apply, repository: Path) -> None:
    apply()
    apply(FEAST_PROJECT="other")
    (repository / "definitions.py").write_text(HEAD + 'only = Entity(name="only", join_keys=["id"])\n')
    assert apply() == {"project": "shop", "key_version": 3}
    projects = feast_registry.read(repository.parent / "registry.db").projects
    assert (set(projects["shop"].entities), projects["shop"].views) == ({"only"}, {})
    assert len(projects["other"].views) == 4


def test_a_registry_on_a_path_that_means_something_to_yaml(apply: Apply) -> None:
    assert apply("it's: a #registry.db") == {"project": "shop", "key_version": 3}


@pytest.mark.parametrize(
    ("text", "kind", "line", "why"),
    [
        ("x = (", "definitions", 1, "SyntaxError: '(' was never closed"),
        ("\nimport nothing_there\n", "definitions", 2, "ModuleNotFoundError: No module named 'nothing_there'"),
        ("print('noise')\nraise SystemExit(7)\n", "definitions", 2, "it ends the program with sys.exit(7)"),
        (HEAD + "x = Entity(name=1)\n", "definitions", 3, "Error"),
        ("x = 1\n", "definitions", 0, "no file defines anything"),
        (
            "from feast import Project\na, b = Project(name='a'), Project(name='b')\n",
            "definitions",
            0,
            "several projects",
        ),
        ("from feast import Project\na = Project(name='a')\n", "definitions", 0, "the project a is defined"),
        (
            HEAD
            + "from feast import FileSource\n\n\nx = FeatureView(name='x', source=FileSource(path='/tmp/x.parquet'))\n",
            "objects",
            6,
            "x has a FileSource; the offline store reads nothing but a PostgreSQLSource",
        ),
        (
            HEAD + "a, b = Entity(name='x', join_keys=['i']), Entity(name='X', join_keys=['j'])\n"
            "from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource\n"
            "s = PostgreSQLSource(name='s', table='t', timestamp_field='at')\n"
            "v, w = (FeatureView(name='v', source=s, schema=[Field(name=n, dtype=Int64)]) for n in 'ab')\n",
            "objects",
            0,
            "v",
        ),
    ],
    ids=["syntax", "import", "exit", "argument", "nothing", "projects", "another project", "source", "twice"],
)
def test_a_mistake_is_told_with_its_place(
    apply: Apply, repository: Path, text: str, kind: str, line: int, why: str
) -> None:
    (repository / "definitions.py").write_text(text)
    told = apply()
    assert (told["kind"], told["line"]) == (kind, line)
    assert why in told["why"]
    assert told["file"] == ("definitions.py" if line else "")


def test_a_file_that_python_would_pass_over_is_named(apply: Apply, repository: Path) -> None:
    (repository / "json.py").write_text("x = 1\n")
    told = apply()
    assert (told["kind"], told["file"]) == ("definitions", "json.py")
    assert "another module is called json" in told["why"]


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("provider: local", "provider: [", 6, "it is no YAML: found character"),
        ("type: redis", "type: redis\n  nonsense: s3cret", 0, "nonsense"),
        ("  ${FEAST_REGISTRY_PATH}", "  /elsewhere/registry.db", 0, "the registry is /elsewhere/registry.db"),
        ("${FEAST_PROJECT}", "lab", 0, "the project is lab"),
        ("type: postgres", "type: nonsense", 0, "nonsense"),
    ],
    ids=["no YAML", "unknown key", "another registry", "another project", "another store"],
)
def test_a_wrong_configuration_is_told_without_values(
    apply: Apply, repository: Path, old: str, new: str, line: int, why: str
) -> None:
    file = repository / "feature_store.yaml"
    file.write_text(file.read_text().replace(old, new))
    told = apply()
    assert told["kind"] == "configuration"
    assert why in told["why"]
    assert "s3cret" not in str(told)
    assert told["line"] == line


def test_a_disk_that_has_no_room_is_no_mistake_of_the_definitions(apply: Apply) -> None:
    told = apply(MOST_BYTES="1000")
    assert (told["kind"], told["file"], told["line"]) == ("machine", "", 0)
    assert "File too large" in told["why"]


@pytest.mark.parametrize(
    "password",
    [
        *("", "plain~1", "a:b", "a=b", 'a"b', "it's", "a b", "12345", "1.5", "{x}", "#x", "a: b #c", "%24", "${HOME}"),
        *("a,b", '"x"', "true", "null", "1e5", "[1]", "NaN", "Infinity", "1.50", "12,34", "{}"),
    ],
)
def test_which_passwords_of_redis_stand_in_feasts_configuration(
    loaded: None, repository: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    from feast.infra.online_stores.redis import RedisOnlineStore
    from feast.repo_config import load_repo_config

    for name, value in {**VALUES, "FEAST_REGISTRY_PATH": "/registry.db", "REDIS_PASSWORD": password}.items():
        monkeypatch.setenv(name, value)
    configuration = load_repo_config(repository, repository / "feature_store.yaml")
    given = RedisOnlineStore._parse_connection_string(configuration.online_store.connection_string)[1].get("password")
    is_told_as_it_is = not isinstance(given, bool) and isinstance(given, str | int | float) and str(given) == password
    assert feast.misreads(password) is not is_told_as_it_is
