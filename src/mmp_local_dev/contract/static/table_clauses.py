"""Tables: the SQL files make what the contract promises, and give the consumers' user the right to read it."""

from __future__ import annotations

from collections.abc import Iterator

from mmp_local_dev.contract.clauses.base import ClauseSkipped
from mmp_local_dev.contract.model import Column, Contract, Promise, Table
from mmp_local_dev.contract.static import sql
from mmp_local_dev.contract.static.base import StaticCheck, StaticClause, drift, readable, readable_id
from mmp_local_dev.contract.static.sources import FEAST, SCRIPTS, Sources
from mmp_local_dev.contract.static.sql import Grant, SqlTable

FILES = "*.sql"
_EVERYBODY = (sql.PUBLIC, "current_user", "session_user")


def clauses(contract: Contract) -> Iterator[StaticClause]:
    """Those of each table and of its columns."""
    if not contract.tables:
        return
    yield readable(FILES, Sources.database, "schema", min(table.line for table in contract.tables.values()))
    for table in contract.tables.values():
        yield from _of_table(contract, table)


def _of_table(contract: Contract, table: Table) -> Iterator[StaticClause]:
    name = table.physical_name
    present = _clause(f"table.present[{name}]", table, _present(contract, table), readable_id(FILES))
    yield present
    for column in table.columns.values():
        yield _clause(f"table.column[{name}:{column.name}]", column, _column(table, column), present.id)
    if table.primary_key:
        yield _clause(f"table.key[{name}]", table, _key(table), present.id)
    yield _clause(f"table.grant[{name}]", table, _granted(contract, table), present.id)


def _clause(clause_id: str, promise: Promise, check: StaticCheck, cause: str) -> StaticClause:
    return StaticClause(
        clause_id, check, promise.line, (cause,), "postgresql", section="schema", severity=promise.severity
    )


def _present(contract: Contract, table: Table) -> StaticCheck:
    names = {each.physical_name for each in contract.tables.values()}

    def check(sources: Sources, _timeout: float) -> str:
        database = sources.database()
        if found := database.tables.get(table.physical_name):
            return str(found.place)
        unreadable = ", ".join(str(place) for place in database.unreadable[:3])
        if not unreadable and names.isdisjoint(database.tables):
            raise ClauseSkipped("no SQL file here makes it")
        raise drift(
            unreadable or SCRIPTS,
            f"{'cannot be read, and ' if unreadable else ''}no SQL file makes {table.physical_name}",
            expected=f"CREATE TABLE {table.physical_name}",
            actual=", ".join(list(database.tables)[:10]) or "none",
            repair=f"add CREATE TABLE {table.physical_name} to a file in {SCRIPTS} or {FEAST}",
        )

    return check


def _made(sources: Sources, table: Table) -> SqlTable:
    found = sources.database().tables.get(table.physical_name)
    if found is None:
        raise ClauseSkipped("no SQL file here makes it")
    return found


def _column(table: Table, column: Column) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> str:
        made = _made(sources, table)
        found = made.columns.get(column.name)
        if found is None:
            raise _no_column(table, column, made)
        promised = sql.canonical(column.type)
        if found.type and found.type != promised:
            raise drift(
                found.place,
                f"{table.physical_name}.{column.name} is of another type",
                expected=promised.lower(),
                actual=found.type.lower(),
                repair=f"make it {column.type}, or change the contract and its version",
            )
        if found.nullable and not column.nullable:
            raise drift(
                found.place,
                f"{table.physical_name}.{column.name} may be NULL",
                expected="NOT NULL",
                actual="NULL",
                repair=f"write {column.name} {column.type} NOT NULL",
            )
        return found.type.lower()

    return check


def _no_column(table: Table, column: Column, made: SqlTable) -> Exception:
    if made.open:
        return ClauseSkipped("the table's columns are not written out in the SQL file")
    return drift(
        made.place,
        f"{table.physical_name} has no column {column.name}",
        expected=f"{column.name} {column.type}",
        actual=", ".join(made.columns),
        repair=f"add {column.name} {column.type} to the table",
    )


def _key(table: Table) -> StaticCheck:
    def check(sources: Sources, _timeout: float) -> None:
        made = _made(sources, table)
        if made.primary_key == table.primary_key:
            return
        if made.open and not made.primary_key:
            raise ClauseSkipped("the table's key is not written out in the SQL file")
        raise drift(
            made.place,
            f"{table.physical_name} has another primary key",
            expected=", ".join(table.primary_key),
            actual=", ".join(made.primary_key) or "none",
            repair=f"write PRIMARY KEY ({', '.join(table.primary_key)})",
        )

    return check


def _granted(contract: Contract, table: Table) -> StaticCheck:
    variable = contract.bound("postgresql.username")
    user = (variable.default if variable else None) or ""
    names = [each.physical_name for each in contract.tables.values()]

    def check(sources: Sources, _timeout: float) -> str:
        _made(sources, table)
        database = sources.database()
        own = [grant for grant in database.grants if grant.is_about(table.physical_name)]
        for grant in own:
            if not _exists(grant.role, user, database):
                raise _to_nobody(grant, table, user)
        if any(_reads(grant, user) for grant in own):
            return user
        if not user or not any(_reads(each, user) for each in database.grants for name in names if each.is_about(name)):
            raise ClauseSkipped("no SQL file here grants anything: who makes the tables reads them")
        raise drift(
            database.tables[table.physical_name].place,
            f"{user} may not read {table.physical_name}",
            expected=f"GRANT SELECT ON {table.physical_name} TO {user}",
            actual=", ".join(dict.fromkeys(grant.role for grant in own)) or "no grant",
            repair=f"add GRANT SELECT ON {table.physical_name} TO {user};",
        )

    return check


def _reads(grant: Grant, user: str) -> bool:
    return grant.role in (user, *_EVERYBODY)


def _exists(role: str, user: str, database: sql.Database) -> bool:
    # A variable of psql, such as :"user", can be anybody.
    return not role or role.startswith(":") or role in (user, "postgres", *_EVERYBODY) or role in database.roles


def _to_nobody(grant: Grant, table: Table, user: str) -> Exception:
    return drift(
        grant.place,
        f"gives the right to read {table.physical_name} to {grant.role}, whom nothing creates",
        expected=user or "a role that is created",
        actual=grant.role,
        repair=f"write TO {user}" if user else f"create the role {grant.role}",
    )
