"""SQL files of the workspace, run on a connection with their own names for things in a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmp_local_dev.errors import InputError, Repair
from mmp_local_dev.files import TextRefused, read_text

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

_LARGEST = 2**20  # bytes


def text_of(path: Path) -> str | None:
    """The text of an SQL file; None when there is none. Raises InputError when it cannot be read."""
    try:
        return read_text(path, most_bytes=_LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, 0, f"it cannot be read: {error.strerror}") from None
    except TextRefused as error:
        raise _unusable(path, error.line, f"it {error}") from None


def run(connection: Connection, path: Path, text: str, *, schema: str, timeout: float) -> None:
    """Run the text of the file `path`: all of it or, when a statement fails, nothing. Names without a schema lie in
    `schema`, from now on in this session; and no statement takes longer than `timeout` seconds.

    Raises InputError, with the line, for a statement that PostgreSQL refuses. Notices are passed over.
    """
    import psycopg
    from psycopg import sql

    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
    connection.execute(sql.SQL("SET statement_timeout TO {}").format(round(timeout * 1000)))
    try:
        connection.execute(text.encode())
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        position = int(error.diag.statement_position or 0)
        line = text.count("\n", 0, position - 1) + 1 if position else 0
        raise _unusable(path, line, error.diag.message_primary or str(error)) from None


def _unusable(path: Path, line: int, why: str) -> InputError:
    where = f"{path.name}:{line}" if line else path.name
    return InputError(
        f"{path.parent.name}/{where}: {why}.",
        repairs=[Repair("mmp-dev features apply", f"when {path.name} is corrected")],
        code="SQL_INVALID",
    )
