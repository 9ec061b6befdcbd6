"""A consumer that knows the 1.0 form only, with nothing but PyYAML, `.env` and sockets, as such consumers were made."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from conftest import ON_EVERY_RUNTIME, Dev, workspace

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]


@pytest.fixture(scope="module")
def provider(base: Path, on_runtime: str) -> Iterator[Dev]:
    """A stack whose contract itself promises other ports than the usual ones: no variable moves anything."""
    with workspace(base, on_runtime) as made:
        file = made.root / "dev-contract.yml"
        text = file.read_text(encoding="utf-8")
        for usual, name in (("5432", "POSTGRES_PORT"), ("6379", "REDIS_PORT"), ("5002", "MLFLOW_PORT")):
            for spelling in ("port: {}", '"{}"', "localhost:{}"):  # not the port inside the network
                text = text.replace(spelling.format(usual), spelling.format(made.ports[name]))
        file.write_text(text, encoding="utf-8")
        replace(made, ports={})("up")
        yield made


@pytest.fixture(scope="module")
def contract(provider: Dev) -> Any:
    return yaml.safe_load((provider.root / "dev-contract.yml").read_text(encoding="utf-8"))


def test_the_version_can_be_read(contract: Any) -> None:
    assert isinstance(contract["version"], str)
    assert [int(part) for part in contract["version"].split(".")] >= [1, 0]


def test_every_name_is_in_the_environment(provider: Dev, contract: Any) -> None:
    values = dotenv_values(provider.root / ".env")
    assert len(contract["provides_env_variables"]) == 8
    assert [name for name in contract["provides_env_variables"] if not values.get(name)] == []


def test_every_port_is_open(contract: Any) -> None:
    assert len(contract["provides_services"]) == 3
    for service in contract["provides_services"]:
        socket.create_connection(("localhost", service["port"]), timeout=5).close()


def test_what_is_edited_is_all_that_has_to_be(provider: Dev) -> None:
    """Guards the tests above: contract, environment and servers agree on the moved ports."""
    assert provider.env()["POSTGRES_PORT"] == provider.ports["POSTGRES_PORT"]
    assert set(provider.outcomes().values()) <= {"passed", "skipped"}
