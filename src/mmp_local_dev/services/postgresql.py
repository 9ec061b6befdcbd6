"""PostgreSQL: Feast's offline store and MLflow's backend."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady
from mmp_local_dev.services import postgresql_server
from mmp_local_dev.services.base import Home, ProcessSpec, Programs, expected_identity, stranger

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed

    Connection = psycopg.Connection[tuple[Any, ...]]

ADMIN = postgresql_server.ADMIN
MAJOR = postgresql_server.MAJOR


class PostgreSQL:
    """The PostgreSQL service. Its identity is a server setting, which any role can read and no data carries along."""

    name = "postgresql"
    needs: tuple[str, ...] = ()
    variables: tuple[str, ...] = (
        *("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
        "FEAST_DB_SCHEMA",
    )
    settings: Mapping[str, str] = {"MMP_POSTGRES_BIN_DIR": ""}

    def address(self, env: Mapping[str, str]) -> tuple[str, int]:
        """Host and port."""
        return env["POSTGRES_HOST"], int(env["POSTGRES_PORT"])

    def url(self, env: Mapping[str, str]) -> str:
        """`postgresql://user@host:port/database`, without the password."""
        host, port = self.address(env)
        return f"postgresql://{env['POSTGRES_USER']}@{host}:{port}/{env['POSTGRES_DB']}"

    def at(self, env: Environment, host: str) -> Environment:
        """With another POSTGRES_HOST."""
        return env.with_values(POSTGRES_HOST=host)

    def identify(self, env: Environment, *, timeout: float) -> None:
        """The identity, read by the published user."""
        with connect(env, timeout=timeout) as connection:
            check_identity(connection, env)

    def probe(self, env: Environment, *, timeout: float) -> None:
        """The identity: having read it, the published user has logged in to the published database and queried it."""
        self.identify(env, timeout=timeout)

    def version(self, env: Environment, *, timeout: float) -> str:
        """Such as `17.10`."""
        with connect(env, timeout=timeout) as connection:
            return str(scalar(connection, "SHOW server_version")).split()[0]

    @contextmanager
    def warm(self, env: Environment, *, timeout: float) -> Iterator[Callable[[], object]]:
        """`SELECT 1`."""
        with connect(env, timeout=timeout) as connection:
            yield lambda: connection.execute("SELECT 1")

    def refuses_wrong_password(self, env: Environment, *, timeout: float) -> bool:
        """Whether the published user is turned away with another password."""
        try:
            with connect(env, password="not-" + env["POSTGRES_PASSWORD"], timeout=timeout):
                return False
        except NotReady as error:
            if error.code != "AUTHENTICATION_FAILED":
                raise
            return True

    def prepare(self, env: Environment, home: Home, programs: Programs, *, timeout: float) -> None:
        """The role with the password of `.env`, its database, the schema for features, the template of sandboxes."""
        from mmp_local_dev.services import postgresql_template  # which is built on this module

        if _is_prepared(env, home, timeout=timeout):
            return
        user, database = env["POSTGRES_USER"], env["POSTGRES_DB"]
        with connect_as_admin(env, home, timeout=timeout) as admin:
            check_identity(admin, env)
            ensure_role(admin, env, user, env["POSTGRES_PASSWORD"], timeout=timeout)
            ensure_database(admin, database, owner=user)
        with connect_as_admin(env, home, database=database, timeout=timeout) as admin:
            ensure_schema(admin, env["FEAST_DB_SCHEMA"], owner=user)
        postgresql_template.ensure(env, home, timeout=timeout)

    def preflight(self, env: Environment, home: Home) -> None:
        """A server of the right major, a user to run it as, and data that it can use."""
        postgresql_server.preflight(env, home)

    def install(self, env: Environment, home: Home) -> None:
        """The data directory and the TLS certificate."""
        postgresql_server.install(env, home)

    def process(self, env: Environment, home: Home) -> ProcessSpec:
        """The server of the wheel, or one of that major found on this machine."""
        return postgresql_server.process(env, home)

    def container_secrets(self, home: Home) -> Mapping[str, str]:
        """The superuser's password, and certificate and key as one PEM text in base64."""
        pem = home.secret("postgresql.pem", lambda: "".join(postgresql_server.new_certificate()))
        return {
            "POSTGRES_PASSWORD": home.secret(postgresql_server.ADMIN_SECRET),
            "TLS_PEM": base64.b64encode(pem.encode()).decode(),
        }


def offers_tls(env: Environment, *, timeout: float) -> bool:
    """Whether a client that insists on TLS gets in. Raises NotReady when the server does not answer at all."""
    try:
        with connect(env, timeout=timeout, sslmode="require"):
            return True
    except NotReady as error:
        if "does not support SSL" not in error.message:
            raise
        return False


def schema_exists(env: Environment, schema: str, *, timeout: float) -> bool:
    """Whether the schema is there and the published user may create tables in it."""
    with connect(env, timeout=timeout) as connection:
        query: LiteralString = (
            "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = %s"
        )
        return bool(scalar(connection, query, schema))


@contextmanager
def connect(
    env: Mapping[str, str],
    *,
    timeout: float,
    user: str | None = None,
    password: str | None = None,
    database: str | None = None,
    sslmode: str = "prefer",
) -> Iterator[Connection]:
    """A connection to the PostgreSQL of `env`, by default as the published user; autocommit.

    Its errors leave as NotReady, with code AUTHENTICATION_FAILED when the server refuses the login.
    """
    import psycopg

    with (
        failures_told(env),
        psycopg.connect(
            host=env["POSTGRES_HOST"],
            port=env["POSTGRES_PORT"],
            user=user or env["POSTGRES_USER"],
            password=password or env["POSTGRES_PASSWORD"],
            dbname=database or env["POSTGRES_DB"],
            connect_timeout=max(2, round(timeout)),  # libpq takes whole seconds, at least 2
            sslmode=sslmode,
            application_name="mmp-dev",
            autocommit=True,
        ) as connection,
    ):
        yield connection


@contextmanager
def failures_told(env: Mapping[str, str]) -> Iterator[None]:
    """A context out of which the errors of a connection come as NotReady, those of other kinds as they are."""
    import psycopg

    try:
        yield
    except psycopg.OperationalError as error:
        why = _first_line(error)
        refused = "authentication failed" in why or ("role " in why and "does not exist" in why)
        where = f"PostgreSQL at {env['POSTGRES_HOST']}:{env['POSTGRES_PORT']}"
        raise NotReady(f"{where}: {why}.", code="AUTHENTICATION_FAILED" if refused else None) from None


@contextmanager
def connect_as_admin(
    env: Mapping[str, str], home: Home, *, timeout: float, database: str = "postgres"
) -> Iterator[Connection]:
    """A connection as the superuser that only this tool uses; the user's own password plays no part in it.

    Raises NotReady, or WrongService when the login is refused: this stack's own server knows its superuser.
    """
    password = home.secret(postgresql_server.ADMIN_SECRET)
    try:
        with connect(env, user=ADMIN, password=password, database=database, timeout=timeout) as connection:
            yield connection
    except NotReady as error:
        if error.code == "AUTHENTICATION_FAILED":
            raise stranger(PostgreSQL(), env) from None
        raise


def check_identity(connection: Connection, env: Environment) -> None:
    """Raise WrongService unless the server behind `connection` is this stack's."""
    if scalar(connection, "SELECT current_setting('mmp_dev.stack_id', true)") != expected_identity(env):
        raise stranger(PostgreSQL(), env)


def scalar(connection: Connection, query: LiteralString | Composed, *parameters: object) -> Any:
    """The first column of the first row, or None."""
    row = connection.execute(query, parameters or None).fetchone()
    return row[0] if row else None


def ensure_role(admin: Connection, env: Environment, role: str, password: str, *, timeout: float) -> None:
    """A login role with that password. Whether it has it already is asked the way a client would: by logging in."""
    from psycopg import sql

    if _can_log_in(env, role, password, timeout=timeout):
        return
    verb = "ALTER" if scalar(admin, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", role) else "CREATE"
    # Encrypted here, so that the password itself reaches neither the server's log nor its statistics.
    encrypted = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    admin.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(sql.SQL(verb), sql.Identifier(role), sql.Literal(encrypted))
    )


def ensure_database(admin: Connection, database: str, *, owner: str) -> None:
    """A database owned by `owner`. What an earlier owner made stays, and `owner` gets that role's rights."""
    from psycopg import sql

    query: LiteralString = "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database WHERE datname = %s"
    present = scalar(admin, query, database)
    if present is None:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner)))
    elif present != owner:
        if present != ADMIN:
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(present), sql.Identifier(owner)))
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), sql.Identifier(owner)))


def ensure_schema(admin: Connection, schema: str, *, owner: str) -> None:
    """A schema of the connected database, owned by `owner` when it is made here."""
    from psycopg import sql

    if not scalar(admin, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", schema):
        admin.execute(
            sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(owner))
        )


def _is_prepared(env: Environment, home: Home, *, timeout: float) -> bool:
    """Whether the published user finds everything: itself, its password, its own database, its schema, the template."""
    from mmp_local_dev.services import postgresql_template

    query: LiteralString = """
        SELECT pg_catalog.pg_get_userbyid(datdba) = current_user
               AND EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s)
        FROM pg_catalog.pg_database WHERE datname = current_database()
    """
    try:
        with connect(env, timeout=timeout) as connection:
            check_identity(connection, env)
            found = bool(scalar(connection, query, env["FEAST_DB_SCHEMA"]))
            return found and postgresql_template.is_ready(connection, env, home)
    except NotReady:
        return False


def _can_log_in(env: Environment, role: str, password: str, *, timeout: float) -> bool:
    try:
        with connect(env, user=role, password=password, database="postgres", timeout=timeout):
            return True
    except NotReady as error:
        if error.code != "AUTHENTICATION_FAILED":
            raise
        return False


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    fatal = next((line for line in lines if "FATAL:" in line), lines[0] if lines else "no answer")
    return fatal.split("FATAL:")[-1].strip().rstrip(".").removeprefix("connection failed: ")
