"""A workspace whose contract is of the 1.0 form: names and ports are enough to run from."""

from __future__ import annotations

import pytest
import yaml

from conftest import ON_EVERY_RUNTIME, Dev
from own import VERSION

pytestmark = [pytest.mark.needs("native"), ON_EVERY_RUNTIME]


@pytest.fixture
def plain(dev: Dev) -> Dev:
    """A workspace with the pure 1.0 document instead of the full contract, on the ports that it names."""
    document = yaml.safe_load(dev("contract", "export", "--form", "1.0").stdout)
    for service, variable in (("postgresql", "POSTGRES_PORT"), ("redis", "REDIS_PORT"), ("mlflow", "MLFLOW_PORT")):
        item = next(item for item in document["provides_services"] if item["name"] == service)
        item["port"] = int(dev.ports.pop(variable))
    (dev.root / "dev-contract.yml").write_text(yaml.safe_dump(document).replace(VERSION, f'"{VERSION}"', 1))
    return dev


def test_it_runs_on_the_ports_that_it_names_and_is_kept(plain: Dev) -> None:
    plain("up")
    document = yaml.safe_load((plain.root / "dev-contract.yml").read_text())
    env = plain.env()
    assert [name for name in document["provides_env_variables"] if not env.get(name)] == []
    ports = {item["name"]: str(item["port"]) for item in document["provides_services"]}
    assert (env["POSTGRES_PORT"], env["REDIS_PORT"], env["MLFLOW_PORT"]) == tuple(
        ports[name] for name in ("postgresql", "redis", "mlflow")
    )
    outcomes = plain.outcomes()
    assert set(outcomes.values()) == {"passed"}
    assert {"service.ready[mlflow]", "mlflow.health[/health]", "env.type[MLFLOW_TRACKING_URI]"} <= outcomes.keys()
    assert plain.json("up")["data"]["env_file_written"] is False
    if plain.runtime == "compose":
        plain("check", "--view", "network")


def test_secrets_that_it_does_not_name_are_hidden_all_the_same(plain: Dev) -> None:
    (plain.root / ".env").write_text("POSTGRES_PASSWORD=a-planted-secret\nREDIS_PASSWORD=another-planted-secret\n")
    shown = plain("env").stdout
    assert "REDIS_PASSWORD" in shown
    assert "planted" not in shown


def test_one_that_does_not_promise_what_the_servers_need_says_which(plain: Dev) -> None:
    contract = plain.root / "dev-contract.yml"
    contract.write_text(contract.read_text().replace("- POSTGRES_DB\n", ""))
    error = plain.json("up", code=2)["error"]
    assert error["code"] == "CONTRACT_INVALID"
    assert "dev-contract.yml: has no POSTGRES_DB, without which" in error["message"]
