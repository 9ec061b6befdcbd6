"""The offline store's tables, as the workspace's SQL file makes them."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from mmp_local_dev.environment import Environment
from mmp_local_dev.services import postgresql, postgresql_script, postgresql_tables
from mmp_local_dev.services.postgresql_tables import Location
from mmp_local_dev.workspace_files import FEATURE_TABLES


def digest(workspace: Path) -> str:
    """Of the file's text; "" in a workspace that has none. Raises InputError when it cannot be read."""
    text = postgresql_script.text_of(workspace / FEATURE_TABLES)
    return "" if text is None else sha256(text.encode()).hexdigest()


def make(workspace: Path, env: Environment, *, timeout: float) -> None:
    """Run the file. What is there stays, as far as the file has it so.

    Raises InputError for one that PostgreSQL refuses, and NotReady.
    """
    path = workspace / FEATURE_TABLES
    text = postgresql_script.text_of(path) or ""
    with postgresql.connect(env, timeout=timeout) as connection:
        postgresql_script.run(connection, path, text, schema=env["FEAST_DB_SCHEMA"], timeout=timeout)


def are_there(env: Environment, wanted: Collection[Location], *, timeout: float) -> bool:
    """Whether all of these tables are there. Raises NotReady."""
    return set(wanted) <= postgresql_tables.read_tables(env, {schema for schema, _ in wanted}, timeout=timeout).keys()
