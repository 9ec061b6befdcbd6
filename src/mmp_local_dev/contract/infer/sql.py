"""What a query reads: tables, and the columns that it names. The home of sqlglot."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mmp_local_dev.contract.needs.subjects import Subject

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

HOLE = "mmp_dev_hole"  # stands for what only the running program knows

_QUERY = re.compile(r"[\s(]*(select|with|insert\s+into|update|delete\s+from|create)\b.*\bfrom\b", re.I | re.S)
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.S)
_BLOCK = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.S)
_PARAMETER = re.compile(r"%\(\w+\)s|%s")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_SYSTEM = ("information_schema", "pg_catalog", "pg_temp")


class NotSql(ValueError):
    """The text is no SQL that PostgreSQL would take."""


def looks_like_query(text: str) -> bool:
    """Whether it is worth the time to parse it as SQL."""
    return bool(_QUERY.match(text))


def reads(text: str) -> Iterator[Subject]:
    """The tables and columns that the statements in `text` read, in PostgreSQL's dialect.

    A table without a schema is taken to be in `public`. Templates (`{{ }}`) and parameters are left open: what they
    stand for is not read. Raises NotSql.
    """
    # Here, since importing it takes longer than everything else that a draft needs.
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import traverse_scope

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns about syntax that it skips, on stderr
    plain = _PARAMETER.sub("NULL", _TEMPLATE.sub(HOLE, _BLOCK.sub(" ", text)))
    try:
        statements = [statement for statement in sqlglot.parse(plain, read="postgres") if statement]
        scopes = [scope for statement in statements for scope in traverse_scope(statement)]
    except (SqlglotError, RecursionError) as error:
        raise NotSql(str(error).partition("\n")[0]) from None
    for scope in scopes:
        yield from _of_scope(scope)


def _of_scope(scope: Scope) -> Iterator[Subject]:
    """What one query reads; those inside of it have scopes of their own."""
    from sqlglot import exp

    tables = {alias: _table(source) for alias, source in scope.sources.items() if isinstance(source, exp.Table)}
    for table in tables.values():
        if table:
            yield "table", table
    alone = next(iter(tables.values())) if len(scope.sources) == 1 and tables else None
    for column in scope.columns:
        table = tables.get(column.table) if column.table else alone
        name = _plain(column.this)
        if table and name:
            yield "column", f"{table}:{name}"


def _table(table: exp.Table) -> str | None:
    """Schema and name; None for a function, a table of the system, or a name that is left open."""
    from sqlglot import exp

    if not isinstance(table.this, exp.Identifier):
        return None
    schema = _plain(table.args["db"]) if table.args.get("db") else "public"
    name = _plain(table.this)
    return f"{schema}.{name}" if schema and name and schema not in _SYSTEM else None


def _plain(identifier: object) -> str | None:
    """The name as PostgreSQL takes it: in lower case unless it is quoted; None for what is no plain name."""
    from sqlglot import exp

    if not isinstance(identifier, exp.Identifier):
        return None
    name = identifier.name if identifier.quoted else identifier.name.lower()
    return name if _NAME.fullmatch(name) and HOLE not in name else None
