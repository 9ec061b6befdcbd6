"""Loading: the repository's own contract, the corpus of valid and invalid files, and hostile files."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from mmp_local_dev.contract.export.form_1_0 import form_1_0
from mmp_local_dev.contract.load import load, load_lenient, reading
from mmp_local_dev.contract.load.source import MOST_BYTES
from mmp_local_dev.contract.model import (
    Column,
    Contract,
    ContractService,
    Entity,
    Feature,
    FeatureService,
    FeatureView,
    KnownAnswer,
    KnownAnswers,
    KnownKeys,
    Promise,
    ServiceLevel,
    Severity,
    Stability,
    Variable,
    VariableType,
)
from mmp_local_dev.contract.well_known import SERVICES, VARIABLES
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


@pytest.fixture(scope="module")
def everything() -> Contract:
    return load(CORPUS / "valid" / "everything.yml")


def test_every_field_of_servers_arrives(everything: Contract) -> None:
    assert everything.variables["TRACKING_URI"] == Variable(
        "TRACKING_URI", VariableType.URL, default="https://ml.example:5002/mlflow", binds="mlflow.uri"
    )
    assert everything.variables["OTHER_PASSWORD"] == Variable(
        "OTHER_PASSWORD", VariableType.STRING, required=False, sensitive=True
    )
    assert everything.variables["OTHER_PASSWORD"].description == "2 kinds: a, b"
    assert everything.variables["FEAST_PROJECT"] == Variable(
        "FEAST_PROJECT",
        VariableType.STRING,
        default="sample_project",
        required=False,
        const=True,
        stability=Stability.BETA,
    )
    assert everything.variables["LOG_LEVEL"] == Variable(
        "LOG_LEVEL",
        VariableType.STRING,
        default="info",
        enum=("debug", "info", "off"),
        min_length=3,
        accepted=True,
        severity=Severity.WARNING,
    )
    assert everything.variables["OLD_HOST"] == Variable(
        "OLD_HOST", VariableType.HOST, required=False, deprecated=True, sunset=date(2099, 6, 30)
    )
    assert everything.services["postgresql"] == ContractService(
        "postgresql",
        protocol="postgresql",
        version="~=17.2",
        port=5433,
        port_policy="fixed",
        clients={"psycopg": "==3.*, !=3.1.4", "psycopg2-binary": ">= 2.9"},
        endpoints={"host": "127.0.0.1:5433", "network": "my_db:5432"},
        auth="password",
        tls="required",
    )
    assert everything.services["cache-1"] == ContractService(
        "cache-1",
        protocol="redis",
        version=">=7.2rc1,<9",
        port=6380,
        needs=("postgresql",),
        endpoints={"host": "[::1]:6380"},
        auth="optional-password",
        severity=Severity.WARNING,
        stability=Stability.ALPHA,
        deprecated=True,
        sunset=date(2099, 12, 31),
    )
    assert everything.services["mlflow"] == ContractService(
        "mlflow",
        protocol="http",
        version="<4",
        port=5002,
        needs=("cache-1", "postgresql"),
        endpoints={"host": "localhost:5002"},
        health_path="/health",
    )


def test_every_field_of_tables_arrives(everything: Contract) -> None:
    table = everything.tables["user_demographics"]
    assert (table.physical_name, table.primary_key) == ("features.user_demographics", ("event_timestamp", "user_id"))
    assert table.description == "One row for each user and day."
    assert list(table.columns) == ["user_id", "event_timestamp", "age", "gender", "score", "tags", "mood"]
    assert table.columns["user_id"] == Column("user_id", type="varchar(50)", nullable=False)
    assert table.columns["age"] == Column(
        "age", type="int4", severity=Severity.WARNING, deprecated=True, sunset=date(2099, 1, 1)
    )
    assert table.columns["gender"] == Column("gender", type="char", unique=True)
    users = everything.tables["users-2"]
    assert users.columns["id"] == Column("id", type="bigserial", nullable=False)
    assert users.primary_key == ("id",)


def test_every_field_of_feast_arrives(everything: Contract) -> None:
    feast = everything.feast
    assert feast is not None
    assert (feast.project, feast.entity_key_serialization_version) == ("sample_project", 3)
    assert feast.entities == {"user": Entity("user", join_key="user_id", dtype="String")}
    assert feast.views["user_demographics"] == FeatureView(
        "user_demographics",
        entities=("user",),
        features={
            "age": Feature("age", dtype="Int64"),
            "gender": Feature(
                "gender", dtype="String", severity=Severity.WARNING, deprecated=True, sunset=date(2099, 1, 1)
            ),
            "score": Feature("score", dtype="Float64"),
            "tags": Feature("tags", dtype="Array(String)"),
            "mood": Feature("mood", dtype="String"),
        },
        source="user_demographics",
        timestamp_field="event_timestamp",
        ttl=365 * 24 * 3600,
        definition_digest="sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    )
    assert feast.views["computed"] == FeatureView(
        "computed",
        entities=("user",),
        features={"is_new": Feature("is_new", dtype="Bool")},
        online=False,
        stability=Stability.ALPHA,
    )
    assert feast.services == {
        "fraud_detection": FeatureService(
            "fraud_detection", features=("user_demographics:age", "computed:is_new"), stability=Stability.BETA
        )
    }


def test_every_other_field_arrives(everything: Contract) -> None:
    assert everything.fixtures == {
        "known_users": KnownKeys(
            "known_users",
            entity="user",
            values=("user_001", "user_002"),
            places=("offline", "online"),
            given="cards 1: 9 rows",
        ),
        "answers-now": KnownAnswers(
            "answers-now",
            view="user_demographics",
            answers=(
                KnownAnswer({"user_id": "user_001"}, {"age": 31, "gender": "F", "score": -0.5}),
                KnownAnswer({"user_id": "user_002"}, {"age": None, "score": 7}),
            ),
        ),
        "answers_then": KnownAnswers(
            "answers_then",
            view="computed",
            answers=(KnownAnswer({"user_id": "user_001"}, {"is_new": False}),),
            at=datetime(2025, 12, 31, 15, tzinfo=UTC),
            given="cards-2",
            severity=Severity.WARNING,
        ),
    }
    assert everything.service_levels["online-read-p95"] == ServiceLevel(
        "online-read-p95",
        property="latency",
        value=50.0,
        unit="ms",
        element="feast.user_demographics",
        severity=Severity.WARNING,
    )
    assert everything.service_levels["ping.p95"].severity is Severity.ERROR
    assert list(everything.service_levels) == ["online-read-p95", "ping.p95", "fresh", "fresh-features"]
    assert everything.reserved == {
        "env": ("REDIS_URL",),
        "services": ("minio",),
        "tables": ("sessions",),
        "features": ("user_demographics:height",),
    }
    assert (everything.ruleset, everything.verification_script) == (1, "scripts/verify it.py")
    assert (everything.status, everything.owner) == ("deprecated", "Søren & co.")
    assert everything.description == "All of it: 1"


def promises(value: object) -> Iterator[Promise]:
    """Every promise in a contract, however deep."""
    if isinstance(value, Promise):
        yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    members = [getattr(value, each.name) for each in fields(value)] if is_dataclass(value) else []
    for each in (*inside, *members):
        yield from promises(each)


def kinds(kind: type[Promise]) -> Iterator[type[Promise]]:
    """Every kind of promise that is not a family of others."""
    if not (below := kind.__subclasses__()):
        yield kind
    for each in below:
        yield from kinds(each)


def test_every_promise_knows_its_line(everything: Contract) -> None:
    """The line is where its name stands, and it stands as a key, or as the value of name or id."""
    lines = everything.path.read_text(encoding="utf-8").splitlines()
    found = list(promises(everything))
    assert {type(promise) for promise in found} == set(kinds(Promise))
    assert [promise for promise in found if promise.name not in lines[promise.line - 1]] == []
    assert everything.feast is not None
    assert lines[everything.feast.line - 1] == "feast:"


# The 1.0 form


def test_the_1_0_form_means_the_well_known_names_alike(file: Path, own: Contract) -> None:
    file.write_text(form_1_0(own), encoding="utf-8")
    contract = load(file)
    assert (contract.form, contract.version, contract.name) == ("1.0", own.version, "dev-contract")
    for name, variable in contract.variables.items():
        assert variable == replace(own.variables[name], default=None)
        assert variable.line == line_of(file, f"- {name}")
    assert [(s.name, s.protocol, s.port, s.health_path) for s in contract.services.values()] == [
        (s.name, s.protocol, s.port, s.health_path) for s in own.services.values()
    ]
    assert [service.version for service in contract.services.values()] == ["", "", ""]
    assert contract.services["redis"].line == line_of(file, '- name: "redis"')


def test_the_1_0_form_says_little_of_other_names(file: Path) -> None:
    file.write_text(
        "version: '1.2.3'\nprovides_env_variables: [API_KEY, POSTGRES_PORT]\nverification_script: v.py\n"
        "provides_services: [{name: web, port: 80, health_check: /up}, {name: queue, port: 81}]\n"
    )
    contract = load(file)
    assert contract.variables == {
        "API_KEY": Variable("API_KEY", VariableType.STRING),
        "POSTGRES_PORT": Variable("POSTGRES_PORT", VariableType.PORT),  # it binds nothing that is there
    }
    assert contract.services == {
        "web": ContractService("web", protocol="http", version="", port=80, health_path="/up"),
        "queue": ContractService("queue", protocol="", version="", port=81),
    }


def test_the_well_known_names_are_those_of_this_provider(own: Contract) -> None:
    assert {name: replace(own.variables[name], default=None) for name in VARIABLES} == VARIABLES
    assert {name: service.protocol for name, service in own.services.items()} == SERVICES


# Newer forms, for consumers


def newer(text: str) -> str:
    added = text.replace("mmp.dev/v2", "mmp.dev/v3")
    return added.replace("env:\n", "new_section: {a: [1]}\nenv:\n", 1).replace(
        "{type: port,", "{type: port, new: 1,", 1
    )


def test_a_consumer_goes_on_with_what_it_knows_of_a_newer_form(file: Path) -> None:
    file.write_text(newer(MINIMAL), encoding="utf-8")
    contract, warnings = load_lenient(file)
    assert contract.form == "mmp.dev/v3"
    assert contract.variables == load(CORPUS / "valid" / "minimal.yml").variables
    assert warnings == [
        f"dev-contract.yml:{line_of(file, 'apiVersion')}: apiVersion: this tool knows mmp.dev/v2, not mmp.dev/v3; "
        "upgrade it with `pip install --upgrade mmp-local-dev`; until then, what is new in it is left out"
    ]


def test_a_provider_does_not(file: Path) -> None:
    file.write_text(newer(MINIMAL), encoding="utf-8")
    assert "this tool knows mmp.dev/v2, not mmp.dev/v3" in refusal(file)


def test_a_consumer_sees_the_same_of_a_form_that_it_knows() -> None:
    path = CORPUS / "valid" / "everything.yml"
    assert load_lenient(path) == (load(path), [])


def test_what_is_wrong_in_a_newer_form_is_wrong_for_consumers_too(file: Path) -> None:
    file.write_text(newer(MINIMAL).replace("port: 6379", "port: none"), encoding="utf-8")
    with pytest.raises(ContractInvalid, match="has to be a whole number"):
        load_lenient(file)


# What consumers of the 1.0 form do


def test_nothing_runs_the_verification_script() -> None:
    """It is a text: read into the model, and written out again."""
    package = ROOT / "src" / "mmp_local_dev"
    sources = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    named = {name for name, source in sources.items() if "verification_script" in source}
    contract = "contract/"
    assert {name.removeprefix(contract) for name in named} == {
        "model.py",
        "load/build/__init__.py",
        "load/build/form_1_0.py",
        "load/other_forms.py",
        "export/form_1_0.py",
        "compare/rules_document.py",
    }


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
    assert refusal(file) == f"{file}: is larger than 1024 KiB, more than is read here"


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
