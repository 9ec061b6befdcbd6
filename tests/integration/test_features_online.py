"""From an empty stack to features that plain Feast reads, with nothing but `.env`, on every runtime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ON_EVERY_RUNTIME, Dev

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]

VIEWS = {"user_demographics": "user_id", "user_transaction_stats": "user_id", "merchant_stats": "merchant_id"}

# A consumer's program: the feature repository, and variables.
CONSUMER = """
import json, sys
from feast import FeatureStore
store, asked = FeatureStore("."), json.load(sys.stdin)
views = {name: [feature.name for feature in store.get_feature_view(name).features] for name in asked}
answers = {
    name: store.get_online_features([f"{name}:{feature}" for feature in views[name]], keys).to_dict()
    for name, keys in asked.items()
}
print("\\n" + json.dumps(answers, default=str))
"""


def test_what_was_seeded_is_read_by_plain_feast(running: Dev) -> None:
    running("features", "seed", "--rows", "2000")
    told = running.json("features", "materialize")["data"]
    rows = {view["view"]: view["rows"] for view in told["views"]}
    newest = {view: newest_rows(running, view, key) for view, key in VIEWS.items()}
    assert {view: rows[view] for view in VIEWS} == {view: len(found) for view, found in newest.items()}
    for view, answer in read(running, {view: [*found] for view, found in newest.items()}).items():
        expected = list(newest[view].values())
        for name in expected[0]:
            if name in answer:
                assert plain(answer[name]) == plain([row[name] for row in expected]), (view, name)
    assert {view["rows"] for view in running.json("features", "materialize")["data"]["views"]} == {0}


def test_what_differs_is_proved_and_mended(running: Dev) -> None:
    """As the user meets it: the proof, planted rows, the proof that tells them, the repair that it names."""
    clause = "online.consistent[user_demographics]"
    assert proof(running, "--all")[clause]["actual"].endswith(" rows")
    gone, changed = sorted(newest_rows(running, "user_demographics", "user_id"))[:2]
    running("psql", "-c", f"DELETE FROM features.user_demographics WHERE user_id = '{gone}'")
    running("psql", "-c", f"UPDATE features.user_demographics SET age = -1 WHERE user_id = '{changed}'")
    found = proof(running, "user_demographics", code=1)
    assert {each["clause"] for each in found.values() if each["outcome"] == "failed"} == {clause}
    first, *lines = sorted(found[clause]["message"].splitlines()[1:])
    assert first.startswith(f"user_id={gone}: not offline; offline no row, online 2025-")
    assert [line.startswith(f"user_id={changed}: wrong; age is -1 offline (2025-") for line in lines] == [True]
    (repair,) = found[clause]["repairs"]
    assert repair["command"] == "mmp-dev features materialize --full"
    running(*repair["command"].split()[1:])
    views = ["--view", "host"], ["--view", "network"] if running.runtime == "compose" else []
    for view in filter(None, views):
        told = running.json("check", "--only", "online.consistent", *view)["data"]["findings"]
        assert {each["outcome"] for each in told} <= {"passed", "skipped"}


def proof(dev: Dev, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """What `features verify` finds, by clause."""
    findings = dev.json("features", "verify", *arguments, code=code)["data"]["findings"]
    return {each["clause"]: each for each in findings}


def newest_rows(dev: Dev, view: str, key: str) -> dict[str, dict[str, Any]]:
    """The newest row of each entity, by SQL."""
    sql = f"SELECT DISTINCT ON ({key}) * FROM features.{view} ORDER BY {key}, event_timestamp DESC"
    said = dev("psql", "-At", "-c", f"SELECT row_to_json(newest) FROM ({sql}) AS newest").stdout
    return {row[key]: row for row in map(json.loads, said.splitlines())}


def read(dev: Dev, keys: dict[str, list[str]]) -> dict[str, dict[str, list[Any]]]:
    """What plain Feast answers to a program that has the variables of `.env` and no others."""
    asked = {view: [{VIEWS[view]: each} for each in found] for view, found in keys.items()}
    environment = {"PATH": os.environ["PATH"], "HOME": str(dev.root), **dev.env()}
    done = subprocess.run(
        [sys.executable, "-c", CONSUMER],
        cwd=dev.root / "feast_repo",
        env=environment,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, dict[str, list[Any]]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def plain(values: list[Any]) -> list[Any]:
    """Moments in one form, and without the parts of a second that Feast does not keep."""
    return [str(each).replace("T", " ").split("+")[0].split(".")[0] if _moment(each) else each for each in values]


def _moment(value: Any) -> bool:
    return isinstance(value, str) and value[4:5] == "-" and value[10:11] in ("T", " ")


def test_the_same_file_serves_this_machine_and_containers(running: Dev) -> None:
    env = running.env()
    hosts = {"host": ("localhost", int(env["POSTGRES_PORT"]), f"localhost:{env['REDIS_PORT']}")}
    if running.runtime == "compose":  # natively there is no network of containers
        hosts["network"] = ("postgresql", 5432, "redis:6379")
    text = (running.root / "feast_repo" / "feature_store.yaml").read_text()
    for view, (host, port, redis) in hosts.items():
        values = json.loads(running("env", "--view", view, "--show-secrets", "--format", "json").stdout)
        found = yaml.safe_load(expanded(text, values))
        assert (found["offline_store"]["host"], found["offline_store"]["port"]) == (host, port)
        assert found["online_store"]["connection_string"] == f"{redis},password="
        assert Path(found["registry"]).is_absolute()


def expanded(text: str, values: dict[str, str]) -> str:
    """As Feast does it, with another environment."""
    code = "import os, sys; sys.stdout.write(os.path.expandvars(sys.stdin.read()))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=values, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout
