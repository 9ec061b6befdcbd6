"""What a consumer's tests see as the environment, and when it counts as down."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import EnvironmentInvalid
from mmp_local_dev.operations.consumer import clauses_with_reachable, contract_file, down, environment, is_up

CONTRACT = Path(__file__).parents[2] / "dev-contract.yml"
PROCESS = {"POSTGRES_HOST": "from the process", "POSTGRES_PASSWORD": "s3cret", "HOME": "/root", "MMP_STACK_ID": "1"}


def test_a_folder_means_the_contract_in_it(tmp_path: Path) -> None:
    assert contract_file(tmp_path) == tmp_path / "dev-contract.yml"
    assert contract_file(tmp_path / "mine.yml") == tmp_path / "mine.yml"


def test_without_a_file_it_is_what_the_process_has_of_it() -> None:
    env = environment(None, None, PROCESS)
    assert dict(env) == {name: value for name, value in PROCESS.items() if name != "HOME"}
    assert "s3cret" not in repr(env)


def test_a_file_goes_before_the_process_and_the_named_one_before_that_beside_the_contract(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_HOST=beside\nMINE=1\n")
    (tmp_path / "named").write_text("POSTGRES_HOST=named\n")
    beside = tmp_path / "dev-contract.yml"
    assert dict(environment(None, None, PROCESS, beside=beside)) == {"POSTGRES_HOST": "beside", "MINE": "1"}
    assert dict(environment(None, tmp_path / "named", PROCESS, beside=beside)) == {"POSTGRES_HOST": "named"}
    assert dict(environment(None, tmp_path / "absent", PROCESS, beside=beside)) == {}


def test_secret_is_what_the_contract_says() -> None:
    env = environment(load(CONTRACT), None, {**PROCESS, "REDIS_PASSWORD": "hidden"})
    assert env.secrets >= {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentInvalid):
        environment(None, tmp_path, PROCESS)


def test_it_is_up_when_anything_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        env = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.getsockname()[1]), "POSTGRES_PORT": "none"}
        assert is_up(env)
    assert not is_up(env)
    assert down(env).message == f"Nothing answers: redis at 127.0.0.1:{env['REDIS_PORT']}."
    assert "names no service" in down({}).message


def test_all_that_needs_a_service_hangs_on_the_environment() -> None:
    reachable, *clauses = clauses_with_reachable(load(CONTRACT))
    assert reachable.id == "environment.reachable[mmp-local-dev]"
    assert {clause.id for clause in clauses if reachable.id in clause.causes} == {c.id for c in clauses if c.service}


def test_without_any_environment_nothing_else_is_told() -> None:
    contract = load(CONTRACT)
    report = verify(contract, Environment({}), clauses_with_reachable(contract))
    first, *rest = report.findings
    assert (first.clause, first.outcome) == ("environment.reachable[mmp-local-dev]", "failed")
    assert {finding.outcome for finding in rest} == {"blocked", "skipped"}


def test_variables_alone_need_no_environment_that_answers() -> None:
    contract = load(CONTRACT)
    clauses = clauses_with_reachable(replace(contract, services={}, tables={}, feast=None, mlflow_capabilities=()))
    assert {clause.section for clause in clauses} == {"env"}
