"""Our own media jobs at the publish hook: the newest wanted run of a job gets in, for its own stream; nobody else with its words."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from liveroom.accounts.models import App, Domain
from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from streams.engines import Hook
from streams.jobs.models import STOPPED, MediaJob, State
from streams.models import Publish, PushRefusal, Stream
from streams.services import own_publishing, streams
from streams.services.publishing import admit_publisher
from streams.services.refusals import Refused
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db
LATER = timedelta(seconds=10)


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def job(cast, now) -> MediaJob:
    return MediaJob.objects.create(
        app=cast.app, stream=cast.stream, kind="test", reference="test:1", spec={}, state=State.RUNNING, run=3,
        created_at=now,
    )  # fmt: skip


def own_hook(job: MediaJob, stream: Stream, *, client_id: str = "7", changed: dict[str, str] | None = None) -> Hook:
    query = dict(parse_qsl(urlsplit(own_publishing.push_url(job=job, stream=stream)).query))
    return Hook(
        action="publish", stream=stream.name, application="live", client_id=client_id, address="127.0.0.1",
        params={**query, **(changed or {})},
    )  # fmt: skip


def test_the_newest_run_of_a_job_publishes_and_the_room_is_live(cast, job, now):
    publish = admit_publisher(hook=own_hook(job, cast.stream), now=now)
    assert (publish.job_id, publish.job_run) == (job.pk, 3)
    assert "own=" not in publish.query
    cast.room.refresh_from_db()
    assert cast.room.status == "live"


@pytest.mark.parametrize("changes", [{"run": 4}, {"wanted": STOPPED}, {"state": State.WAITING}, {"state": State.DONE}])
def test_a_run_that_is_over_is_refused_and_no_line_for_the_streamer(cast, job, now, changes):
    hook = own_hook(job, cast.stream)
    MediaJob.objects.filter(pk=job.pk).update(**changes)
    with pytest.raises(Refused) as error:
        admit_publisher(hook=hook, now=now)
    assert error.value.reason == "stale_run"
    assert not PushRefusal.objects.exists()


def test_what_was_changed_in_the_address_is_judged_as_everybodys_key(cast, job, now):
    for changed in ({"job": "999"}, {"run": "9"}, {"own": "0" * 32}, {"run": "-1"}, {"run": "９"}):
        with pytest.raises(Refused) as error:
            admit_publisher(hook=own_hook(job, cast.stream, changed=changed), now=now)
        assert error.value.reason in ("missing_time", "stale_run")


def test_an_address_of_one_stream_opens_no_other(cast, job, now):
    other = streams.add_stream(room=cast.room, label="screen", by=STAFF, now=now)
    with pytest.raises(Refused):
        admit_publisher(hook=Hook(**{**_fields(own_hook(job, cast.stream)), "stream": other.name}), now=now)
    with pytest.raises(Refused, match="another stream"):
        admit_publisher(hook=own_hook(job, other), now=now)


def _fields(hook: Hook) -> dict:
    return {name: getattr(hook, name) for name in ("action", "stream", "application", "client_id", "address", "params")}


def test_a_newer_run_takes_the_place_of_an_older_one(cast, job, now, engine):
    engine.publish(cast.stream.name)
    admit_publisher(hook=own_hook(job, cast.stream, client_id="1"), now=now)
    MediaJob.objects.filter(pk=job.pk).update(run=4)
    job.refresh_from_db()
    publish = admit_publisher(hook=own_hook(job, cast.stream, client_id="2"), now=now + LATER)
    assert engine.dropped == [cast.stream.name]
    assert publish.job_run == 4
    assert Publish.objects.get(job_run=3).end_reason == "replaced"


def test_a_streamer_is_not_put_out_by_a_job_even_where_second_publishers_take_over(cast, job, now, engine):
    App.objects.filter(pk=cast.app.pk).update(second_publisher=App.TAKE_OVER)
    engine.publish(cast.stream.name)
    admit_publisher(hook=push_hook(cast.stream, now=now, client_id="1"), now=now)
    with pytest.raises(Refused, match="on air already"):
        admit_publisher(hook=own_hook(job, cast.stream, client_id="2"), now=now + LATER)
    assert engine.dropped == []
    job.refresh_from_db()
    assert "on air already" in job.reason


def test_a_streamer_hears_that_a_job_has_the_place(cast, job, now, engine):
    engine.publish(cast.stream.name)
    admit_publisher(hook=own_hook(job, cast.stream, client_id="1"), now=now)
    with pytest.raises(Refused, match="a relay or another job"):
        admit_publisher(hook=push_hook(cast.stream, now=now, client_id="2"), now=now + LATER)


def test_what_is_forbidden_to_a_streamer_is_forbidden_to_a_job(cast, job, now):
    stream = streams.forbid_stream(stream=cast.stream, by=STAFF, now=now, reason="trial")
    with pytest.raises(LiveRoomError, match="forbidden"):
        admit_publisher(hook=own_hook(job, stream), now=now)
    streams.allow_stream(stream=stream, by=STAFF, now=now)
    Domain.objects.filter(app=cast.app, kind=Domain.PUSH).update(enabled=False)
    with pytest.raises(LiveRoomError, match="switched off"):
        admit_publisher(hook=own_hook(job, stream), now=now)
