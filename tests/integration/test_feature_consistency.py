"""Whatever differs online is found and named, and nothing else: rows planted on a stack that is in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Dev, workspace
from feature_tables import Features
from mmp_local_dev.contract.clauses.base import select
from mmp_local_dev.contract.clauses.consistency import SAMPLE, Depth
from mmp_local_dev.contract.clauses.live import clauses_of
from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.report import Finding, Report
from mmp_local_dev.contract.verify import verify
from mmp_local_dev.services import feast_agreement, feast_online
from mmp_local_dev.services.feast_difference import Agreement, Difference, Kind
from mmp_local_dev.services.feast_values import value_class

pytestmark = pytest.mark.needs("native")

TIMEOUT = 10.0
ALL = Depth(None)


@pytest.fixture(scope="module")
def dev(base: Path) -> Iterator[Dev]:
    with workspace(base) as made:
        made("up", "postgresql", "redis", code=None)
        made("features", "seed", "--rows", "2000")
        made("features", "materialize")
        yield made


@pytest.fixture(scope="module")
def own(dev: Dev) -> Features:
    """The project of the workspace itself."""
    found = Features(dev, "mmp_local_dev")
    found.registry_path = Path(dev.env()["FEAST_REGISTRY_PATH"])
    return found


def checked(features: Features, *only: str, depth: Depth = SAMPLE) -> Report:
    contract = load(features.dev.root / "dev-contract.yml")
    return verify(contract, features.env, select(clauses_of(contract, depth), only), timeout=TIMEOUT)


def the(report: Report, clause: str) -> Finding:
    (found,) = (finding for finding in report.findings if finding.clause == clause)
    return found


def differing(features: Features, view: str) -> list[Difference]:
    """What the comparison of all rows finds, which is what that of some rows finds, too: there are so few."""
    agreement = compared(features, view)
    sampled = feast_agreement.of_some(features.env, features.project, view, count=100_000, timeout=TIMEOUT)
    assert sorted(sampled.examples, key=str) == sorted(agreement.examples, key=str)
    assert sampled.counts == agreement.counts
    return agreement.examples


def compared(features: Features, view: str) -> Agreement:
    return feast_agreement.of_all(features.env, features.project, view, timeout=TIMEOUT)


class TestInOrder:
    def test_all_views_are_consistent(self, own: Features) -> None:
        report = checked(own, "online.consistent", "offline.point_in_time")
        assert {finding.outcome for finding in report.findings} <= {"passed", "skipped"}
        assert the(report, "online.consistent[user_demographics]").actual == "320 cells of 40 rows"
        assert the(report, "online.consistent[category_stats]").actual == "56 cells of 14 rows"
        assert the(report, "offline.point_in_time[merchant_stats]").actual == "192 moments of 12 entities"

    def test_so_are_all_rows(self, own: Features) -> None:
        told: list[tuple[str, int, int]] = []
        depth = Depth(None, lambda view, done, total: told.append((view, done, total)))
        report = checked(own, "online.consistent", depth=depth)
        assert the(report, "online.consistent[merchant_stats]").actual == "200 cells of 50 rows"
        assert ("merchant_stats", 50, 50) in told


class TestPlanted:
    """Each test plants what it is about, and takes it away again."""

    VIEW = "user_transaction_stats"
    CLAUSE = "online.consistent[user_transaction_stats]"

    @pytest.fixture
    def user(self, own: Features) -> Iterator[str]:
        """A user whose rows, online and offline, are afterwards as they were before."""
        with kept(own, self.VIEW, "user_000007"):
            yield "user_000007"

    def finding(self, own: Features) -> Finding:
        report = checked(own, "online.consistent")
        assert {f.clause for f in report.findings if f.outcome == "failed"} == {self.CLAUSE}
        return the(report, self.CLAUSE)

    def test_a_stale_row(self, own: Features, user: str) -> None:
        now = datetime.now(UTC).replace(microsecond=250_000) - timedelta(minutes=1)
        before = online_at(own, self.VIEW, user)
        insert(own, self.VIEW, user, now)
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.view, found.keys) == (Kind.STALE, self.VIEW, {"user_id": user})
        assert (found.offline_at, found.online_at) == (now, before)
        assert (found.feature, found.offline) == ("transaction_count_1d", -1)
        finding = self.finding(own)
        assert finding.message.splitlines()[0] == "1 of 40 rows of user_transaction_stats differ online: 1 stale"
        assert f"user_id={user}: stale; transaction_count_1d is -1 offline ({now:%Y-%m-%d %H:%M:%S}" in finding.message
        assert finding.actual.startswith("1 stale; 400 cells of 40 rows, online is ")
        assert finding.actual.endswith(" d behind")
        assert [repair.command for repair in finding.repairs] == ["mmp-dev features materialize --full"]

    def test_a_wrong_value(self, own: Features, user: str) -> None:
        moment = online_at(own, self.VIEW, user)
        own.redis.hset(key(own, user), feast_online.field(f"{self.VIEW}:amount_max_30d"), stored(double_val=0.5))
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.keys, found.feature) == (Kind.WRONG, {"user_id": user}, "amount_max_30d")
        assert (found.online, found.online_at, found.offline_at) == (0.5, moment, moment)
        assert isinstance(found.offline, float)
        assert "amount_max_30d is " in self.finding(own).message

    def test_a_value_that_is_wrong_in_its_last_bit(self, own: Features, user: str) -> None:
        field = feast_online.field(f"{self.VIEW}:amount_max_30d")
        content = own.redis.hget(key(own, user), field)
        own.redis.hset(key(own, user), field, content[:1] + bytes([content[1] ^ 1]) + content[2:])
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.feature) == (Kind.WRONG, "amount_max_30d")
        assert found.offline == pytest.approx(found.online)

    def test_a_value_that_is_none(self, own: Features, user: str) -> None:
        own.redis.hset(key(own, user), feast_online.field(f"{self.VIEW}:amount_max_30d"), b"\xff")
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.feature, repr(found.online)) == (
            *(Kind.WRONG, "amount_max_30d"),
            r"Unreadable(content=b'\xff')",
        )

    def test_a_missing_entity(self, own: Features, user: str) -> None:
        moment = online_at(own, self.VIEW, user)
        feast_online.remove(own.env, own.project, self.VIEW, [(user,)], timeout=TIMEOUT)
        (found,) = differing(own, self.VIEW)
        assert found == Difference(Kind.MISSING, self.VIEW, {"user_id": user}, offline_at=moment)
        assert f"user_id={user}: not online" in self.finding(own).message

    def test_a_row_without_its_moment(self, own: Features, user: str) -> None:
        own.redis.hdel(key(own, user), f"_ts:{self.VIEW}")
        assert own.online(self.VIEW, ["last_amount"], [{"user_id": user}]) != [{"last_amount": None}]
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.online_at) == (Kind.STALE, None)

    def test_a_row_whose_entity_is_gone_offline(self, own: Features, user: str) -> None:
        moment = online_at(own, self.VIEW, user)
        own.run(f"DELETE FROM {self.VIEW} WHERE user_id = '{user}'")
        (found,) = differing(own, self.VIEW)
        assert found == Difference(Kind.GONE, self.VIEW, {"user_id": user}, online_at=moment)
        assert f"user_id={user}: not offline" in self.finding(own).message

    def test_a_row_that_is_newer_than_any_offline(self, own: Features, user: str) -> None:
        moment = online_at(own, self.VIEW, user)
        own.run(f"DELETE FROM {self.VIEW} WHERE user_id = '{user}' AND event_timestamp = '{moment}'")
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.online_at) == (Kind.NEWER, moment)
        assert found.offline_at is not None
        assert found.offline_at < moment

    def test_a_row_leaked_from_the_future(self, own: Features, user: str) -> None:
        later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        insert(own, self.VIEW, user, later)
        assert differing(own, self.VIEW) == []
        assert the(checked(own, self.CLAUSE), self.CLAUSE).actual == "400 cells of 40 rows, 1 row still in the future"
        own.materialize(self.VIEW, until=later + timedelta(days=1))
        (found,) = differing(own, self.VIEW)
        assert (found.kind, found.keys, found.online_at) == (Kind.FUTURE, {"user_id": user}, later)
        assert f"user_id={user}: from the future" in self.finding(own).message

    def test_several_at_once_are_all_counted(self, own: Features, user: str) -> None:
        others = [f"user_{number:06}" for number in range(8, 22)]
        with kept(own, self.VIEW, *others):
            feast_online.remove(own.env, own.project, self.VIEW, [(each,) for each in others[:12]], timeout=TIMEOUT)
            for each in others[12:]:
                insert(own, self.VIEW, each, datetime.now(UTC) - timedelta(minutes=1))
            agreement = compared(own, self.VIEW)
            assert agreement.counts == {Kind.MISSING: 12, Kind.STALE: 2}
            assert len(agreement.examples) == 10
            assert self.finding(own).message.splitlines()[-1] == "and 4 more"

    def test_nothing_online_at_all(self, own: Features) -> None:
        users = [f"user_{number:06}" for number in range(1, 41)]
        with kept(own, self.VIEW, *users):
            feast_online.remove(own.env, own.project, self.VIEW, [(each,) for each in users], timeout=TIMEOUT)
            finding = self.finding(own)
            assert finding.message == "nothing of user_transaction_stats is online"
            assert [repair.command for repair in finding.repairs] == ["mmp-dev features materialize"]

    def test_no_row_at_all(self, own: Features) -> None:
        users = [f"user_{number:06}" for number in range(1, 41)]
        with kept(own, self.VIEW, *users):
            own.run(f"DELETE FROM {self.VIEW}")
            assert self.finding(own).message.startswith("40 of 40 rows of user_transaction_stats differ online: 40 not")
            feast_online.remove(own.env, own.project, self.VIEW, [(each,) for each in users], timeout=TIMEOUT)
            found = the(checked(own, self.CLAUSE), self.CLAUSE)
            assert (found.outcome, found.message) == (
                "skipped",
                "no row yet; mmp-dev features seed loads sample data",
            )


@contextmanager
def kept(own: Features, view: str, *users: str) -> Iterator[None]:
    names, copy = ", ".join(f"'{user}'" for user in users), f"kept_{users[0]}"
    before = {user: own.redis.dump(key(own, user)) for user in users}
    own.run(f"CREATE TABLE {copy} AS SELECT * FROM {view} WHERE user_id IN ({names})")
    try:
        yield
    finally:
        own.run(
            f"DELETE FROM {view} WHERE user_id IN ({names})",
            f"INSERT INTO {view} SELECT * FROM {copy}",
            f"DROP TABLE {copy}",
        )
        for user, content in before.items():
            own.redis.restore(key(own, user), 0, content, replace=True)


def key(own: Features, user: str) -> bytes:
    from mmp_local_dev.services.feast_keys import KeyForm

    return KeyForm({"user_id": "String"}, own.name).written((user,))


def stored(**fields: Any) -> bytes:
    content: bytes = value_class()(**fields).SerializeToString()
    return content


def online_at(own: Features, view: str, user: str) -> datetime:
    (entry,) = feast_online.read(own.env, own.project, view, [(user,)], timeout=TIMEOUT)
    assert entry
    assert entry.at
    return entry.at


def insert(own: Features, view: str, user: str, moment: datetime) -> None:
    own.run(f"INSERT INTO {view} SELECT '{user}', '{moment}', -1, -2, -3, 0, 0, 0, 0, 0, 0, '{moment}'")


class TestSeveralKeys:
    """A view of two entities in a project of its own, with a ttl, sets and numerics."""

    @pytest.fixture(scope="class")
    @staticmethod
    def visits(dev: Dev) -> Features:
        from feast import types as t

        made = Features(dev, "several")
        made.run(
            "CREATE TABLE visits (user_id text, shop_id bigint, event_timestamp timestamptz, tags text[],"
            " spent numeric(12, 2), seen date, PRIMARY KEY (user_id, shop_id, event_timestamp))",
            "INSERT INTO visits SELECT 'u' || n % 50, n % 7, now() - n * interval '1 hour', ARRAY['b', 'a', 'b', 'c'],"
            " n * 350.115759, NULL FROM generate_series(0, 1999) AS n",
        )
        features = {"tags": t.Set(t.String), "spent": t.Float64, "seen": t.UnixTimestamp}
        made.view("visits", {"user_id": t.String, "shop_id": t.Int64}, features, ttl=7)
        made.apply()
        made.materialize(until=datetime.now(UTC))
        return made

    def test_sets_numerics_and_nulls_agree(self, visits: Features) -> None:
        agreement = compared(visits, "visits")
        assert (agreement.rows, agreement.cells, agreement.stored, agreement.counts) == (350, 1050, 350, {})
        assert agreement.expired == 350 - 168

    def test_a_row_that_has_outlived_its_ttl_need_not_be_online(self, visits: Features) -> None:
        removed = [("u31", 2), ("u0", 0)]  # 331 hours old, and new
        stored = [visits.redis.dump(name) for name in map(self.form(visits).written, removed)]
        feast_online.remove(visits.env, visits.project, "visits", removed, timeout=TIMEOUT)
        (found,) = differing(visits, "visits")
        assert (found.kind, found.keys) == (Kind.MISSING, {"user_id": "u0", "shop_id": 0})
        for each, content in zip(removed, stored, strict=True):
            visits.redis.restore(self.form(visits).written(each), 0, content)

    def test_one_of_several_keys_is_gone_offline(self, visits: Features) -> None:
        visits.run("DELETE FROM visits WHERE user_id = 'u3' AND shop_id = 4")
        (found,) = differing(visits, "visits")
        assert (found.kind, found.keys) == (Kind.GONE, {"user_id": "u3", "shop_id": 4})
        feast_online.remove(visits.env, visits.project, "visits", [("u3", 4)], timeout=TIMEOUT)
        assert differing(visits, "visits") == []

    @staticmethod
    def form(visits: Features) -> Any:
        from mmp_local_dev.services.feast_keys import KeyForm

        return KeyForm({"user_id": "String", "shop_id": "Int64"}, visits.name)


class TestPointInTime:
    """A definition that shifts moments: Feast then joins what was not known yet, or what no longer holds."""

    @pytest.mark.parametrize(
        ("shift", "kind"), [("- interval '6 hours'", "from the future"), ("+ interval '6 hours'", "from an older row")]
    )
    def test_a_view_that_leaks(self, own: Features, shift: str, kind: str) -> None:
        from feast import types as t

        columns = list(own.project.views["user_transaction_stats"].features)
        leaking = Features(own.dev, own.name, registry_path=own.dev.root / "leaking.db")
        types = {
            name: t.UnixTimestamp if name.endswith("_at") else t.Int64 if "count" in name else t.Float64
            for name in columns
        }
        listed = ", ".join(columns)
        query = f"SELECT user_id, event_timestamp {shift} AS event_timestamp, {listed} FROM user_transaction_stats"
        leaking.view("user_transaction_stats", {"user_id": t.String}, types, "user", query=query, ttl=0)
        leaking.apply()
        report = checked(leaking, "offline.point_in_time[user_transaction_stats]")
        found = the(report, "offline.point_in_time[user_transaction_stats]")
        assert found.outcome == "failed", found
        assert kind in found.message.splitlines()[1]
        assert kind in found.actual
        assert "known" not in found.actual
