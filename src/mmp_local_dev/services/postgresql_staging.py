"""Tables that are filled beside those whose place they take later: in a schema of their own, without keys at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.services.postgresql import check_identity, connect, scalar

if TYPE_CHECKING:
    from psycopg import sql

    from mmp_local_dev.services.postgresql import Connection

_LONGEST = 63  # bytes of a name; PostgreSQL cuts off what is longer
_SUFFIX = "_loading"
_MARK = "mmp-dev: rows on their way into the schema beside it; nobody's"
_APPLICATION = "mmp-dev loading"
_SETTINGS: dict[LiteralString, str] = {
    "application_name": _APPLICATION,
    "client_encoding": "UTF8",
    "jit": "off",  # compiles each of many like statements anew
    "maintenance_work_mem": "256MB",
    "statement_timeout": "0",
    "synchronous_commit": "off",  # what a crash may lose is made again; the swap is waited for
    "TimeZone": "UTC",
    "work_mem": "64MB",
}
_ORPHANS: LiteralString = """
    SELECT pg_catalog.pg_terminate_backend(pid, 10000) FROM pg_catalog.pg_stat_activity
    WHERE application_name = %s AND usename = current_user AND datname = current_database()
          AND pid <> pg_catalog.pg_backend_pid()
"""
_COMMENT: LiteralString = """
    SELECT coalesce(pg_catalog.obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace WHERE nspname = %s
"""
# Written with only the tables' own schema on the path, each names its table without it.
_CONSTRAINTS: LiteralString = """
    SELECT relname, conname, pg_catalog.pg_get_constraintdef(con.oid, true)
    FROM pg_catalog.pg_constraint AS con JOIN pg_catalog.pg_class AS c ON c.oid = conrelid
    WHERE c.relnamespace = %s::regnamespace AND relname = ANY(%s) AND contype IN ('p', 'u', 'x', 'f')
    ORDER BY array_position(%s, relname::text), contype = 'f', contype <> 'p', conname
"""
_INDEXES: LiteralString = """
    SELECT relname, pg_catalog.pg_get_indexdef(indexrelid, 0, true)
    FROM pg_catalog.pg_index JOIN pg_catalog.pg_class AS c ON c.oid = indrelid
    WHERE c.relnamespace = %s::regnamespace AND relname = ANY(%s) AND indisvalid
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    ORDER BY array_position(%s, relname::text), indexrelid
"""


class Staging:
    """Copies of some tables of a schema, in a schema beside it. Names without a schema are those of the copies."""

    def __init__(self, connection: Connection, schema: str, tables: Sequence[str]) -> None:
        self.connection = connection
        self.schema = schema
        self.tables = tuple(tables)
        self.name = name_beside(schema)

    def make(self) -> None:
        """Make the copies, empty, without keys and indexes. Raises MmpError when the schema's name is taken."""
        from psycopg import sql

        for table in self.tables:
            like: LiteralString = "CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)"
            self._run(sql.SQL(like), self.of_copy(table), sql.Identifier(self.schema, table))

    def copy(self, table: str, columns: Sequence[str], csv: bytes | memoryview) -> None:
        """Add rows to a copy: CSV in UTF-8, without a header."""
        from psycopg import sql

        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
            self.of_copy(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(csv)

    def keys(self) -> list[tuple[str, sql.Composed]]:
        """The statements that give the copies the keys and indexes of their tables, each with its table."""
        from psycopg import sql

        schema = sql.Identifier(self.schema).as_string(None)
        wanted = (schema, list(self.tables), list(self.tables))
        with self.path(self.schema):
            constraints = self.connection.execute(_CONSTRAINTS, wanted).fetchall()
            indexes = self.connection.execute(_INDEXES, wanted).fetchall()
        add: LiteralString = "ALTER TABLE {} ADD CONSTRAINT {} {}"
        return [
            *(
                (table, sql.SQL(add).format(self.of_copy(table), sql.Identifier(name), sql.SQL(definition)))
                for table, name, definition in constraints
            ),
            *((table, sql.Composed([sql.SQL(definition)])) for table, definition in indexes),
        ]

    def of_copy(self, table: str) -> sql.Identifier:
        """A copy's name with its schema."""
        from psycopg import sql

        return sql.Identifier(self.name, table)

    def analyze(self, *tables: str) -> None:
        """Let PostgreSQL look at these copies, so that it plans well from the first query on."""
        from psycopg import sql

        self._run(sql.SQL("ANALYZE {}"), sql.SQL(", ").join(map(self.of_copy, tables)))

    @contextmanager
    def path(self, schema: str) -> Iterator[None]:
        """Another schema, alone, in which names without one are found, and are told without it."""
        set_path(self.connection, schema)
        yield
        set_path(self.connection, self.name, self.schema)

    def _run(self, statement: sql.SQL, *parts: sql.Composable) -> None:
        self.connection.execute(statement.format(*parts))


@contextmanager
def staging(env: Environment, schema: str, tables: Sequence[str], *, timeout: float) -> Iterator[Staging]:
    """An empty schema beside `schema`, and a session in it; what an earlier, interrupted one has left is dropped.

    When this ends with an error, whatever it was, the schema is gone; else it is the caller's to have emptied it.
    `timeout`: seconds to connect. Raises NotReady; MmpError with code SCHEMA_TAKEN, DISK_FULL or REFUSED.
    """
    try:
        with _session(env, timeout) as connection:
            made = Staging(connection, schema, tables)
            _clear(connection, made.name)
            _make_schema(connection, made.name)
            set_path(connection, made.name, schema)
            yield made
    except BaseException as error:
        if not (isinstance(error, MmpError) and error.code == "SCHEMA_TAKEN"):
            with suppress(MmpError), _session(env, timeout) as connection:
                _clear(connection, name_beside(schema))
        raise


def name_beside(schema: str) -> str:
    """The name of the schema in which copies of a schema's tables are made."""
    return schema.encode()[: _LONGEST - len(_SUFFIX)].decode(errors="ignore") + _SUFFIX


def set_path(connection: Connection, *schemas: str) -> None:
    """Where names without a schema are looked for in this session, and in the first of which they are made."""
    from psycopg import sql

    path = sql.SQL(", ").join(map(sql.Identifier, schemas))
    connection.execute(sql.SQL("SET search_path TO {}").format(path))


@contextmanager
def _session(env: Environment, timeout: float) -> Iterator[Connection]:
    """A connection as the published user, set up to load much. What PostgreSQL refuses leaves as MmpError."""
    import psycopg

    with connect(env, timeout=timeout) as connection:
        try:
            check_identity(connection, env)
            for name, value in _SETTINGS.items():
                scalar(connection, "SELECT set_config(%s, %s, false)", name, value)
            yield connection
        except psycopg.errors.DiskFull as error:
            raise _nothing_changed(f"PostgreSQL's disk is full: {error.diag.message_primary}", "DISK_FULL") from None
        except psycopg.OperationalError:
            raise  # `connect` says what it is
        except psycopg.Error as error:
            why = error.diag.message_primary or str(error)
            raise _nothing_changed(f"PostgreSQL refused it: {why}", "REFUSED", _evidence(error)) from error


def _nothing_changed(why: str, code: str, detail: str = "") -> MmpError:
    return MmpError(f"{why}. Nothing has changed.", detail=detail, code=code)


def _evidence(error: Exception) -> str:
    import psycopg

    diag = error.diag if isinstance(error, psycopg.Error) else None
    told = (diag.message_detail, diag.message_hint, diag.context) if diag else ()
    return "\n".join(each for each in told if each)


def _clear(connection: Connection, name: str) -> None:
    """Drop what an interrupted session has left, and end it first where its server process still works."""
    from psycopg import sql

    connection.execute(_ORPHANS, [_APPLICATION])
    comment = scalar(connection, _COMMENT, name)
    if comment == _MARK:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    elif comment is not None:
        raise MmpError(
            f"There is a schema {name}, and it is not mmp-dev's: it needs that name for the rows on their way.",
            repairs=[Repair(f"mmp-dev psql -c '\\d \"{name}\".*'", "shows what is in it; rename or drop it")],
            code="SCHEMA_TAKEN",
        )


def _make_schema(connection: Connection, name: str) -> None:
    from psycopg import sql

    with connection.transaction():
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(name), sql.Literal(_MARK)))
