"""Media work that ends: done once, tried again, given up with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from liveroom.kernel import clock
from streams.jobs import finite
from streams.jobs.finite import Claim, ClaimLost, Hopeless, want_task
from streams.jobs.models import MediaTask
from tests.helpers.people import Cast


class Work:
    """What the kind `made_up` does: the next of `answers`; after them it succeeds."""

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.done: list[int] = []
        self.given_up: list[str] = []

    def __call__(self, claim: Claim) -> None:
        claim.told(0.5)
        if self.answers:
            raise self.answers.pop(0)
        self.done.append(claim.task.pk)


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    finite.does("made_up", gave_up=lambda task, reason: made.given_up.append(reason))(made)
    yield made
    del finite._kinds["made_up"]


def want(cast: Cast) -> MediaTask:
    return want_task(kind="made_up", reference="x:1", app=cast.room.app, now=clock.now())


def soon() -> None:
    MediaTask.objects.update(retry_at=clock.now() - timedelta(seconds=1))


def test_a_task_is_done_once_and_may_be_wanted_anew(cast: Cast, work: Work) -> None:
    task = want(cast)
    assert want(cast).pk == task.pk
    assert finite.is_wanted(clock.now())
    finite.run_due(clock.now())
    finite.run_due(clock.now())
    assert work.done == [task.pk]
    task.refresh_from_db()
    assert (task.state, task.progress, task.attempts) == ("done", 1.0, 1)
    assert not finite.is_wanted(clock.now())
    assert want(cast).pk != task.pk


def test_a_task_that_fails_is_tried_again_and_given_up_in_the_end(cast: Cast, work: Work) -> None:
    task, tries = want(cast), len(finite.PAUSE_SECONDS)
    work.answers = [OSError("disk")] * 100
    for _ in range(tries + 2):
        soon()
        finite.run_due(clock.now())
    task.refresh_from_db()
    assert (task.state, task.reason, task.attempts) == ("failed", "OSError: disk", tries)
    assert work.given_up == ["OSError: disk"]


def test_what_is_hopeless_is_not_tried_again(cast: Cast, work: Work) -> None:
    task = want(cast)
    work.answers = [Hopeless("The file has no picture.")]
    finite.run_due(clock.now())
    task.refresh_from_db()
    assert (task.state, task.reason, work.given_up) == (
        "failed",
        "The file has no picture.",
        ["The file has no picture."],
    )


def test_the_task_of_a_dead_worker_is_taken_up_and_the_dead_one_has_nothing_to_say(cast: Cast, work: Work) -> None:
    want(cast)
    dead = finite._claim(now=clock.now())
    assert dead is not None
    assert finite._claim(now=clock.now()) is None
    finite.run_due(clock.now() + finite.CLAIM)
    assert work.done == []  # its claim still holds
    MediaTask.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    finite.run_due(clock.now())
    assert len(work.done) == 1
    with pytest.raises(ClaimLost):
        dead.told(0.9)


def test_a_task_that_kills_its_workers_is_given_up(cast: Cast, work: Work) -> None:
    task = want(cast)
    for _ in range(len(finite.PAUSE_SECONDS)):
        assert finite._claim(now=clock.now()) is not None
        MediaTask.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    finite.run_due(clock.now())
    task.refresh_from_db()
    assert task.state == "failed"
    assert work.done == []
