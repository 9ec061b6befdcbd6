"""What is promised as data, as a JSON Schema: the environment, and in `$defs` a row of each table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mmp_local_dev.contract import types
from mmp_local_dev.contract.model import Column, Contract, Promise, Table, Variable, VariableType

Schema = dict[str, Any]

_VARIABLES: Mapping[VariableType, Schema] = {
    VariableType.HOST: {},
    VariableType.PORT: {"pattern": "^[1-9][0-9]{0,4}$"},
    VariableType.STRING: {},
    VariableType.URL: {"format": "uri", "pattern": "^https?://"},
    VariableType.PATH: {"pattern": "^/"},
}

# Rows as clients get them in JSON. What is not here can be anything.
_COLUMNS: Mapping[str, Schema] = {
    "bigint": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "bytea": {"type": "string", "contentEncoding": "base64"},
    "character": {"type": "string"},
    "character varying": {"type": "string"},
    "citext": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "double precision": {"type": "number"},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "numeric": {"type": "number"},
    "real": {"type": "number"},
    "smallint": {"type": "integer", "minimum": -(2**15), "maximum": 2**15 - 1},
    "text": {"type": "string"},
    "timestamp with time zone": {"type": "string", "format": "date-time"},
    "timestamp without time zone": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
}


def json_schema(contract: Contract) -> str:
    """A JSON Schema (draft 2020-12) of the environment, whose values are text, and of the rows of the tables."""
    variables = contract.variables.values()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mmp-dev:contract:{contract.name}:{contract.version}",
        "title": f"Environment of {contract.name} {contract.version}",
        **({"description": contract.description} if contract.description else {}),
        "type": "object",
        "required": [v.name for v in variables if v.required and not v.accepted],
        "properties": {variable.name: _variable(variable) for variable in variables},
        "$defs": {table.name: _row(table) for table in contract.tables.values()},
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _variable(variable: Variable) -> Schema:
    schema: Schema = {**_notes(variable), "type": "string", "minLength": max(1, variable.min_length)}
    schema |= _VARIABLES[variable.type]
    if variable.const:
        schema["const"] = variable.default
    elif variable.default is not None:
        schema["default"] = variable.default
    if variable.enum:
        schema["enum"] = list(variable.enum)
    if variable.sensitive:
        schema["writeOnly"] = True
    return schema


def _row(table: Table) -> Schema:
    return {
        **_notes(table),
        "title": table.physical_name,
        "type": "object",
        "required": list(table.columns),
        "properties": {column.name: _column(column) for column in table.columns.values()},
    }


def _column(column: Column) -> Schema:
    schema = _value(types.canonical(column.type))
    if column.nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return {**_notes(column), "$comment": types.canonical(column.type), **schema}


def _value(canonical: str) -> Schema:
    """The values of a type of PostgreSQL."""
    if canonical.endswith("[]"):
        return {"type": "array", "items": _value(canonical.removesuffix("[]"))}
    schema = dict(_COLUMNS.get(types.base(canonical), {}))
    size = re.fullmatch(r"character(?: varying)?\(([0-9]+)\)", canonical)
    return {**schema, "maxLength": int(size[1])} if size else schema


def _notes(promise: Promise) -> Schema:
    notes: Schema = {"description": promise.description} if promise.description else {}
    return {**notes, "deprecated": True} if promise.deprecated else notes
