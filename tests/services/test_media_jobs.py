"""Media jobs as rows: wanted once, claimed once, fenced, tried again, ended as their kind says. Children run in tests/faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from liveroom.kernel import clock
from streams.jobs import services
from streams.jobs.kinds import Exit, Progress, kind_of
from streams.jobs.models import MediaHost, MediaJob
from streams.jobs.supervising.claims import Claims, Orders
from streams.jobs.supervising.host import Host, NameTaken
from streams.jobs.supervising.run import Run
from tests.helpers import media_worker
from tests.helpers.media_worker import Spec
from tests.helpers.people import Cast

media_worker.define()
found = kind_of("made_up")
assert found is not None
KIND = type(found)


class Worker:
    """One host's rounds, with children that are only said to run."""

    def __init__(self, name: str) -> None:
        self.host = Host(name=name)
        self.host.begin(now=clock.now())
        self.claims = Claims(host=self.host)
        self.runs: list[Run] = []

    def round(self, *, now: datetime | None = None) -> Orders:
        orders = self.claims.round(runs=self.runs, now=now or clock.now())
        self.runs = [run for run in self.runs if run.exit_ is None and run not in orders.kill] + orders.start
        return orders

    def child_ends(self, *, code: int, words: str = "", asked: bool = False, ran: float = 1.0) -> None:
        [run] = self.runs
        run.exit_ = Exit(
            code=code, asked=asked, ran_seconds=ran, progress=Progress(), last_lines=(words,) if words else ()
        )


def want(cast: Cast, *, reference: str = "x:1", spec: Spec | None = None, **more: Any) -> MediaJob:
    return services.want(
        kind=KIND, reference=reference, spec=spec or Spec(), app=cast.room.app, stream=None, now=clock.now(), **more
    )


def row(job: MediaJob) -> MediaJob:
    return MediaJob.objects.get(pk=job.pk)


@pytest.fixture(autouse=True)
def _two_cores(settings: Any) -> None:
    settings.LIVEROOM = replace(settings.LIVEROOM, media_cores=2.0)


def test_a_wish_is_one_job_however_often_it_is_said(cast: Cast) -> None:
    assert want(cast).pk == want(cast).pk
    assert MediaJob.objects.count() == 1


def test_of_two_hosts_one_gets_the_job(cast: Cast) -> None:
    job = want(cast)
    one, two = Worker("media-1"), Worker("media-2")
    assert len(one.round().start) == 1
    assert two.round().start == []
    assert (row(job).state, row(job).host_id, row(job).run) == ("running", one.host.pk, 1)


def test_a_job_of_a_dead_host_is_taken_up_by_the_next_and_the_old_one_is_told_to_end(cast: Cast) -> None:
    job = want(cast)
    one, two = Worker("media-1"), Worker("media-2")
    one.round()
    MediaHost.objects.filter(pk=one.host.pk).update(lease_until=clock.now())
    two.round()
    two.round()
    assert (row(job).host_id, row(job).run) == (two.host.pk, 2)
    orders = one.round()
    assert [run.job.pk for run in orders.kill] == [job.pk]
    # What the old one still has to say is not heard.
    assert row(job).run == 2


def test_a_worker_that_starts_again_takes_its_own_jobs_at_once(cast: Cast) -> None:
    job = want(cast)
    Worker("media-1").round()
    again = Worker("media-1")
    again.round()
    again.round()
    assert row(job).run == 2
    assert row(job).restarts == 1
    assert row(job).failures == 0


def test_the_older_of_two_workers_of_one_name_finds_out(cast: Cast) -> None:
    older = Worker("media-1")
    Worker("media-1")
    with pytest.raises(NameTaken):
        older.round()


def test_a_child_that_fails_is_tried_again_with_a_pause_that_grows_and_its_words_are_kept(cast: Cast) -> None:
    job, worker, now = want(cast), Worker("media-1"), clock.now()
    pauses = []
    for _ in range(3):
        worker.round(now=now)
        worker.child_ends(code=1, words="rtmp://a/b: Connection refused")
        worker.round(now=now)
        found = row(job)
        assert (found.state, found.reason) == ("waiting", "rtmp://a/b: Connection refused")
        assert found.retry_at is not None
        pauses.append((found.retry_at - now).total_seconds())
        now = found.retry_at
    assert pauses == [0.5, 1, 2]


def test_what_is_done_is_over_and_may_be_wanted_anew(cast: Cast) -> None:
    job, worker = want(cast), Worker("media-1")
    worker.round()
    worker.child_ends(code=0)
    worker.round()
    assert (row(job).state, row(job).host) == ("done", None)
    assert want(cast).pk != job.pk


def test_a_job_that_is_stopped_ends_its_child_or_never_gets_one(cast: Cast) -> None:
    job, worker = want(cast), Worker("media-1")
    worker.round()
    services.stop(job=job, now=clock.now())
    assert [run.job.pk for run in worker.round().end] == [job.pk]
    worker.child_ends(code=255, asked=True)
    worker.round()
    assert row(job).state == "stopped"
    other = want(cast, reference="x:2")
    services.stop(job=other, now=clock.now())
    worker.round()
    assert (row(other).state, row(other).run) == ("stopped", 0)


def test_another_spec_replaces_the_child_without_a_pause(cast: Cast) -> None:
    job, worker = want(cast), Worker("media-1")
    worker.round()
    services.change(job=job, spec=Spec(seconds=1800))
    assert len(worker.round().end) == 1
    worker.child_ends(code=255, asked=True)
    assert len(worker.round().start) == 1
    assert worker.runs[0].spec == Spec(seconds=1800)
    assert (row(job).failures, row(job).restarts) == (0, 1)
    assert worker.round().end == []


def test_what_exceeds_the_cores_waits_and_says_so_and_smaller_ones_go_first(cast: Cast) -> None:
    worker = Worker("media-1")
    big = [want(cast, reference=f"big:{n}", spec=Spec(cores=0.8)) for n in range(3)]
    huge = want(cast, reference="huge", spec=Spec(cores=5))
    small = want(cast, reference="small", spec=Spec(cores=0.1))
    assert {run.job.pk for run in worker.round().start} == {big[0].pk, big[1].pk, small.pk}
    assert "Waits for CPU: it needs 0.8 cores" in row(big[2]).reason
    assert "this host gives 2" in row(huge).reason
    services.stop(job=big[0], now=clock.now())
    worker.round()
    worker.runs[0].exit_ = Exit(code=255, asked=True, ran_seconds=1, progress=Progress(), last_lines=())
    assert [run.job.pk for run in worker.round().start] == [big[2].pk]
    assert row(big[2]).reason == ""


def test_a_kind_may_make_do_with_fewer_cores(cast: Cast) -> None:
    worker, job = Worker("media-1"), want(cast, spec=Spec(cores=3, shrinks=True))
    [run] = worker.round().start
    assert run.spec.cores == 0.5
    assert row(job).cores == 0.5
    assert worker.round().end == []


def test_what_cannot_be_started_waits_with_the_reason_and_others_start(cast: Cast) -> None:
    worker, bad, good = Worker("media-1"), want(cast, reference="a", spec=Spec(broken=True)), want(cast, reference="b")
    assert [run.job.pk for run in worker.round().start] == [good.pk]
    assert (row(bad).state, row(bad).reason) == ("waiting", "It cannot be started: the folder is gone")
    assert row(bad).retry_at is not None


def test_a_spec_that_nobody_can_read_fails_alone(cast: Cast) -> None:
    worker, bad, good = Worker("media-1"), want(cast, reference="a"), want(cast, reference="b")
    MediaJob.objects.filter(pk=bad.pk).update(spec={"seconds": "long"})
    assert [run.job.pk for run in worker.round().start] == [good.pk]
    assert row(bad).state == "failed"
    assert "cannot be read" in row(bad).reason


def test_a_job_may_begin_later(cast: Cast) -> None:
    worker, now = Worker("media-1"), clock.now()
    want(cast, starts_at=now + timedelta(minutes=5))
    assert worker.round(now=now).start == []
    assert len(worker.round(now=now + timedelta(minutes=6)).start) == 1


def test_a_clean_stop_leaves_the_jobs_to_whoever_looks_next(cast: Cast) -> None:
    job, one, two = want(cast), Worker("media-1"), Worker("media-2")
    one.round()
    one.claims.let_go(one.runs, now=clock.now())
    assert len(two.round().start) == 1
    assert row(job).host_id == two.host.pk
