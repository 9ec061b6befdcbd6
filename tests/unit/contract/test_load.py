"""Loading: the repository's own contract, the corpus of valid and invalid files, and hostile files."""

import os
import re
import stat
from pathlib import Path

import pytest
import yaml

from mmp_local_dev.contract.load import load, reading
from mmp_local_dev.contract.load.source import MOST_BYTES
from mmp_local_dev.contract.model import Contract, ContractService, Variable, VariableType
from mmp_local_dev.errors import ContractInvalid

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "contracts"
VALID = sorted((CORPUS / "valid").glob("*.yml"))
INVALID = sorted((CORPUS / "invalid").glob("*.yml"))
MINIMAL = (CORPUS / "valid" / "minimal.yml").read_text(encoding="utf-8")


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's implementations: the one of C is not in every build."""
    if not hasattr(yaml, request.param):
        pytest.skip(f"this PyYAML has no {request.param}")
    monkeypatch.setattr(reading, "_LOADER", getattr(yaml, request.param))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dev-contract.yml"


def refusal(path: Path) -> str:
    with pytest.raises(ContractInvalid) as caught:
        load(path)
    return caught.value.message


def line_of(path: Path, beginning: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(beginning))


# The repository's own contract


@pytest.fixture(scope="module")
def own() -> Contract:
    return load(ROOT / "dev-contract.yml")


def test_the_own_contract_has_its_names(own: Contract) -> None:
    assert (own.name, own.form) == ("mmp-local-dev", "mmp.dev/v2")
    assert [variable.name for variable in own.variables.values() if variable.required] == [
        "POSTGRES_HOST",
        "POSTGRES_PORT",
        "POSTGRES_USER",
        "POSTGRES_DB",
        "POSTGRES_PASSWORD",
        "REDIS_HOST",
        "REDIS_PORT",
        "MLFLOW_TRACKING_URI",
    ]
    assert {service.name: service.port for service in own.services.values()} == {
        "postgresql": 5432,
        "redis": 6379,
        "mlflow": 5002,
    }
    assert own.mlflow_capabilities == ("tracking", "artifact_proxy", "model_registry")


def test_the_own_contract_says_the_same_to_consumers_of_the_1_0_form(own: Contract) -> None:
    plain = yaml.safe_load(own.path.read_text(encoding="utf-8"))
    assert plain["version"] == own.version
    assert plain["provides_env_variables"] == [v.name for v in own.variables.values() if v.required]
    assert [(item["name"], item["port"], item.get("health_check")) for item in plain["provides_services"]] == [
        (service.name, service.port, service.health_path) for service in own.services.values()
    ]


def test_promises_know_their_lines(own: Contract) -> None:
    assert own.variables["REDIS_PASSWORD"].line == line_of(own.path, "REDIS_PASSWORD:")
    assert own.services["mlflow"].line == line_of(own.path, "mlflow:")
    assert own.mlflow_line == line_of(own.path, "capabilities:")


def test_every_field_arrives(file: Path) -> None:
    file.write_text((CORPUS / "valid" / "everything.yml").read_text(encoding="utf-8"), encoding="utf-8")
    contract = load(file)
    assert contract.variables["TRACKING_URI"] == Variable(
        name="TRACKING_URI",
        type=VariableType.URL,
        default="https://ml.example:5002/mlflow",
        binds="mlflow.uri",
        line=line_of(file, "TRACKING_URI"),
    )
    assert contract.variables["OTHER_PASSWORD"] == Variable(
        name="OTHER_PASSWORD",
        type=VariableType.STRING,
        required=False,
        sensitive=True,
        description="2 kinds: a, b",
        line=line_of(file, "OTHER_PASSWORD"),
    )
    assert contract.services["postgresql"] == ContractService(
        name="postgresql",
        protocol="postgresql",
        version="~=17.2",
        port=5433,
        port_policy="fixed",
        clients={"psycopg": "==3.*, !=3.1.4", "psycopg2-binary": ">= 2.9"},
        endpoints={"host": "127.0.0.1:5433", "network": "my_db:5432"},
        auth="password",
        tls="required",
        line=line_of(file, "postgresql:"),
    )
    assert contract.services["mlflow"] == ContractService(
        name="mlflow",
        protocol="http",
        version="<4",
        port=5002,
        needs=("cache-1", "postgresql"),
        endpoints={"host": "localhost:5002"},
        health_path="/health",
        line=line_of(file, "mlflow:"),
    )


# The corpus


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_contract_is_accepted_and_readable_by_anyone(path: Path) -> None:
    contract = load(path)
    plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert contract.version == plain["version"]
    assert {s.name: s.port for s in contract.services.values()} == {
        item["name"]: item["port"] for item in plain["provides_services"]
    }


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_contract_is_told_exactly_what_is_wrong(path: Path) -> None:
    expected = re.findall(r"^# expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert expected, "the file does not say what to expect"
    told = refusal(path).splitlines()
    assert [wanted for wanted in expected if not any(wanted in line for line in told)] == []
    assert [line for line in told if not any(wanted in line for wanted in expected)] == []


def test_extensions_are_left_out() -> None:
    contract = load(CORPUS / "valid" / "extensions.yml")
    assert list(contract.variables) == ["REDIS_PORT"]
    assert list(contract.services) == ["redis"]
    assert contract.services["redis"].clients == {"redis": ">=4"}


# Files that are none


def test_a_missing_file(file: Path) -> None:
    with pytest.raises(ContractInvalid) as caught:
        load(file)
    assert caught.value.message == f"{file}: cannot be read: No such file or directory"
    assert [repair.command for repair in caught.value.repairs] == ["mmp-dev init"]


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is not a file"


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    assert refusal(file) == f"{file}: is not a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(file: Path) -> None:
    file.write_text(MINIMAL, encoding="utf-8")
    file.chmod(0)
    assert refusal(file) == f"{file}: cannot be read: Permission denied"


def test_a_link_to_itself(file: Path) -> None:
    file.symlink_to(file)
    assert refusal(file).startswith(f"{file}: cannot be read: Too many levels")


def test_nothing_is_written(file: Path) -> None:
    file.write_text(MINIMAL, encoding="utf-8")
    file.chmod(stat.S_IRUSR)
    load(file)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_byte_order_marks_do_not_matter(file: Path, encoding: str, line_end: str) -> None:
    file.write_bytes(MINIMAL.replace("\n", line_end).encode(encoding))
    assert load(file).variables["REDIS_PORT"].line == 10


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_refused_by_line(file: Path, encoding: str) -> None:
    file.write_bytes(MINIMAL.replace("name: sample", "name: sämple").encode(encoding))
    line = 8 if encoding == "latin-1" else 1
    assert refusal(file) == f"dev-contract.yml:{line}: is not UTF-8 text"


@pytest.mark.parametrize("character", ["\0", "\a", "\x1b", "\x9b"])
@pytest.mark.usefixtures("loader")
def test_a_control_character_is_refused_by_line(file: Path, character: str) -> None:
    file.write_text(f"version: '1.0'\n# ü{character}\n", encoding="utf-8")
    assert refusal(file).startswith("dev-contract.yml:2: holds the control character ")
    assert character not in refusal(file)


# Hostile files


def test_a_file_that_is_too_large(file: Path) -> None:
    file.write_bytes(b"#" * (MOST_BYTES + 1))
    assert refusal(file) == f"{file}: is larger than 1024 KiB, which no contract needs"


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? ", "- - ? "])
def test_depth_is_limited_before_any_stack_overflows(file: Path, bracket: str) -> None:
    file.write_text(bracket * 30_000, encoding="utf-8")
    assert refusal(file) == "dev-contract.yml:1: is nested deeper than 32 levels, which no contract needs"


@pytest.mark.usefixtures("loader")
def test_an_escape_beyond_unicode(file: Path) -> None:
    file.write_text('version: "\\UFFFFFFFF"', encoding="utf-8")
    assert refusal(file).startswith("dev-contract.yml:1: is not valid YAML: ")


def test_twenty_problems_are_shown_and_the_others_counted(file: Path) -> None:
    file.write_text(MINIMAL + "".join(f"unknown-{number}: 1\n" for number in range(5_000)), encoding="utf-8")
    lines = refusal(file).splitlines()
    first = len(MINIMAL.splitlines()) + 1
    assert lines[0] == f'dev-contract.yml:{first}: unknown key "unknown-0"'
    assert len(lines) == 21
    assert lines[-1] == "and 4980 more"


def test_no_message_shows_a_secret(file: Path) -> None:
    secret = "  REDIS_PASSWORD: {type: string, sensitive: true, default: 88410, default: 88411, nonsense: 1}"
    file.write_text(MINIMAL.replace("services:\n", f"{secret}\nservices:\n"), encoding="utf-8")
    message = refusal(file)
    assert "a sensitive variable has no default" in message
    assert "8841" not in message
