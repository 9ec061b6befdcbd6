from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.model import Contract, ContractService, Variable, VariableType
from mmp_local_dev.contract.resolve import Layer, resolve
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import EnvironmentInvalid

VARIABLES = (
    Variable("REDIS_HOST", VariableType.HOST, default="localhost", binds="redis.host"),
    Variable("REDIS_PORT", VariableType.PORT, default="6379", binds="redis.port"),
    Variable("REDIS_PASSWORD", VariableType.STRING, required=False, sensitive=True, binds="redis.password"),
    Variable("DB_PASSWORD", VariableType.STRING, sensitive=True),
    Variable("REGISTRY", VariableType.PATH, required=False),
    Variable("MLFLOW_TRACKING_URI", VariableType.URL, binds="mlflow.uri"),
    Variable("MLFLOW_PORT", VariableType.PORT, required=False, default="5002", binds="mlflow.port"),
)
URI, PORT = "MLFLOW_TRACKING_URI", "MLFLOW_PORT"


def contract(*changed: Variable) -> Contract:
    services = {
        "redis": ContractService("redis", "redis", ">=7", 6379),
        "mlflow": ContractService("mlflow", "http", ">=3", 5002),
    }
    variables = {variable.name: variable for variable in (*VARIABLES, *changed)}
    return Contract(Path("dev-contract.yml"), "sample", "1.0.0", "mmp.dev/v2", variables, services)


def resolved(*layers: Mapping[str, str], settings: Mapping[str, str] | None = None) -> Environment:
    """With layers called `first`, `second`, and so on."""
    names = ("first", "second", "third")
    return resolve(contract(), [Layer(*each) for each in zip(names, layers, strict=False)], settings=settings or {})


def refusal(*layers: Mapping[str, str]) -> EnvironmentInvalid:
    with pytest.raises(EnvironmentInvalid) as caught:
        resolved(*layers)
    return caught.value


class TestLayers:
    def test_without_any_the_defaults_hold(self) -> None:
        env = resolved()
        assert (env["REDIS_HOST"], env["REDIS_PORT"]) == ("localhost", "6379")
        assert "REGISTRY" not in env

    def test_the_first_with_a_value_holds(self) -> None:
        env = resolved({"REDIS_PORT": "1"}, {"REDIS_PORT": "2", "REDIS_HOST": "two"}, {"REDIS_HOST": "three"})
        assert (env["REDIS_PORT"], env["REDIS_HOST"]) == ("1", "two")

    def test_an_empty_value_is_none(self) -> None:
        env = resolved({"REDIS_PORT": "", URI: "", PORT: "", "S": ""}, {"REDIS_PORT": "2"}, settings={"S": "x"})
        assert (env["REDIS_PORT"], env[URI], env["S"]) == ("2", "http://localhost:5002", "x")

    def test_only_what_the_contract_or_the_settings_name_comes_through(self) -> None:
        env = resolved({"PATH": "/bin", "S": "given"}, settings={"S": "default", "T": "default"})
        assert "PATH" not in env
        assert (env["S"], env["T"]) == ("given", "default")

    def test_every_variable_of_ours_has_a_value_to_begin_with(self) -> None:
        """With the contract that is shipped, nothing has to be given but what the stack knows by itself."""
        shipped = load(Path(__file__).parents[2] / "dev-contract.yml")
        env = resolve(shipped, [], settings={})
        assert {name for name in shipped.variables if name not in env} == {
            "FEAST_REGISTRY_PATH",
            "MMP_STACK_ID",
        }


class TestSecrets:
    def test_a_required_one_is_made_up_and_stays_once_it_is_remembered(self) -> None:
        made = resolved()["DB_PASSWORD"]
        assert len(made) == 24
        assert resolved()["DB_PASSWORD"] != made
        assert resolved({}, {"DB_PASSWORD": made})["DB_PASSWORD"] == made

    def test_an_optional_one_is_not_made_up(self) -> None:
        optional = contract(Variable("OPTIONAL", VariableType.STRING, required=False, sensitive=True))
        assert "OPTIONAL" not in resolve(optional, [], settings={})

    def test_a_password_that_there_need_not_be_is_published_as_an_empty_one(self) -> None:
        """Where it is not set, `${REDIS_PASSWORD}` in Feast's configuration would stay as it is written."""
        assert resolved()["REDIS_PASSWORD"] == ""
        assert resolved({"REDIS_PASSWORD": "mine"})["REDIS_PASSWORD"] == "mine"

    def test_one_that_the_consumer_sets_is_not_made_up(self) -> None:
        theirs = contract(Variable("THEIRS", VariableType.STRING, sensitive=True, accepted=True))
        assert "THEIRS" not in resolve(theirs, [], settings={})
        assert resolve(theirs, [Layer("first", {"THEIRS": "x"})], settings={})["THEIRS"] == "x"

    def test_the_environment_knows_what_is_secret(self) -> None:
        env = resolved({"REDIS_PASSWORD": "mine"})
        assert env.secrets == {"DB_PASSWORD", "REDIS_PASSWORD"}
        assert env["DB_PASSWORD"] not in repr(env)


class TestTypes:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("REDIS_HOST", "redis://localhost"),
            ("REDIS_PORT", "0"),
            ("REDIS_PORT", "65536"),
            ("REDIS_PORT", "6379x"),
            ("REGISTRY", "relative/path"),
            (URI, "localhost:5002"),
            (URI, "http://user:secret@localhost:5002"),
            (PORT, "http://localhost"),
        ],
    )
    def test_a_value_of_the_wrong_type_is_named_with_its_source(self, name: str, value: str) -> None:
        error = refusal({}, {name: value})
        assert name in error.message
        assert "from second" in error.message
        assert repr(value) in error.message
        assert error.exit_code == 2

    def test_a_wrong_value_that_another_outranks_does_no_harm(self) -> None:
        assert resolved({"REDIS_PORT": "1"}, {"REDIS_PORT": "x"})["REDIS_PORT"] == "1"

    def test_a_secret_of_the_wrong_type_is_not_shown(self) -> None:
        error = refusal({"DB_PASSWORD": "hush\nhush"})
        assert "DB_PASSWORD from first" in error.message
        assert "hush" not in error.message

    def test_settings_have_no_type(self) -> None:
        assert resolved({"S": "any thing"}, settings={"S": ""})["S"] == "any thing"


class TestPortAndUrl:
    """Both say where MLflow is. The first layer that has either one decides, and afterwards they agree."""

    @pytest.mark.parametrize(
        ("layers", "uri", "port"),
        [
            ([], "http://localhost:5002", "5002"),
            ([{PORT: "7000"}], "http://localhost:7000", "7000"),
            ([{URI: "http://127.0.0.1:7000"}], "http://127.0.0.1:7000", "7000"),
            ([{URI: "http://localhost:7000/"}], "http://localhost:7000", "7000"),
            ([{URI: "http://localhost"}], "http://localhost", "80"),
            ([{URI: "http://localhost:7000", PORT: "7000"}], "http://localhost:7000", "7000"),
            ([{PORT: "7000"}, {URI: "http://127.0.0.1:5002"}], "http://127.0.0.1:7000", "7000"),
            ([{PORT: "7000"}, {URI: "http://127.0.0.1:5002", PORT: "5002"}], "http://127.0.0.1:7000", "7000"),
            ([{PORT: "7000"}, {PORT: "5002"}], "http://localhost:7000", "7000"),
            ([{URI: "http://one:7000"}, {PORT: "5002"}], "http://one:7000", "7000"),
            ([{URI: "http://one:7000"}, {URI: "http://two:5002", PORT: "5002"}], "http://one:7000", "7000"),
            ([{}, {PORT: "7000"}, {URI: "http://three:5002"}], "http://three:7000", "7000"),
            ([{"REDIS_PORT": "1"}, {URI: "http://two:7000"}], "http://two:7000", "7000"),
        ],
    )
    def test_they_agree(self, layers: list[dict[str, str]], uri: str, port: str) -> None:
        env = resolved(*layers)
        assert (env[URI], env[PORT]) == (uri, port)

    def test_they_agree_on_an_ipv6_address(self) -> None:
        assert resolved({PORT: "7000"}, {URI: "http://[::1]:5002"})[URI] == "http://[::1]:7000"

    @pytest.mark.parametrize("uri", ["http://localhost:7001", "http://localhost", "http://localhost:70000"])
    def test_one_source_that_contradicts_itself_is_refused(self, uri: str) -> None:
        error = refusal({}, {URI: uri, PORT: "7000"})
        assert "from second" in error.message
        assert URI in error.message

    def test_the_way_out_of_a_contradiction_is_told(self) -> None:
        (repair,) = refusal({URI: "http://localhost:1", PORT: "2"}).repairs
        assert f"remove {URI} from first" in repair.description

    def test_a_wrong_url_is_refused_although_the_port_decides(self) -> None:
        assert URI in refusal({PORT: "7000"}, {URI: "mlflow"}).message

    def test_the_contracts_default_port_decides_last(self) -> None:
        other = contract(Variable(PORT, VariableType.PORT, required=False, default="8000", binds="mlflow.port"))
        assert resolve(other, [], settings={})[URI] == "http://localhost:8000"

    def test_without_a_default_port_the_services_port_decides(self) -> None:
        other = contract(Variable(PORT, VariableType.PORT, required=False, binds="mlflow.port"))
        env = resolve(other, [], settings={})
        assert (env[URI], env[PORT]) == ("http://localhost:5002", "5002")

    def test_the_contracts_default_url_decides_last(self) -> None:
        other = contract(Variable(URI, VariableType.URL, default="http://127.0.0.1:5002", binds="mlflow.uri"))
        assert resolve(other, [], settings={})[URI] == "http://127.0.0.1:5002"

    def test_a_url_whose_port_is_no_variable_stands_alone(self) -> None:
        alone = contract(Variable(PORT, VariableType.PORT, required=False, default="5002"))
        assert resolve(alone, [Layer("first", {URI: "http://one:7000"})], settings={})[URI] == "http://one:7000"
