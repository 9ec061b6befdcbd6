"""A complete workspace that keeps its contract; one change in one file; and the one clause that it breaks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from conftest import REPOSITORY
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.operations.check import check_static
from mmp_local_dev.operations.init import init
from mmp_local_dev.workspace import Workspace

SAMPLE = REPOSITORY / "tests" / "static_sample"

COMPOSE, ENV, SQL = "docker-compose.yml", ".env", "scripts/seed.sql"
STORE, ENTITIES, FEATURES = (f"feast_repo/{name}" for name in ("feature_store.yaml", "entities.py", "features.py"))
DEMOGRAPHICS, ACTIVITY = "features.user_demographics", "features.user_activity"

# What it is called; the file, what is replaced in it by what; the one clause that fails; what the message says.
DRIFTS = [
    ("a variable is missing", ENV, "REDIS_PORT=6379\n", "", "env.present[REDIS_PORT]", ".env:1: does not set"),
    ("a port that is none", ENV, "REDIS_PORT=6379", "REDIS_PORT=redis", "env.type[REDIS_PORT]", ".env:7: REDIS_PORT"),
    ("none of an enum", ENV, "LOG_LEVEL=info", "LOG_LEVEL=loud", "env.type[LOG_LEVEL]", "one of debug, info"),
    ("a short password", ENV, "a-planted-secret", "s3cret", "env.type[POSTGRES_PASSWORD]", "8 characters"),
    ("a broken .env", ENV, "LOG_LEVEL=info", "LOG_LEVEL='info", "file.readable[.env]", ".env:11"),
    ("a missing service", COMPOSE, "  redis:", "  cache:", "service.ready[redis]", "has no service redis"),
    ("another port", COMPOSE, "${REDIS_PORT}", "6380", "service.port[redis]", "docker-compose.yml:16: redis"),
    ("another default", COMPOSE, "_PORT:-5432", "_PORT:-5433", "service.port[postgresql]", "5433 by default"),
    ("another variable", COMPOSE, "${REDIS_PORT}", "${CACHE_PORT}", "service.port[redis]", "is told by REDIS_PORT"),
    ("another container port", COMPOSE, "}:6379", "}:6380", "service.port[redis]", "its endpoint in the network"),
    ("on every address", COMPOSE, "127.0.0.1:${RE", "0.0.0.0:${RE", "service.loopback[redis]", "beyond"),
    ("on no address", COMPOSE, "127.0.0.1:${RE", "${RE", "service.loopback[redis]", "docker-compose.yml:16"),
    ("a long port on no address", COMPOSE, ", host_ip: 127.0.0.1", "", "service.loopback[mlflow]", "beyond"),
    ("another major", COMPOSE, "postgres:17", "postgres:16.4", "service.version[postgresql]", "promised range"),
    ("the latest", COMPOSE, "redis:8-alpine", "redis:latest", "service.version[redis]", "whatever is the latest"),
    ("no tag", COMPOSE, "redis:8-alpine", "registry:5000/redis", "service.version[redis]", "whatever is the latest"),
    ("another pin", "mlflow/requirements.txt", "3.17.2", "3.1.4", "service.version[mlflow]", "requirements.txt:2"),
    ("trust", COMPOSE, "=scram-sha-256", "=trust", "service.auth[postgresql]", "without a password"),
    ("another path", COMPOSE, "5002/health", "5002/healthz", "mlflow.health[/health]", "asks another path"),
    ("a broken Compose file", COMPOSE, "services:", "services: [", f"file.readable[{COMPOSE}]", "docker-compose.yml:"),
    ("a missing table", SQL, f"TABLE {ACTIVITY} (", "TABLE x (", f"table.present[{ACTIVITY}]", "no SQL file makes"),
    ("SQL that is none", SQL, f"TABLE {ACTIVITY} (", f"TABLE {ACTIVITY} ((", f"table.present[{ACTIVITY}]",
     "seed.sql:14: cannot be read"),
    ("a missing column", SQL, "    age int4,\n", "", f"table.column[{DEMOGRAPHICS}:age]", "seed.sql:7: "),
    ("a renamed column", SQL, "    gender ", "    sex ", f"table.column[{DEMOGRAPHICS}:gender]", "no column gender"),
    ("a dropped column", SQL, "INSERT INTO", f"ALTER TABLE {ACTIVITY} DROP COLUMN logins; INSERT INTO",
     f"table.column[{ACTIVITY}:logins]", "no column logins"),
    ("another type", SQL, "logins bigint", "logins text", f"table.column[{ACTIVITY}:logins]", "seed.sql:18: "),
    ("another size", SQL, "varying(10)", "varying(20)", f"table.column[{DEMOGRAPHICS}:gender]", "seed.sql:11: "),
    ("nullable", SQL, "bigint NOT NULL", "bigint", f"table.column[{ACTIVITY}:logins]", "may be NULL"),
    ("no primary key", SQL, "(50) PRIMARY KEY", "(50) NOT NULL", f"table.key[{DEMOGRAPHICS}]", "seed.sql:7: "),
    ("a missing grant", SQL, f"GRANT SELECT ON {DEMOGRAPHICS} TO mlpipeline_user;", "", f"table.grant[{DEMOGRAPHICS}]",
     "may not read"),
    ("a grant to nobody", SQL, f"ON TABLE {ACTIVITY} TO mlpipeline_user", f"ON {ACTIVITY} TO mluser",
     f"table.grant[{ACTIVITY}]", "seed.sql:24: gives"),
    ("another project", STORE, "${FEAST_PROJECT}", "other", "feast.registry[mmp_local_dev]", "feature_store.yaml:1: "),
    ("SQLite online", STORE, "type: redis", "type: sqlite", "feast.registry[mmp_local_dev]", "feature_store.yaml:7: "),
    ("files offline", STORE, "type: postgres", "type: file", "feast.registry[mmp_local_dev]", "offline_store.type"),
    ("another serialization", STORE, "version: 3", "version: 2", "feast.registry[mmp_local_dev]", ".yaml:12: "),
    ("a registry of its own", STORE, "${FEAST_REGISTRY_PATH}", "data/registry.db", "feast.registry[mmp_local_dev]",
     "the registry is not where"),
    ("a broken feature_store.yaml", STORE, "provider:", "provider", f"file.readable[{STORE}]", "feature_store.yaml:"),
    ("broken definitions", FEATURES, "SCHEMA =", "SCHEMA = =", "file.readable[feast_repo/*.py]", "features.py:8: "),
    ("a missing entity", ENTITIES, 'name="user_id"', 'name="user"', "feast.entity[user_id]", "defines the Entity"),
    ("another join key", ENTITIES, '["user_id"]', '["id"]', "feast.entity[user_id]", "entities.py:3: join_keys"),
    ("another value type", ENTITIES, "STRING", "INT64", "feast.entity[user_id]", "value_type of user_id"),
    ("a missing view", FEATURES, '"user_activity",\n    ent', '"activity",\n    ent', "feature.view[user_activity]",
     "defines the FeatureView"),
    ("other entities", FEATURES, "[user],\n    ttl=timedelta(hours", "[],\n    ttl=timedelta(hours",
     "feature.view[user_activity]", "of other entities"),
    ("another source", FEATURES, "{SCHEMA}.user_activity", "{SCHEMA}.logins", "feature.view[user_activity]",
     "features.py:16: user_activity reads another table"),
    ("another query", FEATURES, "FROM features.user_demographics", "FROM features.users",
     "feature.view[user_demographics]", "features.py:13: "),
    ("another time", FEATURES, 'TIMESTAMP = "event_timestamp"', 'TIMESTAMP = "at"', "feature.view[user_demographics]",
     "another column for the time"),
    ("another ttl", FEATURES, "days=365", "days=30", "feature.view[user_demographics]", "features.py:21: the ttl"),
    ("not online", FEATURES, "online=True", "online=False", "feature.view[user_demographics]", "not online"),
    ("a missing feature", FEATURES, '        Field(name="gender", dtype=String),\n', "",
     "feature.dtype[user_demographics:gender]", "has no feature gender"),
    ("another dtype", FEATURES, 'name="age", dtype=Int64', 'name="age", dtype=String',
     "feature.dtype[user_demographics:age]", "features.py:23: "),
    ("a service without a feature", FEATURES, '[["age"]]', '[["gender"]]', "feature.service[fraud_detection]",
     "features.py:39: fraud_detection lacks user_demographics:age"),
]  # fmt: skip


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    shutil.copytree(SAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "env").rename(tmp_path / ".env")
    return tmp_path


def checked(root: Path) -> Report:
    return check_static(Workspace(root).stack("default"))


def broken(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.outcome is Outcome.FAILED]


def outcomes(report: Report, *kinds: str) -> dict[str, Outcome]:
    return {each.clause: each.outcome for each in report.findings if each.clause.partition("[")[0] in kinds}


def test_the_sample_is_kept(sample: Path) -> None:
    report = checked(sample)
    assert report.mode == "static"
    assert report.kept, broken(report)
    skipped = {finding.clause for finding in report.findings if finding.outcome is not Outcome.PASSED}
    optional = {f"env.{kind}[{name}]" for kind in ("present", "type") for name in ("FEAST_REGISTRY_PATH", "OLD_URL")}
    assert skipped == optional | {"env.deprecated[OLD_URL]"}


@pytest.mark.parametrize(("_what", "file", "old", "new", "clause", "message"), DRIFTS, ids=[row[0] for row in DRIFTS])
def test_one_drift_breaks_one_clause(
    sample: Path, _what: str, file: str, old: str, new: str, clause: str, message: str
) -> None:
    path = sample / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    report = checked(sample)
    assert {finding.clause for finding in broken(report)} == {clause}
    assert Outcome.UNKNOWN not in {finding.outcome for finding in report.findings}
    (found,) = broken(report)
    assert message in found.message
    assert found.expected
    assert found.actual
    assert found.repairs
    assert re.fullmatch(r"dev-contract\.yml:[1-9]\d*", found.declared)
    assert "s3cret" not in str(report.to_data())


def test_every_kind_of_clause_has_a_drift(sample: Path) -> None:
    told = {finding.clause.partition("[")[0] for finding in checked(sample).findings}
    assert told == {row[4].partition("[")[0] for row in DRIFTS} | {"env.deprecated", "env.reserved"}


class TestNames:
    @pytest.mark.parametrize(
        ("name", "clause"), [("OLD_URL", "env.deprecated[OLD_URL]"), ("ANCIENT_URL", "env.reserved[ANCIENT_URL]")]
    )
    def test_one_that_goes_or_is_gone_is_told_and_breaks_nothing(self, sample: Path, name: str, clause: str) -> None:
        with (sample / ".env").open("a") as file:
            file.write(f"{name}=http://localhost\n")
        report = checked(sample)
        assert report.kept
        (warned,) = (finding for finding in report.findings if finding.outcome is Outcome.WARNING)
        assert (warned.clause, warned.message.partition(" ")[0]) == (clause, ".env:12:")


class TestWhatIsNotThere:
    def test_without_env_nothing_is_said_about_variables(self, sample: Path) -> None:
        (sample / ".env").unlink()
        report = checked(sample)
        assert report.kept
        assert set(outcomes(report, "env.present", "env.type").values()) == {Outcome.SKIPPED}

    def test_without_a_compose_file_nothing_is_said_about_services(self, sample: Path) -> None:
        (sample / COMPOSE).unlink()
        report = checked(sample)
        assert report.kept
        assert set(outcomes(report, "service.ready", "service.port").values()) == {Outcome.SKIPPED}

    def test_without_sql_nothing_is_said_about_tables(self, sample: Path) -> None:
        (sample / SQL).unlink()
        report = checked(sample)
        assert report.kept
        assert set(outcomes(report, "table.present", "table.column", "table.key").values()) == {Outcome.SKIPPED}

    def test_without_any_grant_nothing_is_said_about_grants(self, sample: Path) -> None:
        text = (sample / SQL).read_text()
        (sample / SQL).write_text(text.replace("GRANT", "-- GRANT"))
        report = checked(sample)
        assert report.kept
        assert set(outcomes(report, "table.grant").values()) == {Outcome.SKIPPED}

    def test_without_a_feast_repository_there_is_one_cause(self, sample: Path) -> None:
        shutil.rmtree(sample / "feast_repo")
        report = checked(sample)
        assert [finding.clause for finding in broken(report)] == ["feast.registry[mmp_local_dev]"]
        rest = outcomes(report, "file.readable", "feast.entity", "feature.view", "feature.dtype", "feature.service")
        assert {clause for clause, outcome in rest.items() if outcome is Outcome.BLOCKED} == {
            clause for clause in rest if clause.startswith("fe") or "*.py" in clause
        }


def test_an_other_stack_has_its_own_env_file(sample: Path) -> None:
    (sample / ".env.other").write_text("REDIS_PORT=none\n")
    report = check_static(Workspace(sample).stack("other"))
    message = next(each.message for each in broken(report) if each.clause == "env.type[REDIS_PORT]")
    assert message.startswith(".env.other:1: ")


class TestThisProject:
    def test_the_repository_keeps_its_contract(self) -> None:
        report = checked(REPOSITORY)
        assert report.kept, broken(report)
        kinds = (
            "service.ready",
            "service.version",
            "service.port",
            "service.loopback",
            "table.present",
            "table.column",
        )
        assert set(outcomes(report, *kinds).values()) == {Outcome.PASSED}

    @pytest.mark.parametrize(
        ("old", "new", "clause"),
        [
            ("category varchar(50) NOT NULL,\n    amount", "category text NOT NULL,\n    amount",
             "table.column[features.transactions:category]"),
            ("EXISTS merchant_stats (", "EXISTS other.merchant_stats (", "table.present[features.merchant_stats]"),
            ("PRIMARY KEY (merchant_id, event_timestamp)", "PRIMARY KEY (event_timestamp, merchant_id)",
             "table.key[features.merchant_stats]"),
        ],
        ids=["another type", "another schema", "another key"],
    )  # fmt: skip
    def test_a_drift_of_the_tables_that_up_makes(self, tmp_path: Path, old: str, new: str, clause: str) -> None:
        init(tmp_path)
        file = tmp_path / "scripts" / "feature_tables.sql"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")
        assert {finding.clause for finding in broken(checked(tmp_path))} == {clause}

    def test_only_what_up_runs_is_run_in_the_schema_of_features(self, tmp_path: Path) -> None:
        """Who runs another file by hand makes tables in `public`, where no feature looks for them."""
        init(tmp_path)
        scripts = tmp_path / "scripts"
        (scripts / "feature_tables.sql").rename(scripts / "tables.sql")
        report = checked(tmp_path)
        assert set(outcomes(report, "table.present").values()) == {Outcome.SKIPPED}

    def test_so_does_a_new_workspace(self, tmp_path: Path) -> None:
        init(tmp_path)
        report = checked(tmp_path)
        assert report.kept, broken(report)
        assert outcomes(report, "service.ready").keys() == {
            f"service.ready[{name}]" for name in load(tmp_path / "dev-contract.yml").services
        }
