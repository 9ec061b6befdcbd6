"""The offline store's tables, as the workspace's SQL file makes them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mmp_local_dev.environment import Environment
from mmp_local_dev.services import postgresql, postgresql_script, postgresql_tables
from mmp_local_dev.services.postgresql_tables import Location
from mmp_local_dev.workspace_files import FEATURE_TABLES


def make(workspace: Path, env: Environment, wanted: Collection[Location], *, timeout: float) -> bool:
    """Make the tables of a workspace unless all that are `wanted` are there; whether the file was run.

    What is there stays as it is. Nothing happens in a workspace without the file. Raises InputError for a file that
    PostgreSQL refuses, and NotReady.
    """
    path = workspace / FEATURE_TABLES
    text = postgresql_script.text_of(path)
    if text is None or _are_there(env, wanted, timeout):
        return False
    with postgresql.connect(env, timeout=timeout) as connection:
        postgresql_script.run(connection, path, text, schema=env["FEAST_DB_SCHEMA"], timeout=timeout)
    return True


def _are_there(env: Environment, wanted: Collection[Location], timeout: float) -> bool:
    if not wanted:
        return False
    return set(wanted) <= postgresql_tables.read_tables(env, {schema for schema, _ in wanted}, timeout=timeout).keys()
