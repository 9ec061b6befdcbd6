"""What the feature tables of a stack hold, read as a consumer reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from conftest import Dev

TABLES = ("transactions", "user_demographics", "user_transaction_stats", "merchant_stats", "category_stats")


@contextmanager
def connected(dev: Dev) -> Iterator[psycopg.Connection[Any]]:
    """A session of the published user that finds the feature tables without their schema; autocommit."""
    env, names = dev.env(), ("HOST", "PORT", "USER", "PASSWORD", "DB")
    host, port, user, password, database = (env[f"POSTGRES_{name}"] for name in names)
    with psycopg.connect(
        host=host, port=port, user=user, password=password, dbname=database, autocommit=True
    ) as connection:
        connection.execute("SET search_path = features")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def run(dev: Dev, *statements: str) -> None:
    """Run statements, one by one."""
    with connected(dev) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(dev: Dev, query: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    with connected(dev) as connection:
        return connection.execute(query.encode()).fetchall()


def digest(dev: Dev) -> dict[str, tuple[Any, ...]]:
    """Of each table its comment, and a digest of its rows in any order."""
    query = """
        SELECT obj_description('{0}'::regclass, 'pg_class'), count(*), sum(hashtextextended((t.*)::text, 0)::numeric)
        FROM {0} AS t"""
    return {table: rows(dev, query.format(table))[0] for table in TABLES}


def built(dev: Dev) -> list[tuple[Any, ...]]:
    """How the tables are made: columns, defaults, constraints, indexes, rights, owner."""
    return rows(
        dev,
        """
        SELECT c.relname, a.attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid),
               col_description(c.oid, attnum), attacl::text
        FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
        WHERE relnamespace = 'features'::regnamespace AND relkind = 'r'
        UNION ALL
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL, NULL
        FROM pg_constraint WHERE connamespace = 'features'::regnamespace
        UNION ALL
        SELECT tablename, indexname, indexdef, NULL, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'features'
        UNION ALL
        SELECT relname, pg_get_userbyid(relowner), coalesce(relacl, acldefault('r', relowner))::text, NULL, NULL, NULL,
               NULL
        FROM pg_class WHERE relnamespace = 'features'::regnamespace AND relkind = 'r'
        ORDER BY 1, 2, 3""",
    )
