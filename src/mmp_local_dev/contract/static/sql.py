"""SQL files: the tables that they make, who may read them, and the roles that there are.

Only statements that make or change tables are parsed; what surrounds them (data, functions, psql's own commands) is
passed over. The files are taken in the order given, as psql or an image's init folder would run them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmp_local_dev.contract.static.files import Place

if TYPE_CHECKING:
    from sqlglot import exp

PUBLIC = "public"  # the role that everybody has, and the schema of tables that name none
LONGEST_STATEMENT = 100_000
DEEPEST = 50  # brackets in brackets: the parser recurses

# What a ; or a keyword means nothing in: comments, text, quoted names, bodies of functions, psql's commands and data.
_OPAQUE = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) | ^\\[^\n]* )
    | '(?:[^']|'')*' | "[^"]*"
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?P<data> ^COPY\b[^;\n]{0,9999}\bFROM[ ]STDIN[^;\n]*;.*?(?:^\\\.|\Z) )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_TABLE = re.compile(
    r"(CREATE\s+((GLOBAL|LOCAL)\s+)?((TEMP|TEMPORARY|UNLOGGED|FOREIGN|MATERIALIZED|OR\s+REPLACE)\s+)*(TABLE|VIEW)"
    r"|ALTER\s+TABLE|DROP\s+TABLE)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(r"\bCREATE\s+(?:ROLE|USER)\s+(\"[^\"]+\"|\w+)", re.IGNORECASE)
_SEARCH_PATH = re.compile(r"SET\s+(?:LOCAL\s+|SESSION\s+)?search_path\s*(?:=|\bTO\b)\s*([\w\"]+)", re.IGNORECASE)
_GRANT = re.compile(r"(ALTER DEFAULT PRIVILEGES|GRANT) ", re.IGNORECASE)
_OTHER_OBJECTS = ("SCHEMA", "DATABASE", "SEQUENCE", "FUNCTION", "ALL SEQUENCES", "ALL FUNCTIONS", "SEQUENCES", "TYPE")
_SERIAL = {"SERIAL": "INT", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}


@dataclass(frozen=True)
class SqlColumn:
    """A column: its type in one spelling (see `canonical`), and whether it may be NULL."""

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


@dataclass(frozen=True)
class Grant:
    """Who may read what: `table` is `schema.table`, or `schema.*` for all of a schema, "*" for all there are."""

    table: str
    role: str
    place: Place

    def is_about(self, table: str) -> bool:
        """Whether it covers the table `schema.table`."""
        return self.table in (table, f"{table.partition('.')[0]}.*", "*")


@dataclass
class Database:
    """What the files make: tables by `schema.table`, grants to read, roles; and statements that nobody can read."""

    tables: dict[str, SqlTable] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    unreadable: list[Place] = field(default_factory=list)


@dataclass(frozen=True)
class _Statement:
    """One statement, its comments blanked out; `schema` is where names without one go."""

    text: str
    place: Place
    schema: str


def parse(texts: Mapping[str, str]) -> Database:
    """What the SQL files make, given as texts by name. Any text will do: what cannot be read is in `unreadable`."""
    database = Database()
    for name, text in texts.items():
        database.roles |= {_name(role) for role in _ROLE.findall(text)}
        for statement in _statements(name, text):
            if _TABLE.match(statement.text):
                _apply(statement, database)
            elif _GRANT.match(statement.text):
                database.grants += _grants(statement)
    return database


def canonical(type_: str) -> str:
    """PostgreSQL's type in one spelling: `int4` and `integer` are the same. One that is not known stays as it is."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        return _spelled(exp.DataType.build(type_, dialect="postgres"))
    except (SqlglotError, RecursionError):
        return type_.upper()


def _spelled(type_: exp.Expr) -> str:
    text = type_.sql("postgres").upper()
    return _SERIAL.get(text, text)


def _statements(file: str, text: str) -> Iterator[_Statement]:
    schema, line = PUBLIC, 1
    for said in _split(text):
        above = said[: len(said) - len(said.lstrip())].count("\n")
        statement = _Statement(said.strip(), Place(file, line + above), schema)
        line += said.count("\n")
        if path := _SEARCH_PATH.match(statement.text):
            schema = _name(path[1])
        yield statement


def _split(text: str) -> Iterator[str]:
    """The statements in `text`, with all of its line breaks and without comments, data and psql's commands."""
    parts: list[str] = []
    at = 0
    for found in _OPAQUE.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["end"] is None:
            hidden = found["comment"] is not None or found["data"] is not None
            parts.append(re.sub(r"[^\n]+", " ", found[0]) if hidden else found[0])
        else:
            yield "".join(parts)
            parts = []
    yield "".join(parts) + text[at:]


def _apply(statement: _Statement, database: Database) -> None:
    from sqlglot import exp

    tree = _parsed(statement.text)
    if isinstance(tree, exp.Create):
        _create(tree, statement, database)
    elif isinstance(tree, exp.Alter):
        _alter(tree, statement, database)
    elif isinstance(tree, exp.Drop):
        for each in tree.find_all(exp.Table):
            database.tables.pop(_qualified(each, statement.schema) or "", None)
    else:
        database.unreadable.append(statement.place)


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


def _create(tree: exp.Create, statement: _Statement, database: Database) -> None:
    from sqlglot import exp

    body = tree.this if isinstance(tree.this, exp.Schema) else None
    name = _qualified(body.this if body else tree.this, statement.schema)
    if name is None:
        database.unreadable.append(statement.place)
        return
    parts = body.expressions if body else []
    table = SqlTable(statement.place, open=not parts or bool(tree.expression or tree.find(exp.InheritsProperty)))
    for part in parts:
        _add(part, table, statement)
    if not tree.args.get("exists") or name not in database.tables:
        database.tables[name] = table


def _alter(tree: exp.Alter, statement: _Statement, database: Database) -> None:
    table = database.tables.get(_qualified(tree.this, statement.schema) or "")
    if table is not None:
        for action in tree.args.get("actions") or ():
            _add(action, table, statement)


def _add(part: exp.Expr, table: SqlTable, statement: _Statement) -> None:
    """Apply what is inside of CREATE TABLE or follows ALTER TABLE."""
    from sqlglot import exp

    if isinstance(part, exp.ColumnDef):
        _add_column(part, table, statement)
    elif isinstance(part, exp.LikeProperty):
        table.open = True
    elif isinstance(part, exp.AlterColumn):
        _alter_column(part, table, statement)
    elif isinstance(part, exp.RenameColumn):
        column = table.columns.pop(_name_of(part.this), None)
        if column:
            table.columns[_name_of(part.args["to"])] = column
    elif isinstance(part, exp.Drop):
        for each in part.find_all(exp.Column):
            table.columns.pop(_name_of(each), None)
    else:
        for key in part.find_all(exp.PrimaryKey):
            _make_key(table, tuple(_name_of(each) for each in key.expressions))


def _add_column(part: exp.ColumnDef, table: SqlTable, statement: _Statement) -> None:
    from sqlglot import exp

    kinds = [constraint.args.get("kind") for constraint in part.args.get("constraints") or ()]
    name, type_ = _name_of(part), part.args.get("kind")
    text = type_.sql("postgres").upper() if type_ else ""
    bare = any(isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null") for kind in kinds)
    filled = text in _SERIAL or any(isinstance(kind, exp.GeneratedAsIdentityColumnConstraint) for kind in kinds)
    place = _place(part, statement)
    table.columns[name] = SqlColumn(_SERIAL.get(text, text), not (bare or filled), place)
    if any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds):
        _make_key(table, (name,))


def _alter_column(part: exp.AlterColumn, table: SqlTable, statement: _Statement) -> None:
    name, type_ = _name_of(part), part.args.get("dtype")
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


def _grants(statement: _Statement) -> list[Grant]:
    """The right to read, out of GRANT or ALTER DEFAULT PRIVILEGES; nothing when it is about something else."""
    scope, said = _halves(r"\bGRANT ", " ".join(statement.text.split()))
    privileges, said = _halves(" ON ", said)
    objects, roles = _halves(" TO ", said)
    if not re.search(r"\b(SELECT|ALL)\b", privileges, re.IGNORECASE):
        return []
    names = [_name(role.split()[-1]) for role in _halves(" (?:WITH|GRANTED) ", roles)[0].split(",") if role.strip()]
    return [Grant(table, name, statement.place) for table in _granted(scope, objects, statement) for name in names]


def _granted(scope: str, objects: str, statement: _Statement) -> list[str]:
    """The tables that a right is given on, as Grant names them. `scope` is what stands before GRANT."""
    if objects.upper() == "TABLES":
        _, schemas = _halves(" IN SCHEMA ", scope)
        return [f"{_name(each)}.*" for each in schemas.split(",")] if schemas else ["*"]
    before, schemas = _halves("ALL TABLES IN SCHEMA ", objects)
    if schemas:
        return [f"{_name(each)}.*" for each in schemas.split(",")]
    if objects.upper().startswith(tuple(f"{kind} " for kind in _OTHER_OBJECTS)):
        return []
    tables = re.sub("^TABLE ", "", before, flags=re.IGNORECASE).split(",")
    parts = [[_name(part) for part in table.split(".")] for table in tables]
    return [".".join(each if len(each) > 1 else [statement.schema, *each]) for each in parts]


def _halves(at: str, text: str) -> tuple[str, str]:
    """`text` before and after the first place where the pattern `at` fits."""
    before, *after = re.split(at, text, maxsplit=1, flags=re.IGNORECASE)
    return before, after[0] if after else ""


def _qualified(table: exp.Expr, schema: str) -> str | None:
    """`schema.table`; None when a part is no name, such as a variable of psql."""
    from sqlglot import exp

    above = table.args.get("db")
    if not isinstance(table.this, exp.Identifier) or not isinstance(above, exp.Identifier | None):
        return None
    return f"{_folded(above) if above else schema}.{_folded(table.this)}"


def _name_of(part: exp.Expr) -> str:
    """The name of a column or table as PostgreSQL keeps it."""
    from sqlglot import exp

    found = part if isinstance(part, exp.Identifier) else part.find(exp.Identifier)
    return _folded(found) if isinstance(found, exp.Identifier) else part.name.lower()


def _folded(name: exp.Identifier) -> str:
    return str(name.this) if name.args.get("quoted") else str(name.this).lower()


def _name(word: str) -> str:
    """A name as PostgreSQL keeps it: in lower case, unless it is quoted."""
    word = word.strip()
    return word[1:-1] if word.startswith('"') and word.endswith('"') and len(word) > 1 else word.lower()


def _place(part: exp.Expr, statement: _Statement) -> Place:
    from sqlglot import exp

    found = part.find(exp.Identifier)
    line = found.meta.get("line", 1) if found is not None else 1
    return Place(statement.place.file, statement.place.line + line - 1)
