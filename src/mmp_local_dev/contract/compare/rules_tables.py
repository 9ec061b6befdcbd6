"""What has changed about tables and their columns. A table is who it is by its physical name, which readers use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from mmp_local_dev.contract.compare.changes import Change, Subject
from mmp_local_dev.contract.compare.pairs import Pair, Place, Rule, compared
from mmp_local_dev.contract.model import Column, Contract, Table
from mmp_local_dev.contract.types import canonical

_LENGTH = re.compile(r"(character varying|character)(?:\((\d+)\))?")


def changes(old: Contract, new: Contract, as_of: date) -> Iterator[Change]:
    """Those of tables, and of the columns of tables that stay."""
    was, now = _by_physical_name(old), _by_physical_name(new)
    yield from compared(was, now, _place, _RULES, as_of)
    for name in sorted(was.keys() & now.keys()):
        yield from _columns(was[name], now[name], as_of)


def _by_physical_name(contract: Contract) -> dict[str, Table]:
    return {table.physical_name: table for table in contract.tables.values()}


def _place(table: Table) -> Place:
    return Place("table", "schema", Subject("table", table.physical_name), table.physical_name)


def _columns(old: Table, new: Table, as_of: date) -> Iterator[Change]:
    def place(column: Column) -> Place:
        name = f"{old.physical_name}:{column.name}"
        return Place("column", "schema", Subject("column", name), name, old.stability)

    yield from compared(old.columns, new.columns, place, _COLUMN_RULES, as_of)


def _name(pair: Pair[Table]) -> Iterator[Change]:
    yield from pair.differs("table-name-changed", "name in this contract", pair.old.name, pair.new.name)


def _primary_key(pair: Pair[Table]) -> Iterator[Change]:
    old, new = (f"primary key ({', '.join(table.primary_key)})" for table in (pair.old, pair.new))
    if set(pair.old.primary_key) != set(pair.new.primary_key):
        if pair.old.primary_key:
            yield pair.change("key-or-unique-removed", f"{old} is gone", old)
        if pair.new.primary_key:
            yield pair.change("key-or-unique-added", f"{new} is new", "", new)
    else:
        yield from pair.differs("key-order-changed", "key", old, new)


def _type(pair: Pair[Column]) -> Iterator[Change]:
    old, new = canonical(pair.old.type), canonical(pair.new.type)
    was, now = _LENGTH.fullmatch(old), _LENGTH.fullmatch(new)
    if was and now and was[1] == now[1]:
        word = "widened" if _length(now) > _length(was) else "narrowed"
        yield from pair.differs(f"column-length-{word}", "type", old, new)
    else:
        yield from pair.differs("column-type-changed", "type", old, new)


def _length(matched: re.Match[str]) -> float:
    return float(matched[2] or "inf")


def _nullable(pair: Pair[Column]) -> Iterator[Change]:
    if pair.old.nullable != pair.new.nullable:
        word, told = ("nullable", "may be null now") if pair.new.nullable else ("not-nullable", "is never null now")
        yield pair.change(f"column-became-{word}", told)


def _unique(pair: Pair[Column]) -> Iterator[Change]:
    if pair.old.unique != pair.new.unique:
        word, told = ("added", "is unique now") if pair.new.unique else ("removed", "is no longer unique")
        yield pair.change(f"key-or-unique-{word}", told)


_RULES: tuple[Rule[Table], ...] = (_name, _primary_key)
_COLUMN_RULES: tuple[Rule[Column], ...] = (_type, _nullable, _unique)
