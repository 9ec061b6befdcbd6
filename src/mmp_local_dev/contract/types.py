"""PostgreSQL's types: one spelling for each, and the types of Feast that can hold their values."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Other spellings of what `format_type` of PostgreSQL calls so.
_SPELLINGS = {
    "bool": "boolean",
    "char": "character",
    "bpchar": "character",
    "decimal": "numeric",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "serial2": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
    "smallserial": "smallint",
    "bigserial": "bigint",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}

_TEXT = ("String",)
_MOMENT = ("UnixTimestamp",)

# What Feast can hold without loss; a numeric is a float for it anyway.
_DTYPES: Mapping[str, tuple[str, ...]] = {
    "bigint": ("Int64",),
    "boolean": ("Bool",),
    "bytea": ("Bytes",),
    "character": _TEXT,
    "character varying": _TEXT,
    "citext": _TEXT,
    "date": _MOMENT,
    "double precision": ("Float64",),
    "integer": ("Int32", "Int64"),
    "json": _TEXT,
    "jsonb": _TEXT,
    "numeric": ("Float32", "Float64"),
    "real": ("Float32", "Float64"),
    "smallint": ("Int32", "Int64"),
    "text": _TEXT,
    "timestamp with time zone": _MOMENT,
    "timestamp without time zone": _MOMENT,
    "uuid": _TEXT,
}
_WITHOUT_DTYPE = (
    *("bit", "bit varying", "time with time zone", "time without time zone", "interval"),
    *("box", "circle", "line", "lseg", "path", "point", "polygon"),
    *("cidr", "inet", "macaddr", "macaddr8"),
    *("money", "oid", "tsquery", "tsvector", "xml"),
    *("geography", "geometry", "halfvec", "hstore", "vector"),  # of extensions
)

# The spellings that a contract can use; any other name needs its schema, as in `public.mood`.
NAMES = (*_DTYPES, *_WITHOUT_DTYPE, *_SPELLINGS)

_TYPE = re.compile(
    r"(?P<name>[a-z_][a-z0-9_.]*(?: (?!with |without |array)[a-z]+)*)"
    r" ?(?:\((?P<size>[0-9]{1,9}(?:,-?[0-9]{1,9})?)\))?"
    r" ?(?P<zone>with time zone|without time zone)?"
    r" ?(?P<array>(?:\[[0-9]*\])+|array)?"
)


def canonical(type_: str) -> str:
    """The type as PostgreSQL's `format_type` spells it: `int4` is `integer`, `varchar(50)[]` `character varying(50)[]`.

    What is no type of PostgreSQL's comes back as it is, in lower case.
    """
    plain = re.sub(r" *([(),]) *", r"\1", " ".join(type_.lower().split())).replace(")w", ") w")
    found = _TYPE.fullmatch(plain)
    if found is None:
        return plain
    name = f"{found['name']} {found['zone']}" if found["zone"] else found["name"]
    array = "[]" if found["array"] else ""
    return f"{_sized(_SPELLINGS.get(name, name), found['size'])}{array}"


def _sized(name: str, size: str | None) -> str:
    """`name` with its size, which stands before the time zone; a `character` of no size has one character."""
    size = size or ("1" if name in ("character", "bit") else None)
    first, space, rest = name.partition(" with")
    return f"{first}({size}){space}{rest}" if size else name


def base(type_: str) -> str:
    """The canonical type without its size and without `[]`."""
    return re.sub(r"\([^)]*\)|\[\]", "", canonical(type_))


def is_known(type_: str) -> bool:
    """Whether this is a type of PostgreSQL's or of its usual extensions, or of a schema that is named."""
    return bool(_TYPE.fullmatch(canonical(type_))) and (base(type_) in NAMES or "." in type_)


def dtypes(type_: str) -> tuple[str, ...]:
    """The types of Feast that can hold values of this type; none where nothing is known about it."""
    names = _DTYPES.get(base(type_), ())
    return tuple(f"Array({name})" for name in names) if canonical(type_).endswith("[]") else names


# JSON Schema's words for the values of each type of Feast, as they are written in a contract.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "Bool": ("boolean",),
    "Bytes": ("string",),
    "Float32": ("number", "integer"),
    "Float64": ("number", "integer"),
    "Int32": ("integer",),
    "Int64": ("integer",),
    "String": ("string",),
    "UnixTimestamp": ("string", "integer"),
}


def kinds(dtype: str) -> tuple[str, ...]:
    """What a value of this type of Feast can be in a contract, in JSON Schema's words; none for lists."""
    return _KINDS.get(dtype, ())
