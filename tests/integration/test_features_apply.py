"""Definitions into the registry of a running stack: taken up, left alone, refused, allowed; and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from conftest import Dev
from mmp_local_dev.errors import NotReady
from mmp_local_dev.services import feast_registry
from mmp_local_dev.services.feast_keys import KeyForm
from mmp_local_dev.services.feast_online import field
from mmp_local_dev.services.feast_registry import Project
from mmp_local_dev.wait import wait_until

pytestmark = pytest.mark.needs("native")

USER = KeyForm({"user_id": "String"}, "mmp_local_dev").written(("somebody",))


@pytest.fixture
def definitions(running: Dev) -> Iterator[Path]:
    """The file with the definitions, which is as it was afterwards."""
    yield from as_it_was(running.root / "feast_repo" / "definitions.py")


@pytest.fixture
def tables(running: Dev) -> Iterator[Path]:
    """The file with the tables, which is as it was afterwards."""
    yield from as_it_was(running.root / "scripts" / "feature_tables.sql")


def as_it_was(file: Path) -> Iterator[Path]:
    before = file.read_text()
    yield file
    file.write_text(before)


def registry(dev: Dev) -> Path:
    return Path(dev.env()["FEAST_REGISTRY_PATH"])


def project(dev: Dev) -> Project:
    return feast_registry.read(registry(dev)).projects["mmp_local_dev"]


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)


def is_there(path: Path) -> None:
    if not path.exists():
        raise NotReady(f"there is no {path}")


def connected(dev: Dev) -> psycopg.Connection[tuple[object, ...]]:
    env = dev.env()
    return psycopg.connect(
        host="localhost",
        port=env["POSTGRES_PORT"],
        user=env["POSTGRES_USER"],
        password=env["POSTGRES_PASSWORD"],
        dbname=env["POSTGRES_DB"],
        autocommit=True,
    )


def test_up_has_made_the_tables_and_applied_the_definitions(running: Dev) -> None:
    kinds = ("feast.", "feature.", "table.")
    assert {v for k, v in running.outcomes().items() if k.startswith(kinds)} == {"passed"}
    assert stat.S_IMODE(registry(running).stat().st_mode) == 0o644
    assert sorted(path.name for path in registry(running).parent.iterdir()) == [
        "registry.db",
        "registry.db.applied.json",
    ]


def test_what_has_not_changed_is_left_alone(running: Dev) -> None:
    before = registry(running).stat()
    data = running.json("features", "apply")["data"]
    assert (data["skipped"], data["tables_made"], data["changes"], data["refused"]) == (True, False, [], [])
    assert "unchanged" in running("features", "apply").stdout
    assert running.json("up")["data"]["started"] == []
    now = registry(running).stat()
    assert (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_table_that_is_gone_is_made_again(running: Dev) -> None:
    with connected(running) as connection:
        connection.execute("DROP TABLE features.category_stats")
    assert "scripts/feature_tables.sql was run" in running("features", "apply").stdout
    assert running.outcomes()["table.present[features.category_stats]"] == "passed"


def test_what_is_added_to_the_file_of_tables_reaches_those_that_are_there(running: Dev, tables: Path) -> None:
    before = tables.read_text()
    tables.write_text(before + "ALTER TABLE category_stats ADD COLUMN IF NOT EXISTS more integer;\n")
    assert running.json("features", "apply")["data"]["tables_made"] is True
    with connected(running) as connection:
        assert connection.execute("SELECT more FROM features.category_stats").fetchall() == []
        connection.execute("ALTER TABLE features.category_stats DROP COLUMN more")
    assert running.json("features", "apply")["data"]["tables_made"] is False


def test_sql_that_cannot_be_run_is_told_with_its_line_and_changes_nothing(running: Dev, tables: Path) -> None:
    before = tables.read_text()
    with connected(running) as connection:
        connection.execute("DROP TABLE features.category_stats, features.merchant_stats")
    text = before[::-1].replace("noisicerp elbuod d03_etar_duarf", "esnesnon d03_etar_duarf", 1)[::-1]  # the last one
    tables.write_text(text)
    error = running.json("features", "apply", code=2)["error"]
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "nonsense" in each)
    where = f"scripts/feature_tables.sql:{line}"
    assert (error["code"], error["message"]) == ("SQL_INVALID", f'{where}: type "nonsense" does not exist.')
    up = running.json("up", code=1)
    assert any(error["message"] in warning for warning in up["warnings"])
    assert running.outcomes()["table.present[features.merchant_stats]"] == "failed"
    tables.write_text(before)
    running("up")


class TestBreaking:
    """`age` of another type, `job` gone."""

    @pytest.fixture
    def changed(self, definitions: Path) -> Path:
        edit(
            definitions,
            ('Field(name="age", dtype=Int64)', 'Field(name="age", dtype=String)'),
            ('        Field(name="job", dtype=String),\n', ""),
        )
        return definitions

    @pytest.fixture
    def online(self, running: Dev) -> Iterator[Any]:
        """Redis, with a row of two views."""
        names = ("user_demographics:age", "user_demographics:job", "user_transaction_stats:last_amount")
        client: Any = redis.Redis(port=int(running.env()["REDIS_PORT"]))
        with client:
            values = {field(name): b"x" for name in names}
            client.hset(USER, mapping={**values, b"_ts:user_demographics": b"t", b"_ts:user_transaction_stats": b"t"})
            client.hset(USER + b"_too", mapping=values)  # of another project
            yield client
            client.delete(USER, USER + b"_too")

    def test_it_is_refused_until_it_is_allowed_and_then_old_values_go(
        self, running: Dev, changed: Path, online: Any
    ) -> None:
        before = registry(running).read_bytes()
        refused = running.json("features", "apply", code=1)
        assert (refused["status"], refused["data"]["skipped"]) == ("error", False)
        assert {change["id"] for change in refused["data"]["refused"]} == {
            "feature-dtype-changed[user_demographics:age]",
            "feature-removed[user_demographics:job]",
            "feature-service-feature-removed[fraud_detection]",
        }
        (warning,) = running.json("up", code=None)["warnings"]  # 1: what was planted online has no row offline
        assert "3 of their changes" in warning
        assert registry(running).read_bytes() == before
        assert online.hlen(USER) == 5

        allowed = running("features", "apply", "--allow-breaking").stdout
        assert "user_demographics:age: dtype is String, was Int64" in allowed
        assert "Old values were removed from 1 row in Redis." in allowed
        assert project(running).views["user_demographics"].features["age"] == "String"
        assert set(online.hkeys(USER)) == {
            *(b"_ts:user_demographics", b"_ts:user_transaction_stats", field("user_transaction_stats:last_amount"))
        }
        assert online.hlen(USER + b"_too") == 3
        assert running.outcomes()["feature.dtype[user_demographics:age]"] == "failed"


def test_back_to_what_the_contract_promises(running: Dev, definitions: Path) -> None:
    """An mmp-dev that is killed on the way leaves what was there."""
    text, marker = definitions.read_text(), running.root / "marker"
    before = registry(running).read_bytes()
    definitions.write_text(f"{text}\nimport pathlib, time\npathlib.Path({str(marker)!r}).touch()\ntime.sleep(2)\n")
    killed = running.begin("features", "apply", "--allow-breaking")
    wait_until(lambda: is_there(marker), timeout=60)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert registry(running).read_bytes() == before
    definitions.write_text(text)
    assert "is applied" in running("features", "apply", "--allow-breaking").stdout
    assert sorted(path.name for path in registry(running).parent.iterdir()) == [
        "registry.db",
        "registry.db.applied.json",
    ]
    assert json.loads((registry(running).parent / "registry.db.applied.json").read_text())["leftovers"] == {}
    assert set(running.outcomes().values()) <= {"passed", "skipped"}
