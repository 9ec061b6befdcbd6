"""SQL files: the tables that they make, who may read them, and the roles that there are.

Only statements that make or change tables are parsed; what surrounds them (data, functions, psql's own commands) is
passed over. The files are taken in the order given, as psql or an image's init folder would run them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from mmp_local_dev.contract.static.files import Place
from mmp_local_dev.contract.static.sql_grants import Grant, grants
from mmp_local_dev.contract.static.sql_text import PUBLIC, Statement, name_of, statements
from mmp_local_dev.contract.types import canonical

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST_STATEMENT = 100_000
DEEPEST = 50  # brackets in brackets: the parser recurses

_TABLE = re.compile(
    r"(CREATE\s+((GLOBAL|LOCAL)\s+)?((TEMP|TEMPORARY|UNLOGGED|FOREIGN|MATERIALIZED|OR\s+REPLACE)\s+)*(TABLE|VIEW)"
    r"|ALTER\s+TABLE|DROP\s+TABLE)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(r"\bCREATE\s+(?:ROLE|USER)\s+(\"[^\"]+\"|\w+)", re.IGNORECASE)
_SERIAL = ("SERIAL", "BIGSERIAL", "SMALLSERIAL")


@dataclass(frozen=True)
class SqlColumn:
    """A column: its type in the spelling of `types.canonical`, and whether it may be NULL."""

    type: str
    nullable: bool
    place: Place


@dataclass
class SqlTable:
    """A table. `open`: it has columns that are not written here, since they come from a query or another table."""

    place: Place
    columns: dict[str, SqlColumn] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    open: bool = False


@dataclass
class Database:
    """What the files make: tables by `schema.table`, grants to read, roles. `unreadable` should make tables, too."""

    tables: dict[str, SqlTable] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    unreadable: list[Statement] = field(default_factory=list)


def parse(texts: Mapping[str, str], schemas: Mapping[str, str] = MappingProxyType({})) -> Database:
    """What the SQL files make, given as texts by name. Any text will do: what cannot be read is in `unreadable`.

    Names without a schema go to the one that `schemas` has for the file, or to `public`.
    """
    database = Database()
    files = (statements(name, text, schema=schemas.get(name, PUBLIC)) for name, text in texts.items())
    for statement in chain.from_iterable(files):
        database.roles.update(name_of(role) for role in _ROLE.findall(statement.text))
        database.grants.extend(grants(statement))
        if _TABLE.match(statement.text):
            _apply(statement, database)
    return database


def _spelled(type_: exp.Expr) -> str:
    return canonical(type_.sql("postgres"))


def _apply(statement: Statement, database: Database) -> None:
    from sqlglot import exp

    tree = _parsed(statement.text)
    if isinstance(tree, exp.Create):
        _create(tree, statement, database)
    elif isinstance(tree, exp.Alter):
        _alter(tree, statement, database)
    elif isinstance(tree, exp.Drop):
        for each in tree.find_all(exp.Table):
            database.tables.pop(_qualified(each, statement.schema) or "", None)
    elif statement.text[:6].upper() == "CREATE":
        database.unreadable.append(statement)


def _parsed(text: str) -> exp.Expr | None:
    """The tree of one statement; None when it cannot be read."""
    import logging

    import sqlglot
    from sqlglot.errors import SqlglotError

    if len(text) > LONGEST_STATEMENT or _depth(text) > DEEPEST:
        return None
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns on stderr of what it does not know
    try:
        trees = sqlglot.parse(text, dialect="postgres")
    except (SqlglotError, RecursionError):
        return None
    return trees[0] if len(trees) == 1 else None


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[(\[)\]]", text):
        depth += 1 if bracket in "([" else -1
        deepest = max(deepest, depth)
    return deepest


def _create(tree: exp.Create, statement: Statement, database: Database) -> None:
    from sqlglot import exp

    body = tree.this if isinstance(tree.this, exp.Schema) else None
    name = _qualified(body.this if body else tree.this, statement.schema)
    if name is None:
        database.unreadable.append(statement)
        return
    parts = body.expressions if body else []
    table = SqlTable(statement.place, open=not parts or bool(tree.expression or tree.find(exp.InheritsProperty)))
    for part in parts:
        _add(part, table, statement)
    if not tree.args.get("exists") or name not in database.tables:
        database.tables[name] = table


def _alter(tree: exp.Alter, statement: Statement, database: Database) -> None:
    table = database.tables.get(_qualified(tree.this, statement.schema) or "")
    if table is not None:
        for action in tree.args.get("actions") or ():
            _add(action, table, statement)


def _add(part: exp.Expr, table: SqlTable, statement: Statement) -> None:
    """Apply what is inside of CREATE TABLE or follows ALTER TABLE."""
    from sqlglot import exp

    if isinstance(part, exp.ColumnDef):
        _add_column(part, table, statement)
    elif isinstance(part, exp.LikeProperty):
        table.open = True
    elif isinstance(part, exp.AlterColumn):
        _alter_column(part, table, statement)
    elif isinstance(part, exp.RenameColumn):
        column = table.columns.pop(_column_name(part.this), None)
        if column:
            table.columns[_column_name(part.args["to"])] = column
    elif isinstance(part, exp.Drop):
        for each in part.find_all(exp.Column):
            table.columns.pop(_column_name(each), None)
    else:
        for key in part.find_all(exp.PrimaryKey):
            _make_key(table, tuple(_column_name(each) for each in key.expressions))


def _add_column(part: exp.ColumnDef, table: SqlTable, statement: Statement) -> None:
    from sqlglot import exp

    kinds = [constraint.args.get("kind") for constraint in part.args.get("constraints") or ()]
    name, type_ = _column_name(part), part.args.get("kind")
    serial = type_ is not None and type_.sql("postgres").upper() in _SERIAL
    bare = any(isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null") for kind in kinds)
    filled = serial or any(isinstance(kind, exp.GeneratedAsIdentityColumnConstraint) for kind in kinds)
    place = _place(part, statement)
    table.columns[name] = SqlColumn(_spelled(type_) if type_ else "", not (bare or filled), place)
    if any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds):
        _make_key(table, (name,))


def _alter_column(part: exp.AlterColumn, table: SqlTable, statement: Statement) -> None:
    name, type_ = _column_name(part), part.args.get("dtype")
    column = table.columns.get(name)
    if column is None:
        return
    place = _place(part, statement)
    if type_:
        table.columns[name] = SqlColumn(_spelled(type_), column.nullable, place)
    elif part.args.get("allow_null") is not None:
        table.columns[name] = SqlColumn(column.type, bool(part.args["allow_null"]), place)


def _make_key(table: SqlTable, names: tuple[str, ...]) -> None:
    table.primary_key = names
    for name in names:
        if name in table.columns:
            column = table.columns[name]
            table.columns[name] = SqlColumn(column.type, False, column.place)  # noqa: FBT003 -- a field


def _qualified(table: exp.Expr, schema: str) -> str | None:
    """`schema.table`; None when a part is no name, such as a variable of psql."""
    from sqlglot import exp

    above = table.args.get("db")
    if not isinstance(table.this, exp.Identifier) or not isinstance(above, exp.Identifier | None):
        return None
    return f"{_folded(above) if above else schema}.{_folded(table.this)}"


def _column_name(part: exp.Expr) -> str:
    """The name of a column or table as PostgreSQL keeps it."""
    from sqlglot import exp

    found = part if isinstance(part, exp.Identifier) else part.find(exp.Identifier)
    return _folded(found) if isinstance(found, exp.Identifier) else part.name.lower()


def _folded(name: exp.Identifier) -> str:
    return str(name.this) if name.args.get("quoted") else str(name.this).lower()


def _place(part: exp.Expr, statement: Statement) -> Place:
    from sqlglot import exp

    found = part.find(exp.Identifier)
    line = found.meta.get("line", 1) if found is not None else 1
    return Place(statement.place.file, statement.place.line + line - 1)
