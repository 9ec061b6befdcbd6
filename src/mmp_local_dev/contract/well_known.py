"""The names that every contract of the 1.0 form means alike, and what they mean.

That form has names only. Those that are not here are plain text, and services of which nothing is known but the port.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmp_local_dev.contract.model import Variable, VariableType

FORM_1_0 = "1.0"

_ALL = (
    Variable("POSTGRES_HOST", VariableType.HOST, binds="postgresql.host"),
    Variable("POSTGRES_PORT", VariableType.PORT, binds="postgresql.port"),
    Variable("POSTGRES_USER", VariableType.STRING, binds="postgresql.username"),
    Variable("POSTGRES_DB", VariableType.STRING, binds="postgresql.database"),
    Variable("POSTGRES_PASSWORD", VariableType.STRING, sensitive=True, binds="postgresql.password"),
    Variable("REDIS_HOST", VariableType.HOST, binds="redis.host"),
    Variable("REDIS_PORT", VariableType.PORT, binds="redis.port"),
    Variable("MLFLOW_TRACKING_URI", VariableType.URL, binds="mlflow.uri"),
)
VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _ALL}

# Protocols by the name of the service.
SERVICES: Mapping[str, str] = {"postgresql": "postgresql", "redis": "redis", "mlflow": "http"}
