"""Each way in which a stack can drift from its contract, planted in a real one: exactly the clauses that are about it
break, and nothing else does."""

from __future__ import annotations

import shlex
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from conftest import Dev, free_ports
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.model import Contract, KnownKeys
from mmp_local_dev.contract.report import Finding, Outcome, Report
from mmp_local_dev.contract.waivers import Waiver, Waivers
from mmp_local_dev.environment import Environment
from mmp_local_dev.operations.up import up
from mmp_local_dev.services import postgresql
from sample import Sample, make_sample

pytestmark = pytest.mark.needs("native")

Planted = tuple[Contract, Environment]  # what is checked instead
Plant = Callable[[Sample], Iterator[Planted]]

DEMOGRAPHICS, INTERESTS = "features.user_demographics", "features.user_interests"
CONSISTENT = "online.consistent[user_demographics]"


@pytest.fixture(scope="module")
def sample(running: Dev) -> Sample:
    """A feature store on a running stack. Each test leaves it as it found it."""
    return make_sample(running)


def broken(report: Report) -> dict[str, Finding]:
    """What is neither kept nor explained by something else that is broken."""
    told = (Outcome.FAILED, Outcome.WARNING, Outcome.UNKNOWN)
    return {finding.clause: finding for finding in report.findings if finding.outcome in told}


def of_fixtures(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.section == "fixtures"]


def values(**changes: str) -> Plant:
    """Other values in the environment; "" takes the variable away."""

    def plant(sample: Sample) -> Iterator[Planted]:
        given = {name: value for name, value in {**sample.env, **changes}.items() if value}
        yield sample.contract, Environment(given, sample.env.secrets)

    return plant


def other_port(variable: str) -> Plant:
    """A port in the environment on which nothing listens."""
    return lambda sample: values(**{variable: str(free_ports(1)[0])})(sample)


def variable(name: str, value: str = "", **promised: Any) -> Plant:
    """Something else promised of a variable, which has this value."""

    def plant(sample: Sample) -> Iterator[Planted]:
        variables = {**sample.contract.variables, name: replace(sample.contract.variables[name], **promised)}
        yield replace(sample.contract, variables=variables), sample.env.with_values(**{name: value or sample.env[name]})

    return plant


def service(name: str, **promised: Any) -> Plant:
    """Something else promised of a service."""

    def plant(sample: Sample) -> Iterator[Planted]:
        services = {**sample.contract.services, name: replace(sample.contract.services[name], **promised)}
        yield replace(sample.contract, services=services), sample.env

    return plant


def level(name: str, value: float) -> Plant:
    """More promised of a service level than can be."""

    def plant(sample: Sample) -> Iterator[Planted]:
        levels = {**sample.contract.service_levels, name: replace(sample.contract.service_levels[name], value=value)}
        yield replace(sample.contract, service_levels=levels), sample.env

    return plant


def sql(do: str, undo: str) -> Plant:
    """Something done to the database."""

    def plant(sample: Sample) -> Iterator[Planted]:
        sample.sql(do)
        try:
            yield sample.contract, sample.env
        finally:
            sample.sql(undo)

    return plant


def altered(table: str, do: str, undo: str) -> Plant:
    """A table altered."""
    return sql(f"ALTER TABLE {table} {do}", f"ALTER TABLE {table} {undo}")


def registry(content: Callable[[Sample], bytes | None]) -> Plant:
    """Something else in the registry's file, or no file."""

    def plant(sample: Sample) -> Iterator[Planted]:
        with sample.registry_with(content(sample)):
            yield sample.contract, sample.env

    return plant


def edited(edit: Callable[[Any], object]) -> Plant:
    """The registry as another `feast apply` would leave it."""
    return registry(lambda sample: sample.edited_registry(edit))


def named(items: Any, name: str) -> Any:
    """The definition of that name."""
    return next(item for item in items if item.spec.name == name)


def demographics(message: Any) -> Any:
    return named(message.feature_views, "user_demographics").spec


def a_feature(message: Any, name: str) -> Any:
    return next(feature for feature in demographics(message).features if feature.name == name)


def stopped(name: str) -> Plant:
    def plant(sample: Sample) -> Iterator[Planted]:
        with sample.stopped(name):
            yield sample.contract, sample.env

    return plant


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """The port of a server of our own."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                handle(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_address[1])
        server.shutdown()


def stranger(sample: Sample) -> Iterator[Planted]:
    """Somebody else's server, where Redis is said to be."""

    def handle(client: socket.socket) -> None:
        while client.recv(4096):
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(handle) as port:
        yield from values(REDIS_PORT=port)(sample)


def no_tls(sample: Sample) -> Iterator[Planted]:
    """The stack's own PostgreSQL, behind a server that answers requests for encryption with `N` as one without does."""
    address = ("127.0.0.1", int(sample.env["POSTGRES_PORT"]))

    def handle(client: socket.socket) -> None:
        while (first := client.recv(8))[4:] in (SSL_REQUEST, GSS_REQUEST):
            client.sendall(b"N")
        with socket.create_connection(address) as server:
            server.sendall(first)
            answers = threading.Thread(target=copy, args=(server, client), daemon=True)
            answers.start()
            copy(client, server)
            answers.join()

    with serving(handle) as port:
        yield from values(POSTGRES_PORT=port)(sample)


SSL_REQUEST, GSS_REQUEST = (code.to_bytes(4, "big") for code in (80877103, 80877104))


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Everything that one sends, to the other."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def online_row_lost(sample: Sample) -> Iterator[Planted]:
    with sample.online_keys() as (client, keys):
        client.rename(keys["user_003"], "elsewhere")
        yield sample.contract, sample.env
        client.rename("elsewhere", keys["user_003"])


def online_row_stale(sample: Sample) -> Iterator[Planted]:
    with sample.online_keys() as (client, keys):
        client.rename(keys["user_001"], "elsewhere")
        client.copy(keys["user_002"], keys["user_001"])
        yield sample.contract, sample.env
        client.rename("elsewhere", keys["user_001"])


@dataclass(frozen=True)
class Drift:
    """What is planted, the clause that tells, and a word of what it tells; `also` are others that are about it, too."""

    name: str
    plant: Plant
    clause: str
    word: str = ""
    outcome: Outcome = Outcome.FAILED
    also: tuple[str, ...] = ()


DRIFTS = [
    Drift("a variable is missing", values(POSTGRES_HOST=""), "env.present[POSTGRES_HOST]"),
    Drift("a port is no number", values(REDIS_PORT="six"), "env.type[REDIS_PORT]", "1 to 65535"),
    Drift(
        "another value than the only one",
        variable("FEAST_PROJECT", "other", const=True),
        "env.type[FEAST_PROJECT]",
        "mmp_local_dev",
    ),
    Drift("a value outside the list", variable("POSTGRES_USER", enum=("a", "b")), "env.type[POSTGRES_USER]", "a, b"),
    Drift("too short a password", variable("POSTGRES_PASSWORD", min_length=99), "env.type[POSTGRES_PASSWORD]", "99"),
    Drift("what the consumer has to set", variable("REDIS_PASSWORD", " ", enum=("x",)), "env.type[REDIS_PASSWORD]"),
    Drift("another port in .env", other_port("REDIS_PORT"), "service.ready[redis]", "refused"),
    Drift("a wrong URL in .env", values(MLFLOW_TRACKING_URI="http://localhost:1"), "service.ready[mlflow]"),
    Drift("a stranger on the port", stranger, "service.ready[redis]"),
    Drift("a service that does not run", stopped("redis"), "service.ready[redis]", "refused"),
    Drift("a wrong password in .env", values(POSTGRES_PASSWORD="wrong"), "service.ready[postgresql]", "password"),
    Drift("another database", values(POSTGRES_DB="postgres"), "service.schema[FEAST_DB_SCHEMA]"),
    Drift("no TLS", no_tls, "service.tls[postgresql]", "SSL"),
    Drift("a version out of range", service("postgresql", version=">=18"), "service.version[postgresql]", "17."),
    Drift("another port than the fixed one", service("redis", port_policy="fixed"), "service.port[redis]", "6379"),
    Drift(
        "too old a client library", service("redis", clients={"redis": ">=99"}), "service.client[redis:redis]", ">=99"
    ),
    Drift("no such schema", values(FEAST_DB_SCHEMA="elsewhere"), "service.schema[FEAST_DB_SCHEMA]", "elsewhere"),
    Drift(
        "a renamed table",
        sql(
            f"ALTER TABLE {INTERESTS} RENAME TO user_interest",
            "ALTER TABLE features.user_interest RENAME TO user_interests",
        ),
        f"table.present[{INTERESTS}]",
        "did you mean user_interest?",
    ),
    Drift(
        "a renamed column",
        altered(DEMOGRAPHICS, "RENAME gender TO genders", "RENAME genders TO gender"),
        f"table.column[{DEMOGRAPHICS}:gender]",
        "did you mean genders?",
    ),
    Drift(
        "another type of a column",
        altered(DEMOGRAPHICS, "ALTER income TYPE numeric(12,2)", "ALTER income TYPE float8"),
        f"table.column[{DEMOGRAPHICS}:income]",
        "numeric(12,2)",
    ),
    Drift(
        "another length of a column",
        altered(DEMOGRAPHICS, "ALTER gender TYPE varchar(20)", "ALTER gender TYPE varchar(10)"),
        f"table.column[{DEMOGRAPHICS}:gender]",
        "character varying(20)",
    ),
    Drift(
        "a column that may be null",
        altered(DEMOGRAPHICS, "ALTER age DROP NOT NULL", "ALTER age SET NOT NULL"),
        f"table.column[{DEMOGRAPHICS}:age]",
        "NOT NULL",
    ),
    Drift(
        "no primary key",
        altered(DEMOGRAPHICS, "DROP CONSTRAINT user_demographics_pkey", "ADD PRIMARY KEY (user_id, event_timestamp)"),
        f"table.key[{DEMOGRAPHICS}]",
        "PRIMARY KEY (user_id, event_timestamp)",
    ),
    Drift(
        "no longer unique",
        altered(INTERESTS, "DROP CONSTRAINT user_interests_email_key", "ADD UNIQUE (email)"),
        f"table.key[{INTERESTS}]",
        "UNIQUE (email)",
    ),
    Drift(
        "a right taken away",
        sql(f"REVOKE SELECT ON {DEMOGRAPHICS} FROM CURRENT_USER", f"GRANT SELECT ON {DEMOGRAPHICS} TO CURRENT_USER"),
        f"table.grant[{DEMOGRAPHICS}]",
        "GRANT SELECT",
    ),
    Drift("no registry", registry(lambda _: None), "feast.registry[mmp_local_dev]", "No such file"),
    Drift(
        "half a registry",
        registry(lambda sample: sample.registry.read_bytes()[:-100]),
        "feast.registry[mmp_local_dev]",
        "part of one",
    ),
    Drift("an empty registry", registry(lambda _: b""), "feast.registry[mmp_local_dev]", "does not hold"),
    Drift("another project", values(FEAST_PROJECT="other"), "feast.registry[mmp_local_dev]", "the project other"),
    Drift(
        "no such entity",
        edited(lambda message: message.entities.remove(named(message.entities, "user_id"))),
        "feast.entity[user_id]",
    ),
    Drift(
        "another join key",
        edited(lambda message: setattr(named(message.entities, "user_id").spec, "join_key", "uid")),
        "feast.entity[user_id]",
        "uid String",
    ),
    Drift(
        "another type of a key",
        edited(lambda message: setattr(named(message.entities, "user_id").spec, "value_type", 4)),
        "feast.entity[user_id]",
        "user_id Int64",
    ),
    Drift(
        "a renamed view",
        edited(lambda message: setattr(demographics(message), "name", "user_demographic")),
        "feature.view[user_demographics]",
        "did you mean user_demographic?",
    ),
    Drift(
        "a view that is not online",
        edited(lambda message: setattr(demographics(message), "online", False)),
        "feature.view[user_demographics]",
        "not online",
    ),
    Drift(
        "a view that is switched off",
        edited(lambda message: setattr(demographics(message), "disabled", True)),
        "feature.view[user_demographics]",
        "not online",
    ),
    Drift(
        "a shorter ttl",
        edited(lambda message: setattr(demographics(message).ttl, "seconds", 60)),
        "feature.view[user_demographics]",
        "ttl 60 s",
    ),
    Drift(
        "another source",
        edited(
            lambda message: setattr(
                demographics(message).batch_source.custom_options,
                "configuration",
                b'{"name": "x", "query": "", "table": "features.users"}',
            )
        ),
        "feature.view[user_demographics]",
        "features.users",
    ),
    Drift(
        "another timestamp field",
        edited(lambda message: setattr(demographics(message).batch_source, "timestamp_field", "created")),
        "feature.view[user_demographics]",
        "timestamp field created",
    ),
    Drift(
        "a renamed feature",
        edited(lambda message: setattr(a_feature(message, "gender"), "name", "genders")),
        "feature.dtype[user_demographics:gender]",
        "did you mean genders?",
    ),
    Drift(
        "another type of a feature",
        edited(lambda message: setattr(a_feature(message, "gender"), "value_type", 12)),
        "feature.dtype[user_demographics:gender]",
        "Array(String)",
    ),
    Drift(
        "a feature service with less",
        edited(lambda message: named(message.feature_services, "scoring").spec.features.pop()),
        "feature.service[scoring]",
        "lacks user_age:age_in_months",
    ),
    Drift("a known key lost online", online_row_lost, "fixture.online[known_users]", "user_003", also=(CONSISTENT,)),
    Drift(
        "a known key lost offline",
        sql(
            f"UPDATE {DEMOGRAPHICS} SET user_id = 'user_004' WHERE user_id = 'user_003'",
            f"UPDATE {DEMOGRAPHICS} SET user_id = 'user_003' WHERE user_id = 'user_004'",
        ),
        "fixture.offline[known_users]",
        "user_003",
        also=(CONSISTENT,),
    ),
    Drift("an old row online", online_row_stale, "fixture.online[demographics_now]", "age=44", also=(CONSISTENT,)),
    Drift(
        "another answer as of then",
        sql(f"UPDATE {DEMOGRAPHICS} SET age = 29 WHERE age = 30", f"UPDATE {DEMOGRAPHICS} SET age = 30 WHERE age = 29"),
        "fixture.offline[demographics_in_spring]",
        "age=29",
    ),
    Drift("old rows", level("fresh", 1), "sla.freshness[fresh]", "at most 1 d", Outcome.WARNING),
    Drift("slow reads", level("online-read", 1e-9), "sla.latency[online-read]", "p95", Outcome.WARNING),
]


def test_nothing_is_broken_before(sample: Sample) -> None:
    report = sample.report(sample.contract, sample.env)
    assert broken(report) == {}
    assert report.kept


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_the_clause_tells(sample: Sample, drift: Drift) -> None:
    with contextmanager(drift.plant)(sample) as (contract, env):
        report = sample.report(contract, env)
    found = broken(report)
    assert set(found) == {drift.clause, *drift.also}, {name: finding.message for name, finding in found.items()}
    finding = found[drift.clause]
    told = [finding.message, finding.expected, finding.actual, *(repair.command for repair in finding.repairs)]
    assert finding.outcome is drift.outcome
    assert drift.word in " ".join(told)
    assert {each.cause for each in report.findings} <= {"", *found}
    assert finding.repairs


def test_a_view_in_place_of_a_table(sample: Sample) -> None:
    """Rights and columns are judged as a table's; what a view cannot declare is not."""
    do = (f"ALTER TABLE {INTERESTS} RENAME TO kept", f"CREATE VIEW {INTERESTS} AS SELECT * FROM features.kept")
    sample.sql(*do)
    try:
        report = sample.report(sample.contract, sample.env)
    finally:
        sample.sql(f"DROP VIEW {INTERESTS}", "ALTER TABLE features.kept RENAME TO user_interests")
    assert broken(report) == {}
    (key,) = [finding for finding in report.findings if finding.clause == f"table.key[{INTERESTS}]"]
    assert (key.outcome, key.message) == (Outcome.SKIPPED, "a view has no keys")


def test_keys_that_are_no_values_of_the_columns_type(sample: Sample) -> None:
    known = sample.contract.fixtures["known_users"]
    assert isinstance(known, KnownKeys)
    tables = {
        name: replace(table, columns={key: c for key, c in table.columns.items() if key != "user_id"}, primary_key=())
        for name, table in sample.contract.tables.items()
    }
    fixtures = {"known_users": replace(known, values=("one",), places=("offline",))}
    contract = replace(sample.contract, fixtures=fixtures, tables=tables)
    types = [f"ALTER TABLE {table} ALTER user_id TYPE {{}}" for table in (DEMOGRAPHICS, INTERESTS)]
    sample.sql(*(each.format("bigint USING right(user_id, 3)::bigint") for each in types))
    try:
        report = sample.report(contract, sample.env)
    finally:
        sample.sql(*(each.format("varchar(50) USING 'user_' || lpad(user_id::text, 3, '0')") for each in types))
    assert set(broken(report)) == {CONSISTENT, "fixture.offline[known_users]"}


def test_what_is_true_of_one_data_set_is_not_asked_of_another(sample: Sample) -> None:
    """Read by real Feast once the comments say that it is there, and not before."""
    given = {name: replace(each, given="cards 1: 9 rows") for name, each in sample.contract.fixtures.items()}
    contract = replace(sample.contract, fixtures=given)
    sample.sql(*(f"COMMENT ON TABLE {table} IS 'cards 1: 9 rows'" for table in (DEMOGRAPHICS, INTERESTS)))
    try:
        held = sample.report(contract, sample.env)
        sample.sql(f"COMMENT ON TABLE {DEMOGRAPHICS} IS 'fraudTrain.csv: 2 rows'")
        another = sample.report(contract, sample.env)
    finally:
        sample.sql(*(f"COMMENT ON TABLE {table} IS NULL" for table in (DEMOGRAPHICS, INTERESTS)))
    without = sample.report(contract, sample.env)
    reports = held, another, without
    assert [broken(report) for report in reports] == [{}, {}, {}]
    skipped = [{each.message for each in of_fixtures(report) if each.outcome is Outcome.SKIPPED} for report in reports]
    assert skipped == [
        set(),
        {'the stack holds the data set "fraudTrain.csv: 2 rows"; this is promised of "cards 1: 9 rows"'},
        {'the stack holds no data set; "cards 1: 9 rows" is promised after mmp-dev up --seed'},
    ]
    assert {each.outcome for each in of_fixtures(reports[0])} == {Outcome.PASSED}
    assert {each.outcome for report in reports[1:] for each in of_fixtures(report)} == {Outcome.SKIPPED}


def test_a_table_that_somebody_holds_is_not_waited_for(sample: Sample) -> None:
    """What only asks the catalogue still passes."""
    with postgresql.connect(sample.env, timeout=10) as somebody, somebody.transaction():
        somebody.execute(f"LOCK TABLE {DEMOGRAPHICS}".encode())
        report = sample.report(sample.contract, sample.env, timeout=2)
    assert set(broken(report)) == {
        CONSISTENT,
        "offline.point_in_time[user_demographics]",
        "fixture.offline[known_users]",
        "fixture.offline[demographics_in_spring]",
        "sla.freshness[fresh]",
    }
    assert "Feast did not answer within 2 seconds." in broken(report)["fixture.offline[demographics_in_spring]"].message


def test_up_leaves_what_reads_through_feast_to_check(sample: Sample) -> None:
    slow = {clause.id for clause in clauses_of(sample.contract) if clause.slow}
    told = f"Left to mmp-dev check, since reading through Feast takes seconds: {len(slow)} clauses.\n"
    assert told in sample.dev("up").stdout
    data = sample.dev.json("up")["data"]
    assert data["left_to_check"] == len(slow)
    assert not slow & {finding["clause"] for finding in data["report"]["findings"]}
    thorough = up(sample.opened.stack, thorough=True)
    assert thorough.left_to_check == 0
    assert thorough.report is not None
    assert slow <= {finding.clause for finding in thorough.report.of(Outcome.PASSED)}


class TestWaivers:
    clause = "service.version[redis]"

    def report(self, sample: Sample, today: date) -> Report:
        ((contract, env),) = service("redis", version=">=99")(sample)
        waiver = Waiver(self.clause, "the new one is not out", date(2026, 6, 30))
        return sample.report(contract, env, Waivers({self.clause: waiver}, today))

    def test_one_in_force_makes_it_a_warning(self, sample: Sample) -> None:
        report = self.report(sample, date(2026, 6, 30))
        (finding,) = broken(report).values()
        assert (finding.clause, finding.outcome, report.kept) == (self.clause, Outcome.WARNING, True)
        assert "the new one is not out" in finding.message

    def test_one_that_has_expired_does_not(self, sample: Sample) -> None:
        report = self.report(sample, date(2026, 7, 1))
        (finding,) = broken(report).values()
        assert (finding.clause, finding.outcome, report.exit_code) == (self.clause, Outcome.FAILED, 1)
        assert "its waiver expired on 2026-06-30" in finding.message


class TestCommand:
    """What `mmp-dev check` says of some, in a process of its own."""

    def test_a_stale_env_file(self, sample: Sample) -> None:
        path = sample.dev.root / ".env"
        before = path.read_text()
        path.write_text(before.replace(sample.env["POSTGRES_PASSWORD"], "stale"))
        try:
            done = sample.dev("check", code=1)
        finally:
            path.write_text(before)
        assert "service.ready[postgresql]" in done.stdout
        assert "stale" not in done.stdout + done.stderr

    def test_the_printed_repair_works(self, sample: Sample) -> None:
        sample.sql(f"REVOKE SELECT ON {INTERESTS} FROM CURRENT_USER")
        data = sample.dev.json("check", code=1)["data"]
        (finding,) = [each for each in data["findings"] if each["outcome"] == "failed"]
        assert finding["clause"] == f"table.grant[{INTERESTS}]"
        program, *arguments = shlex.split(finding["repairs"][0]["command"])
        assert program == "mmp-dev"
        sample.dev(*arguments)
        assert broken(sample.report(sample.contract, sample.env)) == {}


def test_nothing_is_broken_afterwards(sample: Sample) -> None:
    assert broken(sample.report(sample.contract, sample.env)) == {}
