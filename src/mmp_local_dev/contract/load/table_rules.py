"""What a contract's tables have to be beyond their form. Each rule yields the problems that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmp_local_dev.contract import types
from mmp_local_dev.contract.load.document import Node, Problem, quoted

Where = tuple[str, ...]


def tables_are_unique(document: Node) -> Iterator[Problem]:
    """No two tables have the same name, or are the same table of PostgreSQL."""
    for key in ("name", "physicalName"):
        yield from repeated(document.at("schema").items, key, ("schema",))


def columns_are_unique(document: Node) -> Iterator[Problem]:
    """No two columns of a table have the same name."""
    for where, table in _tables(document):
        yield from repeated(table.at("properties").items, "name", (*where, "properties"))


def repeated(items: Sequence[Node], key: str, where: Where) -> Iterator[Problem]:
    """The items of a list whose `key` an earlier one has already."""
    first: dict[str, Node] = {}
    for index, item in enumerate(items):
        named = item.at(key)
        earlier = first.setdefault(named.text, named)
        if earlier is not named:
            text = f"{quoted(named.text)} is there already (line {earlier.line})"
            yield Problem(named.line, (*where, f"[{index}]", key), text)


def types_are_known(document: Node) -> Iterator[Problem]:
    """`physicalType` is a type of PostgreSQL."""
    for where, table in _tables(document):
        for index, column in enumerate(table.at("properties").items):
            written = column.at("physicalType")
            if not types.is_known(written.text):
                text = f"{quoted(written.text)} is no type of PostgreSQL; write one of your own with its schema"
                place = (*where, "properties", f"[{index}]", "physicalType")
                yield Problem(written.line, place, text, written.text, types.NAMES)


def keys_are_sound(document: Node) -> Iterator[Problem]:
    """The positions in a primary key are 1, 2, ...; only a key of one column can do without."""
    for where, table in _tables(document):
        yield from _misplaced(table, (*where, "properties"))
        keys = [column for column in table.at("properties").items if column.at("primaryKey").is_true]
        positions = sorted(int(column.at("primaryKeyPosition").text or 0) for column in keys)
        if positions not in ([0], [*range(1, len(keys) + 1)]):
            text = f"primaryKeyPosition of its {len(keys)} key columns has to be 1 to {len(keys)}, each once"
            yield Problem(table.line, where, text)


def _misplaced(table: Node, where: Where) -> Iterator[Problem]:
    for index, column in enumerate(table.at("properties").items):
        position = column.at("primaryKeyPosition")
        if position.text and not column.at("primaryKey").is_true:
            text = "belongs to a column that says primaryKey: true"
            yield Problem(position.line, (*where, f"[{index}]", "primaryKeyPosition"), text)


def _tables(document: Node) -> Iterator[tuple[Where, Node]]:
    for index, table in enumerate(document.at("schema").items):
        yield ("schema", f"[{index}]"), table
