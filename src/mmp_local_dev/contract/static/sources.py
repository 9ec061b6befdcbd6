"""The provider's files as one subject for clauses: each kind is read when a clause first asks for it, and once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from mmp_local_dev.contract.model import Contract
from mmp_local_dev.contract.static import compose, definitions, dotenv, feature_store, sql
from mmp_local_dev.contract.static.files import text_of, texts_in
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError
from mmp_local_dev.workspace_files import FEATURE_TABLES

COMPOSE = "docker-compose.yml"
ENV = ".env"
FEAST = "feast_repo"
FEATURE_STORE = f"{FEAST}/feature_store.yaml"
SCRIPTS = "scripts"

T = TypeVar("T")


class Sources:
    """The files beside the contract. What is not there is None; what cannot be read raises MmpError, every time.

    `env_file` is the name of the stack's `.env` file.
    """

    def __init__(self, contract: Contract, env_file: str = ENV) -> None:
        self._contract = contract
        self._env_file = env_file
        self._lock = threading.RLock()
        self._read: dict[str, Any] = {}

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self._contract.path.parent

    def redact(self, text: str) -> str:
        """`text` without the values of sensitive variables in the `.env` file."""
        secrets = {variable.name for variable in self._contract.variables.values() if variable.sensitive}
        try:
            env = self.env()
        except MmpError:
            return text  # no value of the file is known, so none is told
        return Environment(env.values, secrets).redact(text) if env else text

    def env(self) -> dotenv.EnvFile | None:
        """The `.env` file."""
        parse = partial(dotenv.parse, ours=self._contract.variables)
        return self._once(ENV, lambda: self._parsed(self._env_file, parse))

    def compose(self) -> dict[str, compose.ComposeService] | None:
        """The services of the Compose file."""
        return self._once(COMPOSE, lambda: self._parsed(COMPOSE, compose.parse))

    def feature_store(self) -> feature_store.FeatureStore | None:
        """Feast's configuration."""
        return self._once(FEATURE_STORE, lambda: self._parsed(FEATURE_STORE, feature_store.parse))

    def definitions(self) -> definitions.Definitions:
        """What the Feast repository defines; nothing when there is none."""
        return self._once(FEAST, lambda: definitions.parse(FEAST, texts_in(self.root, FEAST, ".py")))

    def database(self) -> sql.Database:
        """What the SQL files make; nothing when there are none."""
        return self._once("sql", self._database)

    def text(self, name: str) -> str | None:
        """The text of the file `name`, given relative to the workspace."""
        return text_of(self.root, name)

    def _database(self) -> sql.Database:
        schema = self._contract.bound("postgresql.schema")
        texts = {**texts_in(self.root, SCRIPTS, ".sql"), **texts_in(self.root, FEAST, ".sql")}
        return sql.parse(texts, {FEATURE_TABLES: schema.default} if schema and schema.default else {})

    def _parsed(self, name: str, parse: Callable[[str, str], T]) -> T | None:
        text = text_of(self.root, name)
        return None if text is None else parse(name, text)

    def _once(self, key: str, read: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._read:
                try:
                    self._read[key] = read()
                except MmpError as error:
                    self._read[key] = error
            found = self._read[key]
        if isinstance(found, MmpError):
            raise found
        return cast(T, found)
