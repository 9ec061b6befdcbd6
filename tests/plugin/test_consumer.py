"""A consumer in another repository, who has installed the built wheel and pytest and nothing else, and runs pytest."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
from xml.etree import ElementTree

import pytest

from conftest import REPOSITORY, Dev
from mmp_local_dev.environment import Environment
from mmp_local_dev.services import postgresql
from mmp_local_dev.services.base import Home
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

pytestmark = pytest.mark.needs("native")

OWN_TESTS = 5
REACHABLE = "environment.reachable[some-pipeline]"


@dataclass(frozen=True)
class Consumer:
    """The consumer's repository, beside the workspace of a provider."""

    root: Path
    python: Path
    provider: Dev

    def run(self, *arguments: str) -> tuple[int, dict[str, str]]:
        """Exit code, and of each item: "passed", or "failed" or "skipped" with the message."""
        results = self.root / "results.xml"
        words = ("-o", f"mmp_contract={self.provider.root}", f"--junitxml={results}", *arguments)
        done = subprocess.run(
            [self.python, "-m", "pytest", "-p", "no:cacheprovider", *words],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "HOME": str(self.root)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert self.provider.env()["POSTGRES_PASSWORD"] not in done.stdout + done.stderr + results.read_text()
        cases = ElementTree.parse(results).iter("testcase")  # noqa: S314 -- our own
        return done.returncode, {str(case.get("name")): outcome(case) for case in cases}

    def admin(self, *statements: LiteralString) -> None:
        home = Home(Workspace(self.provider.root).stack(DEFAULT_STACK))
        env = Environment(self.provider.env())
        with postgresql.connect_as_admin(env, home, timeout=10, database=env["POSTGRES_DB"]) as admin:
            for statement in statements:
                admin.execute(statement)


def outcome(case: ElementTree.Element) -> str:
    for tag, word in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        if (found := case.find(tag)) is not None:
            return f"{word}: {found.get('message')}"
    return "passed"


@pytest.fixture(scope="module")
def python(base: Path) -> Path:
    """Python with what a consumer installs."""
    folder = base / "consumer"
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, REPOSITORY)
    run(sys.executable, "-m", "venv", folder / "venv")
    made = folder / "venv" / "bin" / "python"
    run(made, "-m", "pip", "install", "--quiet", *folder.glob("*.whl"), "pytest", "pytest-xdist")
    return made


def run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, timeout=300)


@pytest.fixture
def consumer(running: Dev, python: Path, tmp_path: Path) -> Consumer:
    root = shutil.copytree(Path(__file__).parent / "consumer", tmp_path / "consumer")
    return Consumer(root, python, running)


def said(python: Path, code: str, folder: Path) -> list[str]:
    """The words of the last line that a program prints."""
    done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[-1].split()


def test_what_it_installs_is_light(python: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u; print('heavy:', *(n for n in ('feast', 'mlflow', 'pandas') if u.find_spec(n)))"
    assert said(python, code, tmp_path) == ["heavy:"]


def test_an_idle_plugin_loads_nothing_but_itself(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    code = (
        "import sys, pytest\n"
        "assert pytest.main(['-q', '-p', 'no:cacheprovider']) == 0\n"
        "ours = ('mmp_local_dev', 'psycopg', 'yaml', 'redis', 'docker')\n"
        "print(*(name for name in sys.modules if name.startswith(ours)))"
    )
    loaded = ["mmp_local_dev", "mmp_local_dev.pytest_plugin", "mmp_local_dev.pytest_plugin.settings"]
    assert sorted(said(python, code, tmp_path)) == loaded


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_where_everything_is_kept_all_passes(consumer: Consumer, workers: tuple[str, ...]) -> None:
    code, found = consumer.run("-W", "error", *workers)
    assert {name: said for name, said in found.items() if said != "passed"} == {
        f"env.{kind}[REDIS_PASSWORD]": "skipped: optional, not set" for kind in ("present", "type")
    }
    assert code == 0
    assert {REACHABLE, "service.ready[mlflow]", "mlflow.artifact_proxy[round_trip]"} <= found.keys()
    assert sum(name.startswith("test_") for name in found) == OWN_TESTS


def test_the_whole_contract_needs_no_feast(consumer: Consumer) -> None:
    """What reads through it is skipped, and says so; all else passes."""
    contract = consumer.provider.root / "dev-contract.yml"
    before = contract.read_text()
    head, known = "fixtures:\n", "  of_a_test: {entity: user, values: [nobody], in: [online]}\n"
    contract.write_text(before.replace(head, head + known) if head in before else before + head + known)
    try:
        code, found = consumer.run("--mmp-contract", str(contract))
    finally:
        contract.write_text(before)
    assert found["fixture.online[of_a_test]"].startswith("skipped: needs Feast, which this Python does not have")
    assert {said.partition(":")[0] for said in found.values()} == {"passed", "skipped"}
    assert (code, found["feature.dtype[user_demographics:age]"]) == (0, "passed")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_lost_right_is_one_failure(consumer: Consumer) -> None:
    assert consumer.provider.env()["POSTGRES_USER"] == "mlpipeline_user"
    consumer.admin("ALTER SCHEMA features OWNER TO postgres")
    try:
        code, found = consumer.run("needs.req.yml")
    finally:
        consumer.admin("ALTER SCHEMA features OWNER TO mlpipeline_user")
    assert code == 1
    assert [name for name, said in found.items() if said.startswith("failed")] == ["service.schema[FEAST_DB_SCHEMA]"]


def test_another_password_is_one_failure_and_what_hangs_on_it_is_blocked(consumer: Consumer) -> None:
    consumer.admin("ALTER ROLE mlpipeline_user PASSWORD 'another-one'")
    try:
        code, found = consumer.run("needs.req.yml", "--mmp-groups", "train")
    finally:
        consumer.provider("up")
    assert code == 1
    assert [name for name, said in found.items() if said.startswith("failed")] == ["service.ready[postgresql]"]
    assert "repair:" in found["service.ready[postgresql]"]
    assert found["service.version[postgresql]"] == "skipped: blocked: service.ready[postgresql]"


def test_a_service_that_hangs_blocks_what_needs_it_and_nothing_else(consumer: Consumer) -> None:
    with frozen(consumer.provider.pids()["redis"]):
        code, found = consumer.run("needs.req.yml", "--mmp-timeout", "2")
    assert code == 1
    assert [name for name, said in found.items() if said.startswith("failed")] == ["service.ready[redis]"]
    assert found["service.ready[mlflow]"] == found["service.ready[postgresql]"] == "passed"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_stack_that_is_down_is_told_once(consumer: Consumer, workers: tuple[str, ...]) -> None:
    """The last tests here: they stop the stack."""
    consumer.provider("down")
    code, found = consumer.run("needs.req.yml", *workers)
    assert code == 1
    assert [name for name, said in found.items() if said.startswith("failed")] == [REACHABLE]
    assert "mmp-dev up" in found[REACHABLE]
    blocked = {said for name, said in found.items() if name.startswith(("service.", "mlflow."))}
    assert blocked == {f"skipped: blocked: {REACHABLE}"}
    assert found["env.present[POSTGRES_HOST]"] == "passed"
    code, found = consumer.run("--mmp-if-down", "skip", *workers)
    assert code == 0
    assert all(found[name].startswith("skipped: Nothing answers:") for name in found if name.startswith("test_"))
