"""When due jobs have their turn: in time, each for itself, and what viewers wait for never behind what takes long."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import redis
from celery.signals import worker_init
from django.conf import settings
from django.db import DatabaseError, connection

from liveroom import wiring
from liveroom.celery import TURN_SECONDS
from liveroom.kernel import clock
from liveroom.kernel.models import DueJob
from liveroom.kernel.work import due
from liveroom.kernel.work.due import Dispatcher, Job
from tests.helpers.many_rooms import counted

Clock = Callable[[float], datetime]


@contextmanager
def jobs(*found: Job) -> Iterator[None]:
    due.install(found)
    yield
    due.install(wiring.JOBS)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """`at(3)`: it is three seconds past the beginning, for everybody."""
    began = clock.now()

    def it_is(seconds: float) -> datetime:
        now = began + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    return it_is


def follows_hints() -> Dispatcher:
    """A worker that follows each hint at once."""
    return Dispatcher(send=lambda name: due.run(name, by="w") and None, waiting=lambda: 0)


@pytest.mark.django_db
def test_each_has_its_own_turn_and_one_that_fails_stops_nobody(at: Clock) -> None:
    done: list[str] = []

    def away(now: datetime) -> None:
        raise redis.ConnectionError

    dispatcher = follows_hints()
    with jobs(
        Job("away", 1, away),
        Job("broken", 1, lambda now: 1 // 0),
        Job("often", 1, lambda now: done.append("often")),
        Job("rarely", 5, lambda now: done.append("rarely")),
    ):
        for second in range(7):
            dispatcher.hand_out(now=at(second))
    assert (done.count("often"), done.count("rarely")) == (7, 2)


@pytest.mark.django_db
def test_a_database_that_is_away_stops_nobody_else(at: Clock) -> None:
    done: list[str] = []

    def lost(now: datetime) -> None:
        raise DatabaseError

    dispatcher = follows_hints()
    with jobs(Job("lost", 1, lost), Job("first", 1, lambda now: done.append("first"))):
        for second in range(3):
            dispatcher.hand_out(now=at(second))
    assert done == ["first"] * 3


@pytest.mark.django_db
def test_a_turn_that_begins_between_two_looks_is_met_in_time(at: Clock) -> None:
    """Twice a second is twice a second, however long the looks are apart."""
    done: list[datetime] = []
    dispatcher = follows_hints()
    with jobs(Job("often", 0.5, done.append)):
        now = 0.0
        while now < 10:
            dispatcher.hand_out(now=at(now))
            now += dispatcher.pause + 0.003  # the look itself
    apart = [(after - before).total_seconds() for before, after in itertools.pairwise(done)]
    assert all(0.5 <= seconds <= 0.53 for seconds in apart)
    assert len(done) >= 19


@pytest.mark.django_db
def test_a_look_with_nothing_due_is_one_statement(at: Clock) -> None:
    dispatcher = follows_hints()
    with jobs(*(Job(f"job {n}", 100, lambda now: None) for n in range(10))):
        dispatcher.hand_out(now=at(0))
        with counted() as cost:
            assert dispatcher.hand_out(now=at(1)) == []
    assert (cost.statements, cost.trips) == (1, 0)


@pytest.mark.django_db
def test_a_job_with_more_to_do_is_handed_out_again_at_the_next_look(at: Clock) -> None:
    done: list[datetime] = []

    def work(now: datetime) -> object:
        done.append(now)
        return due.MORE if len(done) < 3 else None

    dispatcher = follows_hints()
    with jobs(Job("long", 3600, work)):
        DueJob.objects.create(name="long", due_at=at(-1))
        for n in range(8):
            dispatcher.hand_out(now=at(n * 0.3))
    assert len(done) == 3


@pytest.mark.django_db
def test_a_worker_whose_clock_is_a_little_behind_follows_a_hint(at: Clock) -> None:
    done: list[datetime] = []
    with jobs(Job("often", 0.5, done.append)):
        DueJob.objects.create(name="often", due_at=at(0.1))
        at(0)
        assert due.run("often", by="w")
        at(0.2)
        assert not due.run("often", by="w")  # a second hint
    assert len(done) == 1


# -- what takes long


@pytest.mark.django_db(transaction=True)
def test_what_is_apart_holds_up_nobody_and_never_runs_twice_at_once() -> None:
    let_go, began, others = threading.Event(), threading.Semaphore(0), []

    def long(now: datetime) -> None:
        began.release()
        assert let_go.wait(10)

    started: list[threading.Thread] = []

    def send(name: str) -> None:
        started.append(threading.Thread(target=run, args=(name,)))
        started[-1].start()
        if name == "short":
            started[-1].join(10)

    dispatcher = Dispatcher(send=send, waiting=lambda: 0)
    with jobs(Job("long", 1, long), Job("short", 1, others.append)):
        for _ in range(3):
            dispatcher.hand_out(now=clock.now())
            due_again("short")
        assert began.acquire(timeout=10)
        assert not due.run("long", by="another")
        assert len(others) == 3
        let_go.set()
        for thread in started:
            thread.join(10)
        assert not began.acquire(blocking=False)  # it began once
        due_again("long")
        dispatcher.hand_out(now=clock.now())
        assert began.acquire(timeout=10)
        for thread in started:
            thread.join(10)


@pytest.mark.django_db(transaction=True)
def test_slow_jobs_leave_threads_to_those_that_viewers_wait_for() -> None:
    let_go, began, done = threading.Event(), threading.Semaphore(0), []

    def long(now: datetime) -> None:
        began.release()
        assert let_go.wait(20)

    names = [f"slow {n}" for n in range(due.SLOW_AT_ONCE)]
    with jobs(
        *(Job(name, 1, long) for name in names), Job("rest", 1, done.append), Job("now", 1, done.append, prompt=True)
    ):
        DueJob.objects.bulk_create(DueJob(name=job.name, due_at=clock.now()) for job in due._table.jobs)
        threads = [threading.Thread(target=run, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        assert all(began.acquire(timeout=10) for _ in names)
        assert not due.run("rest", by="w")
        assert DueJob.objects.get(name="rest").claim == 0  # another worker may have it
        assert due.run("now", by="w")
        let_go.set()
        for thread in threads:
            thread.join(10)
        assert due.run("rest", by="w")
    assert len(done) == 2


def test_a_worker_has_a_thread_for_every_prompt_job_beside_the_slow_ones() -> None:
    prompt = [job for job in wiring.JOBS if job.prompt]
    assert due.SLOW_AT_ONCE + len(prompt) <= settings.CELERY_WORKER_CONCURRENCY
    assert all(job.longest <= 10 for job in prompt)


def test_the_threads_of_a_worker_take_turns_quickly() -> None:
    before = sys.getswitchinterval()
    try:
        worker_init.send(sender=None)
        assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
        assert before > TURN_SECONDS
    finally:
        sys.setswitchinterval(before)


def run(name: str) -> None:
    try:
        due.run(name, by="w")
    finally:
        connection.close()


def due_again(name: str) -> None:
    DueJob.objects.filter(name=name).update(due_at=clock.now() - timedelta(seconds=1))
