"""Tables: each is there with the promised columns and keys, and the user of the environment may read it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, Once, as_broken, clause_of, meant
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Column, Contract, Table
from mmp_local_dev.contract.types import canonical
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair
from mmp_local_dev.services import postgresql_tables
from mmp_local_dev.services.postgresql_tables import ColumnFacts, Location, TableFacts

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_VIEWS = ("view", "materialized view")
_WITHOUT_KEYS = (*_VIEWS, "foreign table")  # PostgreSQL lets them have none


def clauses(contract: Contract) -> Iterator[LiveClause]:
    """Those of each table. One query on one connection answers them all."""
    facts = Once(lambda env, timeout: _read(contract, env, timeout))
    for table in contract.tables.values():
        yield from _of_table(contract, _Reader(contract, table, facts))


def located(contract: Contract, table: Table, env: Environment) -> Location:
    """Schema and name of a table. The variable that binds `postgresql.schema` moves the tables of its default."""
    schema, _, name = table.physical_name.rpartition(".")
    variable = contract.bound("postgresql.schema")
    if variable and variable.default == schema:
        return schema_of_features(contract, env), name
    return schema or "public", name


def schema_of_features(contract: Contract, env: Environment) -> str:
    """The schema in which Feast looks for tables: what the variable that binds `postgresql.schema` says."""
    variable = contract.bound("postgresql.schema")
    return (env.get(variable.name) or variable.default if variable else None) or "public"


@dataclass(frozen=True)
class _Reader:
    """One promised table, and where what PostgreSQL says of it comes from."""

    contract: Contract
    table: Table
    facts: Once[Mapping[Location, TableFacts]]

    def all(self, env: Environment, timeout: float) -> Mapping[Location, TableFacts]:
        """What stands in the schemas of the contract. Raises ClauseBroken when PostgreSQL does not say."""
        with as_broken("the tables of the contract"):
            return self.facts(env, timeout)

    def this(self, env: Environment, timeout: float) -> TableFacts:
        """What is true of this table. Raises ClauseSkipped when it is optional and not there."""
        found = self.all(env, timeout).get(self.location(env))
        if found is None:
            raise ClauseSkipped("optional, not there")
        return found

    def location(self, env: Environment) -> Location:
        """Schema and name."""
        return located(self.contract, self.table, env)

    def sql_name(self, env: Environment) -> str:
        """As it is written in SQL."""
        return ".".join(map(_quoted, self.location(env)))


def _read(contract: Contract, env: Environment, timeout: float) -> Mapping[Location, TableFacts]:
    schemas = {located(contract, table, env)[0] for table in contract.tables.values()}
    return postgresql_tables.read_tables(env, schemas, timeout=timeout)


def _of_table(contract: Contract, reader: _Reader) -> Iterator[LiveClause]:
    table = reader.table
    present = _clause("present", table, _present(reader), *_causes(contract, table))
    yield present
    for column in table.columns.values():
        yield _column_clause(table, column, _column(reader, column), present.id)
    if keys := _promised_keys(table):
        columns = dict.fromkeys(name for key in keys for name in key)
        yield _clause("key", table, _keys(reader, keys), *(f"table.column[{table.physical_name}:{c}]" for c in columns))
    yield _clause("grant", table, _grant(reader), present.id)


def _clause(kind: str, table: Table, check: LiveCheck, *causes: str) -> LiveClause:
    clause_id = f"table.{kind}[{table.physical_name}]"
    return clause_of(clause_id, table, check, *causes, section="schema", service="postgresql")


def _column_clause(table: Table, column: Column, check: LiveCheck, cause: str) -> LiveClause:
    clause_id = f"table.column[{table.physical_name}:{column.name}]"
    return clause_of(clause_id, column, check, cause, section="schema", service="postgresql")


def _causes(contract: Contract, table: Table) -> Iterator[str]:
    yield "service.ready[postgresql]"
    variable = contract.bound("postgresql.schema")
    if variable and variable.default == table.physical_name.rpartition(".")[0]:
        yield f"service.schema[{variable.name}]"


def _present(reader: _Reader) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        there, (schema, name) = reader.all(env, timeout), reader.location(env)
        if found := there.get((schema, name)):
            return found.kind
        if not reader.table.required:
            raise ClauseSkipped("optional, not there")
        near = meant(name, (other for where, other in there if where == schema))
        raise ClauseBroken(
            f"there is no table {schema}.{name}{near}",
            expected=f"a table or view {schema}.{name}",
            actual="none",
            repairs=[_psql(rf"\d {_quoted(schema)}.*", "shows what is there")],
        )

    return check


def _column(reader: _Reader, column: Column) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        table, name = reader.this(env, timeout), reader.sql_name(env)
        found = table.columns.get(column.name)
        if found is None:
            raise _column_missing(name, table, column)
        promised = ColumnFacts(canonical(column.type), not column.nullable, readable=True)
        if promised.type and found.type != promised.type:  # a consumer may need a column without a word on its type
            raise _other_column(name, column, promised, found, f"TYPE {promised.type}")
        if promised.not_null and not found.not_null and table.kind not in _VIEWS:  # which cannot declare it
            raise _other_column(name, column, promised, found, "SET NOT NULL")
        return _described(found)

    return check


def _column_missing(name: str, table: TableFacts, column: Column) -> Exception:
    if not column.required:
        return ClauseSkipped("optional, not there")
    return ClauseBroken(
        f"{name} has no column {column.name}{meant(column.name, table.columns)}",
        expected=f"{column.name} {canonical(column.type)}".rstrip(),
        actual="none",
        repairs=[_psql(rf"\d {name}", "shows what is there")],
    )


def _other_column(name: str, column: Column, promised: ColumnFacts, found: ColumnFacts, change: str) -> ClauseBroken:
    return ClauseBroken(
        f"{name}.{column.name} is another column than promised",
        expected=_described(promised),
        actual=_described(found),
        repairs=[_psql(f"ALTER TABLE {name} ALTER COLUMN {_quoted(column.name)} {change}", "where the rows allow it")],
    )


def _described(column: ColumnFacts) -> str:
    return f"{column.type} NOT NULL" if column.not_null else column.type


def _promised_keys(table: Table) -> list[tuple[str, ...]]:
    """The primary key first; () when none is promised beside unique columns."""
    unique = [(column.name,) for column in table.columns.values() if column.unique]
    return [table.primary_key, *unique] if table.primary_key or unique else []


def _keys(reader: _Reader, promised: list[tuple[str, ...]]) -> LiveCheck:
    primary, *unique = promised

    def check(env: Environment, timeout: float) -> str:
        found = reader.this(env, timeout)
        if found.kind in _WITHOUT_KEYS:
            raise ClauseSkipped(f"a {found.kind} has no keys")
        if primary and found.primary_key != primary:
            raise _key_missing(reader.sql_name(env), "PRIMARY KEY", primary, found.primary_key)
        for key in unique:
            if key not in found.unique:
                raise _key_missing(reader.sql_name(env), "UNIQUE", key, ())
        return ", ".join(filter(None, map(_listed, promised)))

    return check


def _key_missing(name: str, kind: str, promised: tuple[str, ...], found: tuple[str, ...]) -> ClauseBroken:
    return ClauseBroken(
        f"{name} does not have the promised key",
        expected=f"{kind} ({_listed(promised)})",
        actual=f"{kind} ({_listed(found)})" if found else "none",
        repairs=[]
        if found
        else [_psql(f"ALTER TABLE {name} ADD {kind} ({_listed(promised)})", "where the rows allow it")],
    )


def _grant(reader: _Reader) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        table, user = reader.this(env, timeout), env["POSTGRES_USER"]
        there = [name for name in reader.table.columns if name in table.columns]
        closed = [name for name in there if not table.columns[name].readable]
        if table.usable and not closed:
            return
        name, schema = reader.sql_name(env), _quoted(reader.location(env)[0])
        grant = f"SELECT ON {name}" if table.usable else f"USAGE ON SCHEMA {schema}"
        what = f"SELECT ({', '.join(closed)})" if table.usable else f"USAGE of schema {schema}"
        raise ClauseBroken(
            f"{user} may not read {name}",
            expected="SELECT",
            actual=f"no {what}",
            repairs=[_psql(f"GRANT {grant} TO {_quoted(user)}", "as the owner of the table")],
        )

    return check


def _psql(command: str, description: str) -> Repair:
    return Repair(f"mmp-dev psql -c {shlex.quote(command)}", description)


def _quoted(identifier: str) -> str:
    if _PLAIN.fullmatch(identifier):
        return identifier
    escaped = identifier.replace('"', '""')
    return f'"{escaped}"'


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted, names))
