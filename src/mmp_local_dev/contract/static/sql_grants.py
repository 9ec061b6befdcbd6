"""GRANT and ALTER DEFAULT PRIVILEGES: who may read which table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmp_local_dev.contract.static.files import Place
from mmp_local_dev.contract.static.sql_text import Statement, name_of

_GRANT = re.compile(r"(ALTER\s+DEFAULT\s+PRIVILEGES|GRANT)\s", re.IGNORECASE)
_OTHER_OBJECTS = ("SCHEMA", "DATABASE", "SEQUENCE", "FUNCTION", "ALL SEQUENCES", "ALL FUNCTIONS", "SEQUENCES", "TYPE")


@dataclass(frozen=True)
class Grant:
    """Who may read what: `table` is `schema.table`, or `schema.*` for all of a schema, "*" for all there are."""

    table: str
    role: str
    place: Place

    def is_about(self, table: str) -> bool:
        """Whether it covers the table `schema.table`."""
        return self.table in (table, f"{table.partition('.')[0]}.*", "*")


def grants(statement: Statement) -> list[Grant]:
    """The right to read, out of GRANT or ALTER DEFAULT PRIVILEGES; nothing for any other statement."""
    if not _GRANT.match(statement.text):
        return []
    scope, said = _halves(r"\bGRANT ", " ".join(statement.text.split()))
    privileges, said = _halves(" ON ", said)
    objects, roles = _halves(" TO ", said)
    if not re.search(r"\b(SELECT|ALL)\b", privileges, re.IGNORECASE):
        return []
    names = [name_of(role.split()[-1]) for role in _halves(" (?:WITH|GRANTED) ", roles)[0].split(",") if role.strip()]
    return [Grant(table, name, statement.place) for table in _granted(scope, objects, statement) for name in names]


def _granted(scope: str, objects: str, statement: Statement) -> list[str]:
    """The tables that a right is given on, as Grant names them. `scope` is what stands before GRANT."""
    if objects.upper() == "TABLES":
        _, schemas = _halves(" IN SCHEMA ", scope)
        return [f"{name_of(each)}.*" for each in schemas.split(",")] if schemas else ["*"]
    before, schemas = _halves("ALL TABLES IN SCHEMA ", objects)
    if schemas:
        return [f"{name_of(each)}.*" for each in schemas.split(",")]
    if objects.upper().startswith(tuple(f"{kind} " for kind in _OTHER_OBJECTS)):
        return []
    tables = re.sub("^TABLE ", "", before, flags=re.IGNORECASE).split(",")
    parts = [[name_of(part) for part in table.split(".")] for table in tables]
    return [".".join(each if len(each) > 1 else [statement.schema, *each]) for each in parts]


def _halves(at: str, text: str) -> tuple[str, str]:
    """`text` before and after the first place where the pattern `at` fits."""
    before, *after = re.split(at, text, maxsplit=1, flags=re.IGNORECASE)
    return before, after[0] if after else ""
