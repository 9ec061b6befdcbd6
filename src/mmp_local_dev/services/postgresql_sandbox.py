"""Databases that live for one test only, made and removed by the published user, who needs nothing but `.env`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady, Repair
from mmp_local_dev.processes import is_loopback
from mmp_local_dev.services import postgresql, postgresql_database, postgresql_template

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

# Dropping a database writes out all others that were just made, unless they are being dropped as well. More at a time
# would save more, and leave fewer connections to the tests.
_TOGETHER = 30

# What a user may set for a database; the superuser's settings stay those of the server.
_SETTINGS: LiteralString = """
    SELECT chosen
    FROM pg_catalog.pg_db_role_setting CROSS JOIN unnest(setconfig) AS chosen
    LEFT JOIN pg_catalog.pg_settings AS known ON known.name = split_part(chosen, '=', 1)
    WHERE setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND setrole = 0
          AND coalesce(known.context, 'user') = 'user'
"""
_OWN: LiteralString = """
    SELECT datname, EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE datid = db.oid)
    FROM pg_catalog.pg_database AS db JOIN pg_catalog.pg_roles AS r ON r.oid = datdba
    WHERE rolname = current_user AND NOT datistemplate AND starts_with(datname, %s)
"""
_END: LiteralString = """
    SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
    WHERE datname = %s AND usename = current_user
"""


def clone(env: Environment, name: str, *, timeout: float) -> None:
    """Make a database of that name from the template, with the settings of POSTGRES_DB. Raises NotReady, MmpError."""
    from psycopg import sql

    with _connected(env, timeout=timeout) as connection:
        template = sql.Identifier(postgresql_template.NAME)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        for (setting,) in connection.execute(_SETTINGS).fetchall():
            connection.execute(postgresql_database.alter(name, None, setting))


def end_clients(env: Environment, name: str, *, timeout: float) -> None:
    """Close the connections that a test left open. Raises NotReady."""
    with _connected(env, timeout=timeout) as connection:
        connection.execute(_END, [name])


def drop(env: Environment, names: Collection[str], *, timeout: float) -> None:
    """Remove these databases, also those that somebody is connected to, as far as they are there. Raises NotReady."""
    with ThreadPoolExecutor(_TOGETHER) as pool:
        dropped = list(pool.map(lambda name: _is_dropped(env, name, timeout), names))
    for name, done in zip(names, dropped, strict=True):
        if not done:
            _drop(env, name, timeout)


def in_use(env: Environment, prefix: str, *, timeout: float) -> dict[str, bool]:
    """The published user's databases whose names begin so, and whether somebody is connected to each."""
    with _connected(env, timeout=timeout) as connection:
        return dict(connection.execute(_OWN, [prefix]).fetchall())


def _is_dropped(env: Environment, name: str, timeout: float) -> bool:
    """Whether it could be dropped: there may be no connection left for it, until those beside it are done."""
    try:
        _drop(env, name, timeout)
    except NotReady:
        return False
    return True


def _drop(env: Environment, name: str, timeout: float) -> None:
    from psycopg import sql

    with _connected(env, timeout=timeout) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _connected(env: Environment, *, timeout: float) -> Iterator[Connection]:
    """A connection whose refusals leave as MmpError: the published user lacks what `up` gives it."""
    import psycopg

    # Encrypting would take longer than all the rest, and it does not leave the machine.
    sslmode = "allow" if is_loopback(env["POSTGRES_HOST"]) else "prefer"
    with postgresql.connect(env, timeout=timeout, sslmode=sslmode) as connection:
        try:
            yield connection
        except psycopg.Error as error:
            if connection.broken:
                raise
            raise MmpError(
                f"PostgreSQL refuses a sandbox: {error.diag.message_primary or error}.",
                repairs=[Repair("mmp-dev up", "provides the template of sandboxes and the right to clone it")],
                code="SANDBOX_REFUSED",
            ) from None
