"""MLflow: experiment tracking, model registry and artifact proxy."""

from __future__ import annotations

import http.client
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import NotReady, Repair, RuntimeUnavailable
from mmp_local_dev.services import mlflow_database
from mmp_local_dev.services.base import STACK_ID, Home, ProcessSpec, Programs, expected_identity, stranger

_API = "/api/2.0/mlflow"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_IDENTITY = "Mmp-Stack"


class MLflow:
    """The MLflow service. Its identity is a response header, set on uvicorn's command line."""

    name = "mlflow"
    needs: tuple[str, ...] = ("postgresql",)
    variables: tuple[str, ...] = ("MLFLOW_TRACKING_URI",)
    settings: Mapping[str, str] = {"MMP_MLFLOW_WORKERS": "1", "MMP_MLFLOW_JOBS": "false"}

    def address(self, env: Mapping[str, str]) -> tuple[str, int]:
        """Host and port of MLFLOW_TRACKING_URI."""
        parts = urlsplit(env["MLFLOW_TRACKING_URI"])
        return parts.hostname or "localhost", parts.port or 80

    def url(self, env: Mapping[str, str]) -> str:
        """MLFLOW_TRACKING_URI."""
        return env["MLFLOW_TRACKING_URI"]

    def at(self, env: Environment, host: str) -> Environment:
        """With another host in MLFLOW_TRACKING_URI."""
        bracketed = f"[{host}]" if ":" in host else host
        return env.with_values(MLFLOW_TRACKING_URI=f"http://{bracketed}:{self.address(env)[1]}")

    def identify(self, env: Environment, *, timeout: float) -> None:
        """The header of `/health`."""
        health(env, timeout=timeout)

    def probe(self, env: Environment, *, timeout: float) -> None:
        """The health page with this stack's identity, and an answer from the API, which needs the database."""
        health(env, timeout=timeout)
        search_experiments(env, timeout=timeout)

    def version(self, env: Environment, *, timeout: float) -> str:
        """Such as `3.17.2`."""
        return _request(env, "GET", "/version", timeout=timeout).decode().strip()

    @contextmanager
    def warm(self, env: Environment, *, timeout: float) -> Iterator[Callable[[], object]]:
        """A search for experiments, which asks the database too; each call connects anew."""
        yield lambda: search_experiments(env, timeout=timeout)

    def refuses_wrong_password(self, env: Environment, *, timeout: float) -> bool:
        """MLflow has no password here: it listens on loopback only."""
        return True

    def prepare(self, env: Environment, home: Home, programs: Programs, *, timeout: float) -> None:
        """A database and a role of its own, with the schema of the MLflow that serves."""
        mlflow_database.prepare(env, home, programs, timeout=timeout)

    def preflight(self, env: Environment, home: Home) -> None:
        """MLflow is installed."""
        _installed_version()

    def install(self, env: Environment, home: Home) -> None:
        """The password file with which the server reaches its database."""
        mlflow_database.password_file(home)

    def process(self, env: Environment, home: Home) -> ProcessSpec:
        """uvicorn on MLflow's application, which starts in a third of the time and memory of `mlflow server`."""
        _installed_version()
        workers, jobs = env["MMP_MLFLOW_WORKERS"], env["MMP_MLFLOW_JOBS"].lower() == "true"
        _, port = self.address(env)
        listen = ("--host", "127.0.0.1", "--port", str(port), "--workers", workers)
        options = (
            "--no-access-log",
            "--timeout-graceful-shutdown",
            "5",
            "--header",
            f"{_IDENTITY}:{env[STACK_ID]}",
        )
        uvicorn = (sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", *listen, *options)
        server = (sys.executable, "-m", "mlflow", "server", *listen, "--uvicorn-opts", " ".join(options))
        return ProcessSpec(
            argv=server if jobs else uvicorn,
            environment=_server_environment(env, home, jobs=jobs, port=port),
            stop_timeout=15,
        )

    def container_secrets(self, home: Home) -> Mapping[str, str]:
        """The password of its role; PostgreSQL's container gets it too, and makes the role."""
        return {"MLFLOW_DATABASE_PASSWORD": mlflow_database.password(home)}


def health(env: Environment, *, timeout: float) -> None:
    """See that `/health` answers 200 and carries this stack's identity. Raises NotReady or WrongService."""
    connection, response = _send(env, "GET", "/health", None, timeout=timeout)
    connection.close()
    if response.headers.get(_IDENTITY) != expected_identity(env):
        raise stranger(MLflow(), env)
    if response.status != 200:
        raise NotReady(f"MLflow at {env['MLFLOW_TRACKING_URI']} answers /health with {response.status}.")


def search_experiments(env: Environment, *, timeout: float) -> None:
    """One call of the tracking API. Raises NotReady."""
    _request(env, "POST", f"{_API}/experiments/search", {"max_results": 1}, timeout=timeout)


def create_experiment(env: Environment, name: str, *, timeout: float) -> str:
    """Make an experiment; its id. Raises NotReady."""
    answer = _request(env, "POST", f"{_API}/experiments/create", {"name": name}, timeout=timeout)
    return str(json.loads(answer)["experiment_id"])


def experiments(env: Environment, prefix: str, *, timeout: float) -> dict[str, str]:
    """The ids of the experiments whose names begin so and that are not deleted, by name. Raises NotReady."""
    found: dict[str, str] = {}
    token = ""
    while True:
        query = {"max_results": 1000, "filter": f"name LIKE '{prefix}%'", "page_token": token}
        page = json.loads(_request(env, "POST", f"{_API}/experiments/search", query, timeout=timeout))
        found |= {each["name"]: each["experiment_id"] for each in page.get("experiments", [])}
        if not (token := page.get("next_page_token", "")):
            return found


def delete_experiment(env: Environment, experiment_id: str, *, timeout: float) -> None:
    """Delete an experiment, as MLflow does: it is out of sight, and its name stays taken. Raises NotReady."""
    _request(env, "POST", f"{_API}/experiments/delete", {"experiment_id": experiment_id}, timeout=timeout)


def search_models(env: Environment, *, timeout: float) -> None:
    """One call of the model registry. Raises NotReady."""
    _request(env, "GET", f"{_API}/registered-models/search?max_results=1", timeout=timeout)


def artifact_round_trip(env: Environment, *, timeout: float) -> None:
    """Upload a small artifact through the proxy, download it, compare, and delete it. Raises NotReady."""
    path, content = f"{_ARTIFACTS}/mmp-dev-check-{uuid.uuid4().hex}", uuid.uuid4().hex.encode()
    _request(env, "PUT", path, content, timeout=timeout)
    try:
        returned = _request(env, "GET", path, timeout=timeout)
    finally:
        _request(env, "DELETE", path, timeout=timeout)
    if returned != content:
        raise NotReady("MLflow's artifact proxy gave back something else than what was uploaded.")


def _server_environment(env: Environment, home: Home, *, jobs: bool, port: int) -> dict[str, str]:
    """What the server reads. Its variables are those that `mlflow server` sets for its own workers."""
    host, _ = MLflow().address(env)
    names = dict.fromkeys(["localhost", "127.0.0.1", host, "mlflow", "host.docker.internal"])
    uri = mlflow_database.uri(env)
    artifacts = str(home.stack.artifacts)
    return {
        "PGPASSFILE": str(mlflow_database.password_file(home)),
        "PGSSLMODE": "disable",  # loopback to its own database: TLS would only cost time
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(f"{name}:{port}" for name in names),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": str(jobs).lower(),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # uvicorn answers up to 40 requests at a time; with SQLAlchemy's 15 connections the rest wait and then fail
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "35",
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
        # the same for `mlflow server`, which is run when jobs are wanted
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_ARTIFACTS_DESTINATION": artifacts,
    }


def _installed_version() -> str:
    try:
        return metadata.version("mlflow")
    except metadata.PackageNotFoundError:
        raise RuntimeUnavailable(
            "MLflow is not installed beside mmp-dev, so the native runtime cannot run it.",
            repairs=[
                Repair(f"{sys.executable} -m pip install 'mmp-local-dev[native]'", "brings all servers as wheels")
            ],
        ) from None


def _request(env: Environment, method: str, path: str, body: Any = None, *, timeout: float) -> bytes:
    """The body of a 2xx answer. Raises NotReady for any other."""
    connection, response = _send(env, method, path, body, timeout=timeout)
    try:
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"MLflow at {env['MLFLOW_TRACKING_URI']} broke off its answer: {error!r}.") from None
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        excerpt = content[:200].decode(errors="replace").strip()
        raise NotReady(f"MLflow at {env['MLFLOW_TRACKING_URI']} answers {path} with {response.status}: {excerpt}")
    return content


def _send(
    env: Environment, method: str, path: str, body: Any, *, timeout: float
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Send one request, never through a proxy: http.client, unlike urllib, does not read proxy variables."""
    host, port = MLflow().address(env)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    try:
        connection.request(method, path, raw, {"Content-Type": kind})
        return connection, connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        why = getattr(error, "strerror", None) or repr(error)
        raise NotReady(f"MLflow at {env['MLFLOW_TRACKING_URI']} does not answer: {why}.") from None
