"""Sandboxes without servers: what can be said of them before anything is asked."""

from __future__ import annotations

import pytest

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import InputError
from mmp_local_dev.operations.sandbox import Sandbox, Sandboxes


def test_an_environment_without_services_has_none() -> None:
    with pytest.raises(InputError, match="names no service"):
        Sandboxes(Environment({"HOME": "/"}))


def test_the_address_of_the_database_is_quoted_and_not_shown() -> None:
    password = "a/b@c:d"
    values = {"POSTGRES_USER": "me", "POSTGRES_PASSWORD": password, "POSTGRES_HOST": "localhost", "POSTGRES_PORT": "1"}
    sandbox = Sandbox("mmp_sandbox_1_00000000", Environment(values, {"POSTGRES_PASSWORD"}))
    assert sandbox.postgresql_dsn == "postgresql://me:a%2Fb%40c%3Ad@localhost:1/mmp_sandbox_1_00000000"
    assert password not in repr(sandbox)
