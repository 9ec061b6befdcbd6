"""The pytest plugin for consumers: their requirements as test items, and fixtures for their own tests.

pytest loads this module at every start wherever this package is installed, so it imports nothing but pytest; the rest
is loaded when there is a `*.req.yml` or a contract to check, or a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mmp_local_dev.pytest_plugin.settings import CONTRACT, add_options, settings_of

if TYPE_CHECKING:
    from mmp_local_dev.contract.model import Contract
    from mmp_local_dev.environment import Environment
    from mmp_local_dev.operations.sandbox import Sandbox, Sandboxes

_UP = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, each also as a setting in the ini-file."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """A contract given on the command line is one more file to collect."""
    contract = config.getoption("mmp_contract")
    if contract and (path := settings_of(config).contract) and str(path) not in config.args:
        config.args.append(str(path))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """`*.req.yml` anywhere, and a contract that was named on the command line."""
    is_contract = _is_named_contract(file_path, parent)
    if not is_contract and not file_path.name.endswith(".req.yml"):
        return None
    from mmp_local_dev.pytest_plugin.items import ContractFile, RequirementsFile

    return (ContractFile if is_contract else RequirementsFile).from_parent(parent, path=file_path)


def _is_named_contract(path: Path, parent: pytest.Collector) -> bool:
    if parent.config.getoption("mmp_contract") and path == settings_of(parent.config).contract:
        return True
    return path.name == CONTRACT and parent.session.isinitpath(path)


def pytest_report_header(config: pytest.Config) -> str | None:
    """The contract that is checked against."""
    settings = settings_of(config)
    if settings.contract is None:
        return None
    from mmp_local_dev.pytest_plugin.provider import headline

    return headline(settings, settings.contract)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: whether the environment answers is looked at once, and not by each worker."""
    settings = settings_of(node.config)
    if settings.contract is None:
        return
    if _UP not in node.config.stash:
        from mmp_local_dev.pytest_plugin.provider import answers

        node.config.stash[_UP] = answers(settings)
    node.workerinput["mmp_up"] = node.config.stash[_UP]


@pytest.fixture(scope="session")
def mmp_contract_source(request: pytest.FixtureRequest) -> Path | None:
    """Where the provider's contract is: a file, or a workspace's folder. To be overridden where no option can say it;
    None: the process environment is what counts."""
    return settings_of(request.config).contract


@pytest.fixture(scope="session")
def mmp_contract(mmp_contract_source: Path | None) -> Contract:
    """The provider's contract."""
    from mmp_local_dev.pytest_plugin.provider import contract

    return contract(mmp_contract_source)


@pytest.fixture(scope="session")
def mmp_env(request: pytest.FixtureRequest, mmp_contract_source: Path | None) -> Environment:
    """The variables of the running environment, as a mapping that shows no secrets."""
    from mmp_local_dev.pytest_plugin.provider import running_environment

    return running_environment(mmp_contract_source, settings_of(request.config))


@pytest.fixture(scope="session")
def mmp_sandboxes(request: pytest.FixtureRequest, mmp_env: Environment) -> Iterator[Sandboxes]:
    """What makes the sandboxes of the session, for fixtures with another scope than the test's."""
    from mmp_local_dev.pytest_plugin.provider import sandboxes

    is_first = getattr(request.config, "workerinput", {}).get("workerid", "gw0") == "gw0"
    with sandboxes(mmp_env, clean=is_first) as made:
        yield made


@pytest.fixture
def mmp_sandbox(mmp_sandboxes: Sandboxes) -> Iterator[Sandbox]:
    """A database, a prefix in Redis and an MLflow experiment for one test, gone afterwards."""
    from mmp_local_dev.pytest_plugin.provider import told_by_pytest

    with told_by_pytest(), mmp_sandboxes.open() as sandbox:
        yield sandbox
