"""Media workers and their children are killed and frozen at any moment: there are never two children for one job, and soon there is one.

`deploy/test --faults` kills a hundred times."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from liveroom.kernel import clock
from streams.jobs import services
from streams.jobs.kinds import kind_of
from streams.jobs.models import MediaJob
from streams.jobs.supervising import strays
from streams.jobs.supervising.supervisor import deployment
from tests.helpers import media_worker
from tests.helpers.media_worker import MediaWorker, Spec
from tests.helpers.people import make_cast
from tests.helpers.sockets import database_of_the_tests
from tests.helpers.stack import until

pytestmark = [pytest.mark.fault, pytest.mark.alone, pytest.mark.django_db(transaction=True)]

JOBS = 3
KILLS = 100 if os.environ.get("LIVEROOM_FAULTS") == "full" else 8
SOON_SECONDS = 5.0
media_worker.define()


class Watch:
    """Looks every 100 ms how many children each job has."""

    def __init__(self, name: str) -> None:
        self.name, self.worst, self._ending = name, 0, threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for marked in strays.marked(self.name):
            found.setdefault(marked.job, []).append(marked.pid)
        return found

    def _look(self) -> None:
        while not self._ending.wait(0.1):
            counts = Counter({job: len(pids) for job, pids in self.children().items()})
            self.worst = max(self.worst, *counts.values(), 0)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self.thread.join()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[MediaWorker]]:
    env = {**database_of_the_tests(tmp_path), "REDIS_URL": settings.LIVEROOM.redis_url}
    running = [MediaWorker(name=f"media-{number}", data=tmp_path, env=env) for number in (1, 2)]
    yield running
    for worker in running:
        worker.end()
    connection.close()


def wanted() -> list[MediaJob]:
    kind, cast = kind_of("made_up"), make_cast()
    assert kind is not None
    return [
        services.want(kind=type(kind), reference=f"x:{n}", spec=Spec(), app=cast.room.app, stream=None, now=clock.now())
        for n in range(JOBS)
    ]


def test_random_kills_never_make_two_children_and_each_job_is_back_soon(
    workers: list[MediaWorker], tmp_path: Path
) -> None:
    dice, slowest = random.Random(20261129), 0.0
    jobs = wanted()
    with Watch(deployment(tmp_path)) as watch:
        until(lambda: len(watch.children()) == JOBS, what="a child for each job")
        for _ in range(KILLS):
            victim = dice.choice(["worker", "child", "both"])
            if victim != "worker":
                _, [pid, *_] = dice.choice(list(watch.children().items()))
                os.kill(pid, signal.SIGKILL)
            if victim != "child":
                dice.choice(workers).kill()
            time.sleep(dice.random())
            began = time.monotonic()
            until(lambda: len(watch.children()) == JOBS, seconds=20, what="a child for each job again")
            slowest = max(slowest, time.monotonic() - began)
        pids = watch.children()
    assert watch.worst == 1
    assert slowest < SOON_SECONDS
    for job in jobs:
        until(lambda: MediaJob.objects.get(pk=job.pk).pid in pids[job.pk], what="the pid in the row", seconds=10)  # noqa: B023


def test_the_children_of_a_frozen_worker_are_replaced_and_not_doubled(
    workers: list[MediaWorker], tmp_path: Path
) -> None:
    wanted()
    with Watch(deployment(tmp_path)) as watch:
        until(lambda: len(watch.children()) == JOBS, what="a child for each job")
        before = watch.children()
        workers[0].freeze()
        held = set(MediaJob.objects.filter(host__name="media-1").values_list("pk", flat=True))
        until(lambda: not MediaJob.objects.filter(host__name="media-1").exists(), what="jobs taken over")
        until(lambda: len(watch.children()) == JOBS, what="a child for each job again")
        workers[0].thaw()
        time.sleep(2.5)
        after = watch.children()
    assert watch.worst == 1
    assert {job for job in after if after[job] != before[job]} == held


def test_a_worker_that_is_told_to_end_leaves_nobody_behind(workers: list[MediaWorker], tmp_path: Path) -> None:
    wanted()
    watch = Watch(deployment(tmp_path))
    until(lambda: len(watch.children()) == JOBS, what="a child for each job")
    for worker in workers:
        worker.end()
    assert watch.children() == {}
    assert set(MediaJob.objects.values_list("state", "failures")) == {("waiting", 0)}
