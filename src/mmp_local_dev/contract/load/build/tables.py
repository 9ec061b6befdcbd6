"""The tables, and how quick and fresh things are: the sections in the words of the Open Data Contract Standard."""

from __future__ import annotations

from mmp_local_dev.contract.load.build.terms import terms
from mmp_local_dev.contract.load.document import Node
from mmp_local_dev.contract.model import Column, ServiceLevel, Severity, Table


def tables(document: Node) -> dict[str, Table]:
    """Every table, by its name in the contract."""
    return {node.at("name").text: _table(node) for node in document.at("schema").items}


def service_levels(document: Node) -> dict[str, ServiceLevel]:
    """Every service level, by id. They are warnings unless they say otherwise: a slow laptop breaks no contract."""
    return {node.at("id").text: _service_level(node) for node in document.at("slaProperties").items}


def _table(node: Node) -> Table:
    return Table(
        name=node.at("name").text,
        physical_name=node.at("physicalName").text,
        columns={column.at("name").text: _column(column) for column in node.at("properties").items},
        primary_key=_primary_key(node),
        **terms(node),
    )


def _primary_key(table: Node) -> tuple[str, ...]:
    """The columns of the primary key by position; one that has none is alone."""
    keys = [column for column in table.at("properties").items if column.at("primaryKey").is_true]
    keys.sort(key=lambda column: int(column.at("primaryKeyPosition").text or 0))
    return tuple(column.at("name").text for column in keys)


def _column(node: Node) -> Column:
    return Column(
        name=node.at("name").text,
        type=node.at("physicalType").text,
        nullable=not (node.at("required").is_true or node.at("primaryKey").is_true),
        unique=node.at("unique").is_true,
        **terms(node),
    )


def _service_level(node: Node) -> ServiceLevel:
    return ServiceLevel(
        name=node.at("id").text,
        property=node.at("property").text,
        value=float(node.at("value").text),
        unit=node.at("unit").text,
        element=node.at("element").text,
        **terms(node, severity=Severity.WARNING),
    )
