"""The roles of a PostgreSQL server as SQL: written by pg_dumpall, and fitted to a server that has some of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, LiteralString

from mmp_local_dev.services.postgresql_server import ADMIN

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

# All names quoted: then a role's name looks the same in whatever version of PostgreSQL wrote it.
DUMP = ("pg_dumpall", "--roles-only", "--quote-all-identifiers", "--encoding=UTF8")
# Terse: the statement that failed, which may hold a password's verifier, is not quoted in the error.
RESTORE = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse")

_PIECE = re.compile(r"""--[^\n]*|\\[^\n]*|\s+|(?:"[^"]*"|'[^']*'|[^;'"])+;""")
_ROLES: LiteralString = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname"
_MEMBERSHIPS: LiteralString = """
    SELECT role.rolname, member.rolname, pg_catalog.pg_get_userbyid(grantor)
    FROM pg_catalog.pg_auth_members
    JOIN pg_catalog.pg_roles AS role ON role.oid = roleid
    JOIN pg_catalog.pg_roles AS member ON member.oid = pg_auth_members.member
    WHERE member.rolname = ANY(%(roles)s) AND (role.rolname = ANY(%(roles)s) OR role.rolname ~ '^pg_')
"""


def roles(admin: Connection) -> list[str]:
    """All roles but PostgreSQL's own."""
    return [name for (name,) in admin.execute(_ROLES)]


def fitted(script: str, existing: Collection[str]) -> str:
    """The `script` of pg_dumpall without making the roles that exist, and without touching the superuser.

    psql's commands and everything else stay as they are.
    """
    skipped = {f"CREATE ROLE {_quoted(name)};" for name in {*existing, ADMIN}}
    own = f"ALTER ROLE {_quoted(ADMIN)} "
    pieces = (match[0] for match in _PIECE.finditer(script))
    return "".join(piece for piece in pieces if piece not in skipped and not piece.startswith(own))


def cleared(admin: Connection, names: Collection[str]) -> str:
    """SQL that takes from the roles of these names, as far as they exist, what pg_dumpall's script would only add to:
    password, limits, settings and memberships."""
    present = [name for name in roles(admin) if name in names and name != ADMIN]
    return "".join(f"{statement};\n" for name in present for statement in _reset(name)) + _revoked(admin, present)


def _reset(name: str) -> list[str]:
    from psycopg import sql

    statements: tuple[LiteralString, ...] = (
        "ALTER ROLE {} PASSWORD NULL CONNECTION LIMIT -1 VALID UNTIL 'infinity'",
        "ALTER ROLE {} RESET ALL",
    )
    return [sql.SQL(each).format(sql.Identifier(name)).as_string(None) for each in statements]


def _revoked(admin: Connection, names: Collection[str]) -> str:
    from psycopg import sql

    statement = sql.SQL("REVOKE {} FROM {} GRANTED BY {} CASCADE;\n")
    rows = admin.execute(_MEMBERSHIPS, {"roles": list(names)})
    return "".join(statement.format(*map(sql.Identifier, row)).as_string(None) for row in rows)


def _quoted(name: str) -> str:
    from psycopg import sql

    return sql.Identifier(name).as_string(None)
