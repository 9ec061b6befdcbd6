"""Tables: each is there with the promised columns and keys, and the user of the environment may read it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mmp_local_dev.contract.clauses.asking import LiveCheck, LiveClause, Once, as_broken, clause_of, meant
from mmp_local_dev.contract.clauses.base import ClauseBroken, ClauseSkipped
from mmp_local_dev.contract.model import Column, Contract, Table
from mmp_local_dev.contract.types import canonical
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import Repair
from mmp_local_dev.services import postgresql_tables
from mmp_local_dev.services.postgresql_tables import ColumnFacts, Location, TableFacts

Facts = Once[Mapping[Location, TableFacts]]

_VIEWS = ("view", "materialized view")
_WITHOUT_KEYS = (*_VIEWS, "foreign table")  # PostgreSQL lets them have none


def facts_of(contract: Contract) -> Facts:
    """What PostgreSQL says of the contract's tables: one query on one connection for all clauses that ask."""
    return Once(lambda env, timeout: _read(contract, env, timeout))


def clauses(contract: Contract, facts: Facts) -> Iterator[LiveClause]:
    """Those of each table."""
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
    facts: Facts

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
            repairs=[_psql(rf"\dtv {_quoted(schema)}.*", "shows what is there")],
        )

    return check


def _column(reader: _Reader, column: Column) -> LiveCheck:
    def check(env: Environment, timeout: float) -> str:
        table, location = reader.this(env, timeout), reader.location(env)
        found = table.columns.get(column.name)
        if found is None:
            raise _column_missing(location, table, column)
        promised = ColumnFacts(canonical(column.type), not column.nullable, readable=True)
        if promised.type and found.type != promised.type:  # a consumer may need a column without a word on its type
            raise _other_column(location, column, promised, found, f"TYPE {promised.type}")
        if promised.not_null and not found.not_null and table.kind not in _VIEWS:  # which cannot declare it
            raise _other_column(location, column, promised, found, "SET NOT NULL")
        return _described(found)

    return check


def _column_missing(location: Location, table: TableFacts, column: Column) -> Exception:
    if not column.required:
        return ClauseSkipped("optional, not there")
    return ClauseBroken(
        f"{'.'.join(location)} has no column {column.name}{meant(column.name, table.columns)}",
        expected=f"{column.name} {canonical(column.type)}".rstrip(),
        actual="none",
        repairs=[_shown(location)],
    )


def _other_column(
    location: Location, column: Column, promised: ColumnFacts, found: ColumnFacts, change: str
) -> ClauseBroken:
    return ClauseBroken(
        f"{'.'.join(location)}.{column.name} is another column than promised",
        expected=_described(promised),
        actual=_described(found),
        repairs=[_altering(location, f"ALTER COLUMN {_quoted(column.name)} {change}")],
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
            raise _key_missing(reader.location(env), "PRIMARY KEY", primary, found.primary_key)
        for key in unique:
            if key not in found.unique:
                raise _key_missing(reader.location(env), "UNIQUE", key, ())
        return ", ".join(_listed(key) for key in promised if key)

    return check


def _key_missing(location: Location, kind: str, promised: tuple[str, ...], found: tuple[str, ...]) -> ClauseBroken:
    adding = _altering(location, f"ADD {kind} {_listed(map(_quoted, promised))}")
    return ClauseBroken(
        f"{'.'.join(location)} does not have the promised key",
        expected=f"{kind} {_listed(promised)}",
        actual=f"{kind} {_listed(found)}" if found else "none",
        repairs=[_shown(location) if found else adding],
    )


def _grant(reader: _Reader) -> LiveCheck:
    def check(env: Environment, timeout: float) -> None:
        table, user = reader.this(env, timeout), env["POSTGRES_USER"]
        there = [name for name in reader.table.columns if name in table.columns]
        closed = [name for name in there if not table.columns[name].readable]
        if table.usable and not closed:
            return
        raise _closed(reader.location(env), user, closed if table.usable else [])

    return check


def _closed(location: Location, user: str, columns: list[str]) -> ClauseBroken:
    """`columns` are those that may not be read; none when the whole schema may not be used."""
    schema = _quoted(location[0])
    grant = f"SELECT ON {_quoted(*location)}" if columns else f"USAGE ON SCHEMA {schema}"
    return ClauseBroken(
        f"{user} may not read {'.'.join(location)}",
        expected="SELECT",
        actual=f"no SELECT of {', '.join(columns)}" if columns else f"no USAGE of the schema {location[0]}",
        repairs=[_psql(f"GRANT {grant} TO {_quoted(user)}", "as the owner of the table")],
    )


def _shown(location: Location) -> Repair:
    return _psql(rf"\d {_quoted(*location)}", "shows what is there")


def _altering(location: Location, change: str) -> Repair:
    return _psql(f"ALTER TABLE {_quoted(*location)} {change}", "where the rows allow it")


def _psql(command: str, description: str) -> Repair:
    return Repair(f"mmp-dev psql -c {shlex.quote(command)}", description)


def _quoted(*identifiers: str) -> str:
    """As they are written in SQL, whatever they are."""
    return ".".join('"' + each.replace('"', '""') + '"' for each in identifiers)


def _listed(names: Iterable[str]) -> str:
    return f"({', '.join(names)})"
