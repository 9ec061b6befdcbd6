"""The data of one real server moved into another: all of it, in one step per database, and never a part of it."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, LiteralString

import psutil
import pytest

from conftest import REPOSITORY, free_ports
from mmp_local_dev import processes
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.resolve import Layer, resolve
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady
from mmp_local_dev.runtimes.base import PORT_VARIABLES
from mmp_local_dev.runtimes.native import NativeRuntime
from mmp_local_dev.services import SERVICES, postgresql, postgresql_data, postgresql_folder, settings
from mmp_local_dev.services.base import STACK_ID, Home
from mmp_local_dev.services.postgresql_fingerprint import SERVER
from mmp_local_dev.shell import CommandFailed
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Workspace, runtime_dir

pytestmark = pytest.mark.needs("native")
SECONDS = 60.0
ODD = 'o\'Hara; "x" :y größe'
ODD_DATABASE = "we\"ird 'db' %s {} host=nowhere"
LONG = "l" * 63
PASSWORD = "pass'wörd"
BIG = 3_000_000  # bytes, more than are moved at a time

Fingerprint = Mapping[str, Mapping[str, str]]

ROLES: LiteralString = """
    CREATE ROLE team NOLOGIN;
    CREATE ROLE analyst LOGIN PASSWORD 'analyst-secret' CONNECTION LIMIT 7 VALID UNTIL '2099-01-01';
    CREATE ROLE "o'Hara; ""x"" :y größe" LOGIN CREATEDB PASSWORD 'pass''wörd';
    COMMENT ON ROLE team IS 'first\r\n;
CREATE ROLE "analyst";
';
    GRANT team TO "o'Hara; ""x"" :y größe" WITH ADMIN OPTION;
    GRANT team TO analyst WITH INHERIT FALSE GRANTED BY "o'Hara; ""x"" :y größe";
    GRANT pg_read_all_stats TO analyst;
    ALTER ROLE analyst SET search_path TO shop, "$user", public;
"""
DATABASES: tuple[LiteralString, ...] = (
    'CREATE DATABASE shop OWNER "o\'Hara; ""x"" :y größe"',
    "CREATE DATABASE \"we\"\"ird 'db' %s {} host=nowhere\" OWNER analyst ENCODING LATIN1 LOCALE 'C' "
    "LOCALE_PROVIDER libc TEMPLATE template0 CONNECTION LIMIT 9",
    "CREATE DATABASE " + "l" * 63,
    "CREATE DATABASE big",
    "ALTER DATABASE shop SET search_path TO shop, \"$user\", 'Odd, ''one'''",
    "ALTER DATABASE shop SET TimeZone TO 'Asia/Tokyo'",
    "ALTER DATABASE shop SET default_transaction_read_only TO on",
    "ALTER DATABASE shop SET my.own TO 'a=b, \"c\"'",
    "ALTER ROLE analyst IN DATABASE shop SET work_mem TO '7MB'",
    "COMMENT ON DATABASE shop IS 'it''s the shop'",
    "REVOKE ALL ON DATABASE shop FROM PUBLIC",
    "GRANT CONNECT ON DATABASE shop TO team WITH GRANT OPTION",
    "SET SESSION AUTHORIZATION team",
    "GRANT CONNECT ON DATABASE shop TO analyst",
    "RESET SESSION AUTHORIZATION",
    "REVOKE ALL ON DATABASE big FROM PUBLIC, postgres",
    "ALTER DATABASE big SET role TO analyst",
    "ALTER DATABASE postgres SET work_mem TO '9MB'",
    "ALTER DATABASE postgres SET default_transaction_read_only TO on",
)
SHOP: LiteralString = """
    CREATE EXTENSION hstore SCHEMA public;
    CREATE SCHEMA shop AUTHORIZATION "o'Hara; ""x"" :y größe";
    GRANT USAGE ON SCHEMA shop TO team;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    SET ROLE "o'Hara; ""x"" :y größe";
    ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO team;
    CREATE TYPE shop.mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0);
    CREATE SEQUENCE shop.numbers START 5 INCREMENT 3;
    CREATE TABLE shop.kinds (
        t int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, j jsonb, b bytea, at timestamptz, list text[],
        real double precision, small real, n numeric, "Größe" text COLLATE "C" DEFAULT 'x', mood shop.mood,
        p shop.positive, twice int GENERATED ALWAYS AS (p * 2) STORED, h public.hstore, UNIQUE ("Größe", p)
    );
    ALTER TABLE shop.kinds DROP COLUMN gone;
    INSERT INTO shop.kinds (j, b, at, list, real, small, n, "Größe", mood, p, h) VALUES
        ('{"a": [1, null, "ü"]}', '\\x00ff5c', '2024-02-29 23:59:59.123456+09', '{"a,b",NULL,"\\"\\\\"}', 'NaN', 0.1,
         'NaN', E'tab\\t\\nnew\\\\ 🦆', 'happy', 2, 'k=>v'),
        (NULL, NULL, 'infinity', '{{1,2},{3,4}}', '-Infinity', 1e-30, 1.50, NULL, 'sad', NULL, NULL),
        ('"x"', '', '0044-03-15 12:00:00+00 BC', '{}', 0.1, 'NaN', 12345678901234567890.123, '', NULL, 1, '');
    CREATE TABLE shop.nothing (id serial, kind int REFERENCES shop.kinds ON DELETE CASCADE);
    CREATE TABLE shop.no_columns ();
    CREATE TABLE shop.parts (k int, v text) PARTITION BY RANGE (k);
    CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES FROM (0) TO (10);
    INSERT INTO shop.parts SELECT i % 10, repeat('v', i) FROM generate_series(1, 300) AS i;
    CREATE INDEX ON shop.kinds USING gin (j);
    CREATE INDEX lower ON shop.kinds (lower("Größe")) WHERE p > 0;
    CREATE VIEW shop.happy WITH (security_barrier) AS SELECT * FROM shop.kinds WHERE mood = 'happy';
    CREATE MATERIALIZED VIEW shop.counted AS SELECT k, count(*) FROM shop.parts GROUP BY k;
    CREATE MATERIALIZED VIEW shop.empty AS SELECT 1 AS one WITH NO DATA;
    CREATE FUNCTION shop.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b; -- ''';
    CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN NEW; END $$;
    REVOKE ALL ON FUNCTION shop.add FROM PUBLIC;
    CREATE AGGREGATE shop.total (int) (sfunc = int4pl, stype = int, initcond = '0');
    CREATE TRIGGER touch BEFORE UPDATE ON shop.kinds FOR EACH ROW EXECUTE FUNCTION shop.touch();
    ALTER TABLE shop.nothing ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON shop.nothing FOR SELECT TO team USING (kind > 0);
    GRANT UPDATE (b) ON shop.kinds TO team;
    COMMENT ON COLUMN shop.kinds.b IS 'bytes';
    SELECT setval('shop.numbers', 50, false);
    SELECT lo_from_bytea(4711, '\\x0011223344');
    GRANT SELECT ON LARGE OBJECT 4711 TO team;
"""
BIG_TABLE: LiteralString = """
    CREATE TABLE big (id int PRIMARY KEY, text text);
    INSERT INTO big SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 12000) AS i
"""


@dataclass(frozen=True)
class Site:
    """One stack with a PostgreSQL server of its own."""

    runtime: NativeRuntime
    env: Environment
    home: Home

    def dump(self, folder: Path, **options: Any) -> None:
        postgresql_data.dump(self.env, self.home, self.runtime, folder, timeout=5, **options)

    def restore(self, folder: Path, **options: Any) -> None:
        postgresql_data.restore(self.env, self.home, self.runtime, folder, timeout=5, **options)

    def fingerprint(self) -> Fingerprint:
        return postgresql_data.fingerprint(self.env, self.home, timeout=5)

    def execute(self, *statements: LiteralString, database: str = "postgres") -> None:
        with postgresql.connect_as_admin(self.env, self.home, timeout=5, database=database) as admin:
            for statement in ("SET default_transaction_read_only TO off", "SET ROLE NONE", *statements):
                admin.execute(statement)

    def value(self, query: LiteralString, database: str = "postgres") -> Any:
        with postgresql.connect_as_admin(self.env, self.home, timeout=5, database=database) as admin:
            admin.execute("SET ROLE NONE")
            return postgresql.scalar(admin, query)

    def databases(self) -> set[str]:
        return set(self.value("SELECT array_agg(datname::text) FROM pg_database WHERE NOT datistemplate"))


@pytest.fixture(scope="module")
def make_site(base: Path) -> Iterator[Callable[[], Site]]:
    """Starts servers, and kills them in the end: nobody needs the data any more."""
    made: list[str] = []

    def make() -> Site:
        root = Path(tempfile.mkdtemp(dir=base))
        root.chmod(0o755)
        stack, stack_id = Workspace(root).stack("default"), uuid.uuid4().hex
        stack.create()
        made.append(stack_id)
        ports = dict(zip(PORT_VARIABLES.values(), map(str, free_ports(3)), strict=True))
        env = resolve(
            load(REPOSITORY / "dev-contract.yml"),
            [Layer("the test", {**ports, STACK_ID: stack_id})],
            settings=settings(),
        )
        site = Site(NativeRuntime(stack, stack_id, lambda _: None), env, Home(stack))
        site.runtime.start([SERVICES["postgresql"]], env)
        wait_until(lambda: SERVICES["postgresql"].prepare(env, site.home, site.runtime, timeout=5), timeout=SECONDS)
        return site

    yield make
    for stack_id in made:
        while left := processes.of_stack(stack_id):
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        shutil.rmtree(runtime_dir(stack_id), ignore_errors=True)


@pytest.fixture(scope="module")
def source(make_site: Callable[[], Site]) -> Site:
    site = make_site()
    site.execute(ROLES, *DATABASES)
    site.execute(SHOP, database="shop")
    site.execute("CREATE TABLE t AS SELECT 'größe'::text AS größe", database=ODD_DATABASE)
    site.execute(
        "CREATE SCHEMA s", "DROP SCHEMA public", "CREATE TABLE s.t (id int)", "CREATE TABLE s.u (id int)", database=LONG
    )
    site.execute("CREATE TABLE in_postgres AS SELECT 1 AS one")
    site.execute(BIG_TABLE, database="big")
    return site


@pytest.fixture(scope="module")
def dumped(source: Site, base: Path) -> Path:
    folder = base / "dump"
    source.dump(folder)
    return folder


@pytest.fixture(scope="module")
def expected(source: Site, dumped: Path) -> Fingerprint:
    """The source's fingerprint, after it was dumped."""
    return source.fingerprint()


@pytest.fixture(scope="module")
def target(make_site: Callable[[], Site], dumped: Path) -> Site:
    """A server into which the dump was restored: over other contents of the same names, and beside something else."""
    site = make_site()
    site.execute(
        "CREATE ROLE analyst SUPERUSER PASSWORD 'other'",
        "CREATE ROLE team",
        "GRANT analyst TO team",
        "GRANT pg_monitor TO analyst",
        "ALTER ROLE team SET work_mem TO '5MB'",
        "CREATE DATABASE shop OWNER analyst",
        "ALTER DATABASE shop SET work_mem TO '6MB'",
        "CREATE TABLE stale (id int)",
        "CREATE DATABASE beside",
    )
    site.execute("CREATE TABLE stale (id int)", database="shop")
    site.restore(dumped)
    site.execute("DROP DATABASE beside")
    return site


def test_the_other_server_holds_the_same(target: Site, expected: Fingerprint) -> None:
    here = expected
    assert target.fingerprint() == here
    assert {"shop", ODD_DATABASE, LONG, "big", "postgres", SERVER} <= set(here)
    assert here["big"]["table public.big"].split()[0] == "12000"
    assert here["shop"]["sequence shop.numbers"] == "50 False"
    assert {ODD, "team", "analyst"} <= set(here[SERVER])


@pytest.mark.parametrize(("role", "password"), [("analyst", "analyst-secret"), (ODD, PASSWORD)])
def test_roles_log_in_as_before(target: Site, role: str, password: str) -> None:
    with postgresql.connect(target.env, user=role, password=password, database="shop", timeout=5) as connection:
        assert postgresql.scalar(connection, "SHOW TimeZone") == "Asia/Tokyo"
        assert postgresql.scalar(connection, "SELECT current_setting('my.own')") == 'a=b, "c"'
        path = postgresql.scalar(connection, "SHOW search_path")
        assert path == 'shop, "$user", "Odd, \'one\'"' if role == ODD else 'shop, "$user", public'


def test_a_restored_database_works(source: Site, target: Site) -> None:
    target.execute(
        "BEGIN; INSERT INTO shop.kinds (p) VALUES (77); SELECT nextval('shop.numbers'); ROLLBACK",
        database="shop",
    )
    # The published user has the other stack's password now, too.
    SERVICES["postgresql"].probe(target.env.with_values(POSTGRES_PASSWORD=source.env["POSTGRES_PASSWORD"]), timeout=5)
    assert target.value("SELECT one FROM in_postgres") == 1
    assert target.value("SELECT größe FROM t", ODD_DATABASE) == "größe"
    assert target.value("SELECT to_regclass('stale')", "shop") is None


def test_restoring_twice_is_restoring_once(target: Site, dumped: Path, expected: Fingerprint) -> None:
    target.restore(dumped)
    assert target.fingerprint() == expected


CHANGES: dict[str, tuple[str, LiteralString]] = {
    "a row": ("shop", "UPDATE shop.kinds SET real = 1 WHERE p = 2"),
    "a row more": (LONG, "INSERT INTO s.t VALUES (NULL)"),
    "a column": (LONG, "ALTER TABLE s.u ADD COLUMN x int"),
    "a default": (LONG, "ALTER TABLE s.u ALTER COLUMN id SET DEFAULT 7"),
    "an index": (LONG, "CREATE INDEX ON s.u (id)"),
    "a constraint": (LONG, "ALTER TABLE s.u ADD CHECK (id > 0)"),
    "a grant": ("shop", "GRANT UPDATE ON shop.kinds TO team"),
    "a column's grant": ("shop", "GRANT UPDATE (j) ON shop.kinds TO team"),
    "an owner": ("shop", "ALTER TABLE shop.nothing OWNER TO team"),
    "a view": ("shop", "CREATE OR REPLACE VIEW shop.happy AS SELECT * FROM shop.kinds WHERE mood = 'sad'"),
    "a function": ("shop", "ALTER FUNCTION shop.add COST 7"),
    "a sequence": ("shop", "SELECT setval('shop.numbers', 50, true)"),
    "a sequence's step": ("shop", "ALTER SEQUENCE shop.numbers INCREMENT 4"),
    "a large object": ("shop", "SELECT lo_put(4711, 1, 'x')"),
    "an extension": ("shop", "CREATE EXTENSION citext SCHEMA public"),
    "a setting": ("postgres", "ALTER DATABASE big SET work_mem TO '8MB'"),
    "a database's grant": ("postgres", "GRANT CONNECT ON DATABASE big TO team"),
    "a password": ("postgres", "ALTER ROLE analyst PASSWORD 'new'"),
    "a membership": ("postgres", "GRANT pg_monitor TO team"),
    "a database": ("postgres", "CREATE DATABASE another"),
}


def test_every_single_change_is_seen(target: Site, dumped: Path) -> None:
    before = target.fingerprint()
    for what, (database, change) in CHANGES.items():
        target.execute(change, database=database)
        after = target.fingerprint()
        assert after != before, what
        before = after
    target.execute("DROP DATABASE another")
    target.restore(dumped)


class Stop(BaseException):
    """As Ctrl-C."""


def stop() -> None:
    raise Stop


def kill_pg_restore() -> None:
    """Only the one that this process has started."""
    for process in psutil.Process().children():
        if process.name() == "pg_restore":
            process.kill()


@pytest.mark.parametrize(("interrupt", "error"), [(stop, Stop), (kill_pg_restore, CommandFailed)])
def test_an_interrupted_restore_changes_nothing_and_can_be_run_again(
    source: Site,
    target: Site,
    dumped: Path,
    interrupt: Callable[[], None],
    error: type[BaseException],
    expected: Fingerprint,
) -> None:
    target.execute("CREATE TABLE old AS SELECT 1 AS one", database="big")

    def progress(done: int, _total: int) -> None:
        if done > BIG // 2:
            assert target.value("SELECT one FROM old", "big") == 1
            assert target.value("SELECT count(*) FROM big", "big") == 12000
            interrupt()

    with pytest.raises(error):
        target.restore(dumped, progress=progress)
    assert target.value("SELECT one FROM old", "big") == 1
    assert target.databases() == source.databases()
    target.restore(dumped)
    assert target.fingerprint() == expected


def test_clients_do_not_keep_a_database_from_being_replaced(target: Site, dumped: Path, expected: Fingerprint) -> None:
    def use_it_meanwhile() -> None:
        with postgresql.connect_as_admin(target.env, target.home, timeout=5, database="shop") as client:
            target.restore(dumped)
            client.execute("SELECT 1")

    with pytest.raises(NotReady, match="terminat"):
        use_it_meanwhile()
    assert target.fingerprint() == expected


def test_what_an_interruption_left_is_in_no_dump(target: Site, tmp_path: Path) -> None:
    target.execute("CREATE DATABASE mmp_dev_restoring", "CREATE DATABASE mmp_dev_replaced")
    target.dump(tmp_path)
    assert {a.database.name for a in postgresql_folder.read(tmp_path).archives} == target.databases() - {
        "mmp_dev_restoring",
        "mmp_dev_replaced",
    }
    assert not [name for name in target.fingerprint() if name.startswith("mmp_dev_")]
    target.restore(tmp_path)
    assert not [name for name in target.databases() if name.startswith("mmp_dev_")]


def test_an_interrupted_dump_is_none(source: Site, target: Site, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        source.dump(tmp_path, progress=lambda done, total: stop())
    assert_refused(target, tmp_path, "DUMP_DAMAGED")


def test_progress_moves_within_a_database_and_ends_at_the_total(source: Site, target: Site, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    source.dump(tmp_path, progress=lambda done, total: reports.append((done, total)))
    assert_goes_up(reports)
    archives = sum(path.stat().st_size for path in tmp_path.glob("*.dump"))
    reports.clear()
    target.restore(tmp_path, progress=lambda done, total: reports.append((done, total)))
    assert_goes_up(reports)
    assert reports[-1] == (archives, archives)


def assert_goes_up(reports: list[tuple[int, int]]) -> None:
    total = reports[-1][1]
    assert reports == sorted(reports)
    assert reports[-1][0] == total
    assert len({done for done, _ in reports}) > 6  # more than one for each database


def test_a_dump_is_closed_to_others_and_holds_no_password(source: Site, dumped: Path) -> None:
    assert dumped.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in dumped.iterdir()} == {0o600}
    text = b"".join(path.read_bytes() for path in dumped.iterdir())
    for password in (source.home.secret("postgresql-admin"), "analyst-secret", source.env["POSTGRES_PASSWORD"]):
        assert password.encode() not in text


def lose_index(folder: Path) -> None:
    (folder / "index.json").unlink()


def cut_index(folder: Path) -> None:
    (folder / "index.json").write_text((folder / "index.json").read_text()[:-5])


def change_index(folder: Path) -> None:
    content = json.loads((folder / "index.json").read_text())
    content["archives"][0]["database"]["owner"] = "postgres2"
    (folder / "index.json").write_text(json.dumps(content))


def lose_archive(folder: Path) -> None:
    (folder / "database-2.dump").unlink()


def cut_archive(folder: Path) -> None:
    with (folder / "database-1.dump").open("r+b") as file:
        file.truncate(100)


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "database-1.dump").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "database-1.dump").write_bytes(data)


def change_roles(folder: Path) -> None:
    with (folder / "roles.sql").open("a") as file:
        file.write("DROP ROLE team;\n")


def from_newer_server(folder: Path) -> None:
    postgresql_folder.write(folder, replace(postgresql_folder.read(folder), server_version=990001))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        *((each, "DUMP_DAMAGED") for each in (lose_index, cut_index, change_index, lose_archive)),
        *((each, "DUMP_DAMAGED") for each in (cut_archive, flip_a_bit, change_roles)),
        (from_newer_server, "DUMP_TOO_NEW"),
    ],
)
def test_a_bad_dump_is_refused_and_nothing_is_changed(
    target: Site, dumped: Path, tmp_path: Path, damage: Callable[[Path], None], code: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(dumped, folder)
    damage(folder)
    assert_refused(target, folder, code)


def assert_refused(target: Site, folder: Path, code: str) -> None:
    before = target.value("SELECT array_agg(oid ORDER BY oid) FROM (SELECT oid FROM pg_database UNION ALL "
                          "SELECT xmin::text::bigint::oid FROM pg_authid) AS x")  # fmt: skip
    with pytest.raises(MmpError) as caught:
        target.restore(folder)
    assert caught.value.code == code
    assert before == target.value("SELECT array_agg(oid ORDER BY oid) FROM (SELECT oid FROM pg_database UNION ALL "
                                  "SELECT xmin::text::bigint::oid FROM pg_authid) AS x")  # fmt: skip


def test_what_fails_on_the_server_tells_no_password_and_leaves_the_old(
    target: Site, dumped: Path, tmp_path: Path, expected: Fingerprint
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(dumped, folder)
    roles = folder / "roles.sql"
    roles.write_text(roles.read_text().replace(" PASSWORD 'SCRAM", " PASSWORD wrong 'SCRAM"))
    index = postgresql_folder.read(dumped)
    digest = postgresql_folder.sha256(roles)
    part = replace(index.roles_part, size=roles.stat().st_size, sha256=digest)
    postgresql_folder.write(folder, replace(index, roles_part=part))
    with pytest.raises(CommandFailed) as caught:
        target.restore(folder)
    said = f"{caught.value.message} {caught.value.detail} {caught.value.argv}"
    assert "syntax error" in said
    assert "SCRAM" not in said
    assert target.home.secret("postgresql-admin") not in said
    assert target.fingerprint() == expected


def test_a_locale_that_the_server_lacks_is_named(
    target: Site, dumped: Path, tmp_path: Path, expected: Fingerprint
) -> None:
    shutil.copytree(dumped, tmp_path, dirs_exist_ok=True)
    index = postgresql_folder.read(dumped)
    first = index.archives[0]
    foreign = replace(first, database=replace(first.database, provider="c", collate="xx_XX", locale=None))
    postgresql_folder.write(tmp_path, replace(index, archives=[foreign]))
    with pytest.raises(MmpError, match="xx_XX") as caught:
        target.restore(tmp_path)
    assert caught.value.code == "REFUSED"
    assert target.fingerprint() == expected


def test_a_database_that_lets_nobody_in_is_not_left_out_in_silence(source: Site, tmp_path: Path) -> None:
    source.execute("CREATE DATABASE closed", "ALTER DATABASE closed ALLOW_CONNECTIONS false")
    with pytest.raises(MmpError, match="closed") as caught:
        source.dump(tmp_path)
    source.execute("DROP DATABASE closed")
    assert caught.value.code == "NOT_DUMPABLE"


class Failing:
    """Programs that fail, and quote what they were told."""

    said = """Command was: ALTER ROLE x PASSWORD 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5'; -- {admin}, {user}
        CREATE USER MAPPING FOR x SERVER y OPTIONS (password 'the remote one'); "host=y password=theirs"
        CREATE ROLE old PASSWORD 'md5aec33fc28b7ba0b0a4f1ee5f6d2dbd34'"""

    def inside(self, env: Environment) -> Environment:
        return env

    def mlflow_schema(self) -> str | None:
        return None

    def pipe(self, service: str, argv: Sequence[str], env: Environment, secrets: Mapping[str, str], **_: Any) -> None:
        said = self.said.format(admin=secrets["PGPASSWORD"], user=env["POSTGRES_PASSWORD"])
        raise CommandFailed(argv, 1, said)


def test_passwords_that_a_program_tells_are_masked(source: Site, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        postgresql_data.dump(source.env, source.home, Failing(), tmp_path, timeout=5)
    assert "CREATE USER MAPPING FOR x" in caught.value.detail
    for part in ("c2FsdA", "a2V5", "remote", "theirs", "aec33", source.home.secret("postgresql-admin")):
        assert part not in caught.value.detail
    assert source.env["POSTGRES_PASSWORD"] not in caught.value.detail
