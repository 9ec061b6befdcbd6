"""`psql` and `redis-cli`: client tools connected to the running services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mmp_local_dev.errors import RuntimeUnavailable
from mmp_local_dev.events import ignore
from mmp_local_dev.operations.opened import open_stack
from mmp_local_dev.services import SERVICES, redis
from mmp_local_dev.workspace import Stack


def psql(stack: Stack, arguments: Sequence[str]) -> int:
    """Run psql as the published user with this program's terminal; its exit code. The password stays out of argv."""
    opened = open_stack(stack, emit=ignore)
    env = opened.runtime.inside(opened.env)
    login = {
        "PGHOST": env["POSTGRES_HOST"],
        "PGPORT": env["POSTGRES_PORT"],
        "PGUSER": env["POSTGRES_USER"],
        "PGDATABASE": env["POSTGRES_DB"],
        "PGPASSWORD": env["POSTGRES_PASSWORD"],
    }
    return opened.runtime.run(SERVICES["postgresql"], ["psql", *arguments], opened.env, login)


def redis_cli(stack: Stack, arguments: Sequence[str]) -> int | None:
    """Run the redis-cli that is next to the server with this program's terminal; None when there is none."""
    opened = open_stack(stack, emit=ignore)
    host, port = SERVICES["redis"].address(opened.runtime.inside(opened.env))
    login = {"REDISCLI_AUTH": opened.env["REDIS_PASSWORD"]} if opened.env.get("REDIS_PASSWORD") else {}
    command = ["redis-cli", "-h", host, "-p", str(port), *arguments]
    try:
        return opened.runtime.run(SERVICES["redis"], command, opened.env, login)
    except RuntimeUnavailable:
        return None


def redis_commands(stack: Stack, commands: Iterable[Sequence[str]]) -> Iterator[object]:
    """The reply to each command, for machines without redis-cli: the wheel brings the server alone.

    An error of a command is its reply. Raises NotReady when Redis does not answer.
    """
    from redis.exceptions import ResponseError

    env = open_stack(stack, emit=ignore).env
    with redis.connect(env, password=env.get("REDIS_PASSWORD"), timeout=10) as client:
        client.response_callbacks.clear()  # replies as Redis gives them: "PONG", not True
        for command in commands:
            try:
                yield client.execute_command(*command)  # type: ignore[no-untyped-call]
            except ResponseError as error:
                yield error
