"""How long it takes until features can be read online, and how long such a read takes, against plain Feast."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

from benchmarks.dev import Bench, Dev
from benchmarks.measure import Figure, Result, rounds
from benchmarks.plain import feast as plain
from mmp_local_dev.environment import Environment
from mmp_local_dev.operations.opened import contract_of, published
from mmp_local_dev.services.feast import FeatureReader, configuration
from mmp_local_dev.workspace import DEFAULT_STACK, Workspace

ROWS, USERS = 400_000, 40_000
ENTITIES, READS = 100, 100  # keys a read, reads a round
VIEW = "user_transaction_stats"
LEAST = 0.8  # of Feast's own throughput
SLOWEST = 1.5  # times plain Feast's reads

_DATA = f"`features seed --rows {ROWS} --users {USERS}` into an empty Redis, to the command's end, with Feast's import"
PLAIN = Figure("`feast materialize`, as it is", "", "s", f"{_DATA}, with feast_repo/feature_store.yaml.")
BATCHES = Figure(
    "`feast materialize`, in batches of 10,000 rows", "", "s", "The same with `online_write_batch_size: 10000`."
)
OURS = Figure(
    "`features materialize`, everything",
    f"≤ the quicker plain one / {LEAST}",
    "s",
    "The same data, into an empty Redis; at least 0.8 x the throughput of Feast's own command in the same round.",
)
NOTHING = Figure("`features materialize`, nothing new", "", "s", "Once more.")
RAW = Figure(
    "the same bytes through a raw Redis pipeline", "", "s", "HSET of all hashes, read before, by redis-py in batches."
)
READ_PLAIN = Figure(
    f"`get_online_features`, {ENTITIES} entities x 10 features, p95",
    "",
    "ms",
    f"Of {READS} reads of a FeatureStore, in turn with those below.",
)
READ = Figure(
    f"`FeatureReader.online`, {ENTITIES} entities x 10 features, p95",
    f"≤ {SLOWEST} x the plain one",
    "ms",
    "What checks and tests read with: the same reads, with a deadline.",
)
FIGURES = (PLAIN, BATCHES, OURS, NOTHING, RAW, READ_PLAIN, READ)


def take(bench: Bench, runs: int) -> list[Result]:
    """The commands in turn on one data set, then the reads; an uncounted round of reads before."""
    from redis import Redis

    with bench.dev() as dev:
        dev("up")
        dev("features", "seed", "--rows", str(ROWS), "--users", str(USERS), "--yes")
        env = _published(dev)
        client = Redis(port=int(env["REDIS_PORT"]))
        values = rounds(_writing(dev, env, client), runs)
        reads = Reads(env)
        reads.plain(), reads.ours()
        values |= rounds({"plain read": reads.plain, "read": reads.ours}, runs)
    plainest = [min(pair) for pair in zip(values["plain"], values["batches"], strict=True)]
    return [
        Result(PLAIN, values["plain"]),
        Result(BATCHES, values["batches"]),
        Result(OURS, values["ours"], [seconds / LEAST for seconds in plainest]),
        Result(NOTHING, values["nothing"]),
        Result(RAW, values["raw"]),
        Result(READ_PLAIN, values["plain read"]),
        Result(READ, values["read"], [SLOWEST * each for each in values["plain read"]]),
    ]


def _published(dev: Dev) -> Environment:
    stack = Workspace(dev.root).stack(DEFAULT_STACK)
    return published(stack, contract_of(stack))


def _writing(dev: Dev, env: Environment, client: Any) -> dict[str, Callable[[], float]]:
    """Each into an empty Redis, but for the one that finds nothing new."""
    batches = f"materialization: {{online_write_batch_size: {plain.BATCH}}}"
    as_it_is, in_batches = plain.repository(dev.root, "as-it-is"), plain.repository(dev.root, "in-batches", batches)
    environment = {**dev.environment, "REDIS_PASSWORD": "", **env}

    def emptied(step: Callable[[], float]) -> Callable[[], float]:
        return lambda: client.flushall() and step()

    def raw() -> float:
        hashes = plain.stored(client)
        client.flushall()
        return plain.written_raw(client, hashes)

    return {
        "plain": emptied(partial(plain.materialize, as_it_is, environment)),
        "batches": emptied(partial(plain.materialize, in_batches, environment)),
        "ours": emptied(lambda: dev("features", "materialize")),
        "nothing": lambda: dev("features", "materialize"),
        "raw": raw,
    }


class Reads:
    """The same reads of one stack's features in two ways; each gives the 95th percentile in milliseconds."""

    def __init__(self, env: Environment) -> None:
        from feast import FeatureStore

        project = env["FEAST_PROJECT"]
        self._store = FeatureStore(config=configuration(env, project, 3))
        self._reader = FeatureReader(env, project, key_version=3)
        self._features = [each.name for each in self._store.get_feature_view(VIEW).features]
        self._keys = [{"user_id": user} for user in _users(env)]

    def plain(self) -> float:
        """Feast's own call."""
        references = [f"{VIEW}:{name}" for name in self._features]
        return _p95(lambda: self._store.get_online_features(references, self._keys).to_dict())

    def ours(self) -> float:
        """The reader's."""
        return _p95(lambda: self._reader.online(VIEW, self._features, self._keys, timeout=10))


def _users(env: Environment) -> Sequence[str]:
    from mmp_local_dev.services import postgresql

    query = "SELECT DISTINCT user_id FROM features.user_transaction_stats ORDER BY 1 LIMIT %s"
    with postgresql.connect(env, timeout=10) as connection:
        return [row[0] for row in connection.execute(query, [ENTITIES])]


def _p95(read: Callable[[], object]) -> float:
    taken = []
    for _ in range(READS):
        began = perf_counter()
        read()
        taken.append(1000 * (perf_counter() - began))
    return statistics.quantiles(taken, n=20)[-1]
