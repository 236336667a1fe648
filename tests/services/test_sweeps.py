"""What is due is looked for in turn; what takes long does so apart, and holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import DatabaseError

from liveroom.kernel.sweeps import Sweep, Sweeper

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_each_has_its_own_turn_and_one_that_fails_stops_nobody() -> None:
    done: list[str] = []

    def away(now: datetime) -> None:
        raise redis.ConnectionError

    sweeper = Sweeper(
        sweeps=[
            Sweep("away", 1, away),
            Sweep("broken", 1, lambda now: 1 // 0),
            Sweep("often", 1, lambda now: done.append("often")),
            Sweep("rarely", 5, lambda now: done.append("rarely")),
        ]
    )
    for second in range(7):
        sweeper.sweep(now=at(second))
    assert (done.count("often"), done.count("rarely")) == (7, 2)


def test_what_is_apart_holds_up_nobody_and_never_runs_twice_at_once() -> None:
    let_go, began, others = threading.Event(), threading.Semaphore(0), []

    def long(now: datetime) -> None:
        began.release()
        assert let_go.wait(10)

    sweeper = Sweeper(sweeps=[Sweep("long", 1, long, apart="slow"), Sweep("short", 1, others.append)])
    for second in range(3):
        sweeper.sweep(now=at(second))
    assert began.acquire(timeout=10)
    assert others == [at(0), at(1), at(2)]
    let_go.set()
    sweeper._apart["slow"].join(10)
    assert not began.acquire(blocking=False)  # it began once
    sweeper.sweep(now=at(2.1))  # and is due, though its turn began a moment ago
    assert began.acquire(timeout=10)
    sweeper._apart["slow"].join(10)


def test_what_shares_a_thread_is_done_one_after_the_other_and_one_that_fails_stops_nobody() -> None:
    done: list[tuple[str, int]] = []

    def lost(now: datetime) -> None:
        raise DatabaseError

    def does(name: str) -> Callable[[datetime], None]:
        return lambda now: done.append((name, threading.get_ident()))

    names = ("first", "second")
    sweeper = Sweeper(
        sweeps=[Sweep("lost", 1, lost, apart="slow"), *(Sweep(name, 1, does(name), apart="slow") for name in names)]
    )
    sweeper.sweep(now=at(0))
    sweeper._apart["slow"].join(10)
    assert [name for name, _ in done] == list(names)
    assert len({thread for _, thread in done} | {threading.get_ident()}) == 2


@pytest.mark.parametrize("apart", ["", "slow"])
def test_a_database_that_is_away_is_everybodys_unless_it_happens_apart(apart: str) -> None:
    def lost(now: datetime) -> None:
        raise DatabaseError

    sweeper = Sweeper(sweeps=[Sweep("lost", 1, lost, apart=apart)])
    if apart:
        sweeper.sweep(now=at(0))
        sweeper._apart["slow"].join(10)
    else:
        with pytest.raises(DatabaseError):
            sweeper.sweep(now=at(0))
