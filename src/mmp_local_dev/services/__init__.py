"""The services, in the order in which they need each other. To add one: its module, and a line in this table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mmp_local_dev.errors import InputError
from mmp_local_dev.services.base import Service
from mmp_local_dev.services.mlflow import MLflow
from mmp_local_dev.services.postgresql import PostgreSQL
from mmp_local_dev.services.redis import Redis

SERVICES: Mapping[str, Service] = {service.name: service for service in (PostgreSQL(), Redis(), MLflow())}


def select(names: Iterable[str]) -> list[Service]:
    """The named services and what they need, in start order; all of them for no names. Raises InputError."""
    names = list(names)
    if unknown := [name for name in names if name not in SERVICES]:
        raise InputError(f"No service is called {', '.join(unknown)}. There are: {', '.join(SERVICES)}.")
    wanted = set(names or SERVICES)
    for service in reversed(tuple(SERVICES.values())):
        if service.name in wanted:
            wanted.update(service.needs)
    return [service for service in SERVICES.values() if service.name in wanted]


def settings() -> dict[str, str]:
    """Every variable that is no part of the contract but sets something about a server, with its default."""
    return {name: default for service in SERVICES.values() for name, default in service.settings.items()}
