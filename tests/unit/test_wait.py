from __future__ import annotations

from collections.abc import Callable

import pytest

from mmp_local_dev.errors import MmpError, NotReady, ServiceFailed, WrongService
from mmp_local_dev.wait import wait_until


class Time:
    """A clock that stands still but for sleeping, and what happened on the way."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def failing(*errors: MmpError) -> Callable[[], None]:
    """A probe that raises these one after the other, and then nothing."""
    left = list(errors)

    def probe() -> None:
        if left:
            raise left.pop(0)

    return probe


def test_what_is_ready_is_not_waited_for(time: Time) -> None:
    wait_until(failing(), timeout=5, clock=time.clock, sleep=time.sleep, watch=lambda: pytest.fail("watched"))
    assert time.slept == []


def test_it_is_asked_again_until_it_is_ready(time: Time) -> None:
    watched: list[int] = []
    probe = failing(NotReady("one"), NotReady("two"), NotReady("three"))
    wait_until(
        probe,
        timeout=5,
        interval=0.5,
        clock=time.clock,
        sleep=time.sleep,
        watch=lambda: watched.append(len(time.slept)),
    )
    assert time.slept == [0.5, 0.5, 0.5]
    assert watched == [0, 1, 2]


def test_the_last_reason_is_raised_when_the_time_is_up(time: Time) -> None:
    asked: list[float] = []

    def probe() -> None:
        asked.append(time.now)
        raise NotReady(f"attempt {len(asked)}")

    with pytest.raises(NotReady, match="attempt 4"):
        wait_until(probe, timeout=3, interval=1, clock=time.clock, sleep=time.sleep)
    assert asked == [1000, 1001, 1002, 1003]


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_without_time_it_is_asked_once(time: Time, timeout: float) -> None:
    wait_until(failing(), timeout=timeout, clock=time.clock, sleep=time.sleep)
    with pytest.raises(NotReady, match="one"):
        wait_until(failing(NotReady("one")), timeout=timeout, clock=time.clock, sleep=time.sleep)
    assert time.slept == []


def test_a_probe_that_takes_long_counts(time: Time) -> None:
    def probe() -> None:
        time.now += 10
        raise NotReady("slow")

    with pytest.raises(NotReady):
        wait_until(probe, timeout=5, clock=time.clock, sleep=time.sleep)
    assert time.slept == []


def test_a_stranger_does_not_become_ours(time: Time) -> None:
    with pytest.raises(WrongService):
        wait_until(failing(WrongService("stranger")), timeout=5, clock=time.clock, sleep=time.sleep)
    assert time.slept == []


def test_the_watch_gives_up_early(time: Time) -> None:
    def watch() -> None:
        if time.slept:
            raise ServiceFailed("it is gone")

    with pytest.raises(ServiceFailed):
        wait_until(failing(*[NotReady("no")] * 9), timeout=60, clock=time.clock, sleep=time.sleep, watch=watch)
    assert len(time.slept) == 1


def test_any_other_error_leaves_at_once(time: Time) -> None:
    with pytest.raises(ServiceFailed):
        wait_until(failing(ServiceFailed("broken")), timeout=5, clock=time.clock, sleep=time.sleep)
    assert time.slept == []


def test_it_has_a_clock_and_a_sleep_of_its_own() -> None:
    wait_until(failing(NotReady("one")), timeout=30, interval=0.001)
