"""The services that a sandbox has a part in: how the part is made, closed after the test, and removed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Protocol

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady
from mmp_local_dev.services import mlflow, postgresql_sandbox, redis_sandbox


class Part(Protocol):
    """One service's part of every sandbox. Each call may raise NotReady; `timeout` is in seconds."""

    variable: str  # of the environments that have the service

    def make(self, env: Environment, name: str, *, timeout: float) -> Mapping[str, str]:
        """Make that of the sandbox `name`; the variables that lead to it. May raise MmpError."""

    def close(self, env: Environment, name: str, own: Mapping[str, str], *, timeout: float) -> None:
        """End what the test began, and remove what can be removed at once.

        `own` is the sandbox's environment, empty where that is not known.
        """

    def remove(self, env: Environment, names: Collection[str], *, timeout: float) -> None:
        """Remove what `close` left of these sandboxes."""

    def there(self, env: Environment, prefix: str, *, timeout: float) -> Mapping[str, bool]:
        """The sandboxes that something is there of, by their names' prefix, and whether it is in use."""


class _Database:
    variable = "POSTGRES_DB"

    def make(self, env: Environment, name: str, *, timeout: float) -> Mapping[str, str]:
        postgresql_sandbox.clone(env, name, timeout=timeout)
        return {"POSTGRES_DB": name}

    def close(self, env: Environment, name: str, own: Mapping[str, str], *, timeout: float) -> None:
        postgresql_sandbox.end_clients(env, name, timeout=timeout)

    def remove(self, env: Environment, names: Collection[str], *, timeout: float) -> None:
        postgresql_sandbox.drop(env, names, timeout=timeout)

    def there(self, env: Environment, prefix: str, *, timeout: float) -> Mapping[str, bool]:
        return postgresql_sandbox.in_use(env, prefix, timeout=timeout)


class _Keys:
    variable = "REDIS_HOST"

    def make(self, env: Environment, name: str, *, timeout: float) -> Mapping[str, str]:
        return {"MMP_REDIS_PREFIX": f"{name}:"}

    def close(self, env: Environment, name: str, own: Mapping[str, str], *, timeout: float) -> None:
        redis_sandbox.clear(env, name, timeout=timeout)

    def remove(self, env: Environment, names: Collection[str], *, timeout: float) -> None:
        """Nothing: closed is gone."""

    def there(self, env: Environment, prefix: str, *, timeout: float) -> Mapping[str, bool]:
        name = re.compile(prefix.encode() + rb"\w+?_[0-9a-f]{8}")
        found = (name.search(key) for key in redis_sandbox.keys_with(env, prefix, timeout=timeout))
        return {match[0].decode(): False for match in found if match}


class _Experiment:
    variable = "MLFLOW_TRACKING_URI"

    def make(self, env: Environment, name: str, *, timeout: float) -> Mapping[str, str]:
        experiment_id = mlflow.create_experiment(env, name, timeout=timeout)
        return {"MLFLOW_EXPERIMENT_NAME": name, "MLFLOW_EXPERIMENT_ID": experiment_id}

    def close(self, env: Environment, name: str, own: Mapping[str, str], *, timeout: float) -> None:
        if known := own.get("MLFLOW_EXPERIMENT_ID"):
            with suppress(NotReady):  # the test may have deleted it; what else it is, the search will say
                mlflow.delete_experiment(env, known, timeout=timeout)
                return
        for experiment_id in mlflow.experiments(env, name, timeout=timeout).values():
            mlflow.delete_experiment(env, experiment_id, timeout=timeout)

    def remove(self, env: Environment, names: Collection[str], *, timeout: float) -> None:
        """Nothing: closed is deleted."""

    def there(self, env: Environment, prefix: str, *, timeout: float) -> Mapping[str, bool]:
        return dict.fromkeys(mlflow.experiments(env, prefix, timeout=timeout), False)


PARTS: tuple[Part, ...] = (_Database(), _Keys(), _Experiment())
