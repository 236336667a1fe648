"""Due work: handed out as often as it takes, claimed by one worker at a time, and taken up again after a death."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from liveroom import wiring
from liveroom.celery import app
from liveroom.console import overview
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry, DueJob
from liveroom.kernel.work import due, tasks
from liveroom.kernel.work.due import Dispatcher, Job
from tests.helpers.sockets import CHECKOUT, database_of_the_tests
from tests.helpers.stack import until
from tests.services.test_once_and_leases import at_once


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.fixture
def done() -> Iterator[list[datetime]]:
    """When the job `count` was done; every 10 s, a claim holds for 30 s."""
    notes: list[datetime] = []
    due.install([Job("count", 10, notes.append)])
    yield notes
    due.install(wiring.JOBS)


@pytest.fixture
def hints() -> tuple[Dispatcher, list[str]]:
    sent: list[str] = []
    return Dispatcher(send=sent.append, waiting=lambda: 0), sent


def row() -> DueJob:
    return DueJob.objects.get(name="count")


def due_again() -> None:
    DueJob.objects.update(due_at=clock.now() - at(1))


@pytest.mark.django_db
def test_what_is_due_is_handed_out_done_once_and_due_again_after_its_time(done, hints):
    dispatcher, sent = hints
    now = clock.now()
    assert dispatcher.hand_out(now=now) == ["count"]
    assert due.run("count", by="w1")
    assert not due.run("count", by="w2")  # a second hint
    assert len(done) == 1
    assert row().due_at >= now + at(10)
    assert row().claimed_until is None
    assert dispatcher.hand_out(now=now + at(5)) == []
    assert dispatcher.hand_out(now=now + at(11)) == ["count"]
    assert sent == ["count", "count"]


@pytest.mark.django_db
def test_a_hint_that_was_lost_is_sent_again_and_not_every_second(done, hints):
    dispatcher, sent = hints
    now = clock.now()
    for second in range(7):
        dispatcher.hand_out(now=now + at(second))
    assert sent == ["count"] * 4
    other = Dispatcher(send=sent.append, waiting=lambda: 0)  # another relay took over
    assert other.hand_out(now=now + at(7)) == ["count"]


@pytest.mark.django_db
def test_nothing_is_sent_to_workers_that_take_nothing(done):
    dispatcher = Dispatcher(send=lambda name: pytest.fail("sent"), waiting=lambda: 50)
    assert dispatcher.hand_out(now=clock.now()) == []


@pytest.mark.django_db
def test_a_job_with_nothing_to_do_costs_a_look_and_no_message(hints):
    looks: list[datetime] = []
    due.install([Job("idle", 5, lambda now: pytest.fail("done"), wanted=lambda now: bool(looks.append(now)))])
    try:
        dispatcher, sent = hints
        for second in range(6):
            dispatcher.hand_out(now=clock.now() + at(second))
        assert (len(looks), sent) == (3, [])
    finally:
        due.install(wiring.JOBS)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_it(done, hints):
    hints[0].hand_out(now=clock.now())
    assert sorted(at_once(lambda n: due.run("count", by=f"w{n}"), threads=8)) == [False] * 7 + [True]
    assert len(done) == 1


@pytest.mark.django_db
def test_what_a_dead_worker_had_is_taken_up_when_its_claim_is_over(done, hints):
    dispatcher, _ = hints
    now = clock.now()
    dispatcher.hand_out(now=now)
    assert due._claim(due._table.jobs[0], by="dead", now=now) == 1
    assert dispatcher.hand_out(now=now + at(29)) == []
    assert not due.run("count", by="alive")
    DueJob.objects.update(claimed_until=clock.now() - at(1))
    assert dispatcher.hand_out(now=now + at(31)) == ["count"]
    assert due.run("count", by="alive")
    assert (row().claim, row().claimed_by) == (2, "alive")


@pytest.mark.django_db
def test_a_worker_that_outlives_its_claim_ends_without_a_word(hints):
    """It was believed dead: the row is the next one's, and its end says nothing about that one's work."""

    def slow(now: datetime) -> None:
        DueJob.objects.update(claimed_until=clock.now() - at(1))
        assert due._claim(due._table.jobs[0], by="next", now=clock.now()) == 2

    due.install([Job("count", 10, slow)])
    try:
        hints[0].hand_out(now=clock.now())
        assert due.run("count", by="slow")
        found = row()
        assert (found.claim, found.claimed_by) == (2, "next")
        assert found.claimed_until is not None
        assert found.claimed_until > clock.now()
        assert found.due_at <= clock.now()
    finally:
        due.install(wiring.JOBS)


@pytest.mark.django_db
def test_one_that_fails_is_noted_and_tried_at_its_next_turn(hints):
    due.install([Job("count", 10, lambda now: 1 // 0)])
    try:
        hints[0].hand_out(now=clock.now())
        assert due.run("count", by="w")
        assert row().last_error == "ZeroDivisionError: integer division or modulo by zero"
        assert row().claimed_until is None
        assert row().due_at > clock.now() + at(9)
        due.install([Job("count", 10, lambda now: None)])
        due_again()
        assert due.run("count", by="w")
        assert row().last_error == ""
    finally:
        due.install(wiring.JOBS)


@pytest.mark.django_db
def test_one_that_has_more_to_do_is_due_at_once(hints):
    due.install([Job("count", 3600, lambda now: due.MORE)])
    try:
        hints[0].hand_out(now=clock.now())
        assert due.run("count", by="w")
        assert due.run("count", by="w")
    finally:
        due.install(wiring.JOBS)


@pytest.mark.django_db
def test_a_job_of_another_version_is_left_alone(done):
    assert not due.run("of tomorrow", by="w")


@pytest.mark.django_db
def test_every_job_of_the_table_can_be_done_on_an_empty_site():
    now = clock.now()
    for job in wiring.JOBS:
        assert job.wanted is None or job.wanted(now) in (True, False), job.name
        job.work(now)


WORKER = """
import sys, time, django
django.setup()
from liveroom.celery import app
from liveroom.kernel import clock
from liveroom.kernel.work import due, tasks
from liveroom.kernel.models import AuditEntry

def work(now):
    AuditEntry.objects.create(at=now, actor=sys.argv[1], action="began")
    if sys.argv[1] == "first":
        time.sleep(60)

due.install([due.Job("count", 3600, work, longest=2.0)])
app.worker_main(["--quiet", "worker", "--concurrency", "1", "--without-gossip", "--without-mingle",
                 "-n", sys.argv[1] + "@test"])
"""


@pytest.fixture
def worker(tmp_path: Path, transactional_db: None) -> Iterator[Any]:
    """`worker("first")`: a task worker in a process of its own, on the tests' database and Redis. The first one never ends its work."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        data = tmp_path / name
        data.mkdir()
        known = {key: value for key, value in os.environ.items() if not key.startswith(("LIVEROOM_", "PROMETHEUS_"))}
        env = {
            **known,
            "LIVEROOM_DATA": str(data),
            "LIVEROOM_SECRET_KEY": settings.SECRET_KEY,
            "REDIS_URL": settings.LIVEROOM.redis_url,
            "DJANGO_SETTINGS_MODULE": "liveroom.settings",
            **database_of_the_tests(data),
        }
        child = subprocess.Popen([sys.executable, "-c", WORKER, name], cwd=CHECKOUT, env=env)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()


def test_a_task_worker_that_is_killed_at_its_work_is_replaced_by_the_next(done, worker):
    app.set_default()

    def began() -> list[str]:
        Dispatcher(send=tasks.send, waiting=tasks.waiting).hand_out(now=clock.now())
        time.sleep(0.2)
        return list(AuditEntry.objects.filter(action="began").order_by("pk").values_list("actor", flat=True))

    first = worker("first")
    until(lambda: began() == ["first"], seconds=30, what="the first worker at work")
    first.kill()
    first.wait()
    killed_at = clock.now()
    worker("second")
    until(lambda: "second" in began(), seconds=30, what="the second worker at work")
    until(lambda: row().due_at > clock.now() + at(3000), what="done")
    assert row().claimed_by == "second@test"
    assert row().due_at > killed_at


@pytest.mark.django_db
def test_what_nobody_does_is_told_to_whoever_runs_the_site(hints):
    due.install([Job("count", 10, lambda now: None), Job("rare", 10, lambda now: None, wanted=lambda now: False)])
    try:
        now = clock.now()
        hints[0].hand_out(now=now)
        assert due.late(now=now + at(60)) == []
        assert due.late(now=now + at(121)) == ["count"]  # of the other nobody knows whether there was anything
        DueJob.objects.update(due_at=now - at(300))
        found = {part.name: part for part in overview.parts(now=now)}["Task workers"]
        assert (found.works, found.word, found.detail) == (False, "late", "count")
        said = StringIO()
        with contextlib.suppress(SystemExit):  # this machine may lack something else
            call_command("doctor", stdout=said)
        assert "nobody does: count" in said.getvalue()
        assert due.run("count", by="w")
        assert due.late(now=now) == []
    finally:
        due.install(wiring.JOBS)
