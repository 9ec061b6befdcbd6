"""A running stack with a small feature store on it, which real Feast applied; and what can go wrong with each part."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Dev
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.report import Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.contract.waivers import NONE, Waivers
from mmp_local_dev.environment import Environment
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import Opened, open_stack, published
from mmp_local_dev.services import SERVICES, postgresql
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Workspace

SAMPLE = Path(__file__).parent / "feature_store_sample"


@dataclass
class Sample:
    """The stack, its contract and the environment that it publishes."""

    dev: Dev
    contract: Contract
    env: Environment

    def report(self, contract: Contract, env: Environment, waivers: Waivers = NONE, timeout: float = 10) -> Report:
        """All live clauses, checked in this process."""
        return verify(contract, env, clauses_of(contract), waivers=waivers, timeout=timeout)

    @property
    def registry(self) -> Path:
        return Path(self.env["FEAST_REGISTRY_PATH"])

    @property
    def opened(self) -> Opened:
        return open_stack(Workspace(self.dev.root).stack("default"), emit=ignore)

    def sql(self, *statements: str) -> None:
        """Run these as the published user, who owns the tables."""
        with postgresql.connect(self.env, timeout=10) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """The service does not run meanwhile."""
        opened, service = self.opened, SERVICES[name]
        opened.runtime.stop([service])
        try:
            yield
        finally:
            opened.runtime.start([service], opened.env)
            wait_until(lambda: service.probe(self.env, timeout=5), timeout=60)

    @contextmanager
    def registry_with(self, content: bytes | None) -> Iterator[None]:
        """The registry's file holds this meanwhile, or is not there."""
        before = self.registry.read_bytes()
        self.registry.unlink() if content is None else self.registry.write_bytes(content)
        try:
            yield
        finally:
            self.registry.write_bytes(before)

    def edited_registry(self, edit: Callable[[Any], object]) -> bytes:
        """The registry as it would be after `edit`, which gets Feast's own message."""
        from feast.protos.feast.core import Registry_pb2

        message = Registry_pb2.Registry.FromString(self.registry.read_bytes())
        edit(message)
        return bytes(message.SerializeToString())

    @contextmanager
    def online_keys(self) -> Iterator[tuple[Any, dict[str, bytes]]]:
        """A client of Redis, and the key under which it holds each user's row."""
        import redis

        client = redis.Redis(self.env["REDIS_HOST"], int(self.env["REDIS_PORT"]))
        try:
            users = ("user_001", "user_002", "user_003")
            keys = list(client.scan_iter())
            yield client, {user: key for user in users for key in keys if user.encode() in key}
        finally:
            client.close()


def make_sample(dev: Dev) -> Sample:
    """The sample on a running stack, in place of what was there: its tables and rows, its features applied and
    materialized, and the contract."""
    path = dev.root / "dev-contract.yml"
    own = load(path)
    shutil.copy(SAMPLE / path.name, path)
    contract = load(path)
    env = published(Workspace(dev.root).stack("default"), contract)
    sample = Sample(dev, contract, env)
    for name in ("definitions.py", "feature_store.yaml"):
        shutil.copy(SAMPLE / name, dev.root / "feast_repo" / name)
    sample.registry.unlink()
    sample.sql(*(f"DROP TABLE {table.physical_name}" for table in own.tables.values()))
    sample.sql((SAMPLE / "tables.sql").read_text())
    _run_feast(dev)
    return sample


def _run_feast(dev: Dev) -> None:
    subprocess.run(
        [sys.executable, str(SAMPLE / "apply.py")],
        env={**dev.environment, **dev.env()},
        cwd=dev.root,
        check=True,
        capture_output=True,
        timeout=120,
    )
