"""Media jobs over REST and in the console: who sees what, and what may be done."""

from __future__ import annotations

import pytest

from liveroom.kernel import clock
from streams.jobs import services
from streams.jobs.kinds import kind_of
from streams.jobs.models import MediaHost, MediaJob
from streams.jobs.supervising.host import LEASE
from tests.helpers import media_worker
from tests.helpers.media_worker import Spec
from tests.helpers.problems import given, refused

media_worker.define()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


@pytest.fixture
def job(cast) -> MediaJob:
    kind = kind_of("made_up")
    assert kind is not None
    return services.want(
        kind=type(kind), reference="x:1", spec=Spec(cores=0.5), app=cast.app, stream=cast.stream, now=clock.now()
    )


def test_whoever_moderates_the_room_sees_its_jobs_and_servers_all(cast, job):
    for actor in (cast.stella, cast.max):
        [found] = given(cast.api(actor).get("jobs?room=r1"))["results"]
        assert (found["id"], found["kind"], found["label"], found["stream"], found["room"], found["state"]) == (
            job.pk, "made_up", "Made up", cast.stream.name, "r1", "waiting",
        )  # fmt: skip
        assert given(cast.api(actor).get(f"jobs/{job.pk}"))["cores"] == 0.5
    assert len(given(cast.server().get("jobs"))["results"]) == 1
    assert given(cast.server().get("jobs?state=open&kind=made_up&stream=" + cast.stream.name))["results"]
    assert given(cast.server().get("jobs?state=done"))["results"] == []


def test_others_see_nothing(cast, job):
    refused(cast.api(cast.mia).get("jobs?room=r1"), 403)
    refused(cast.api(cast.stella).get("jobs"), 403)
    refused(cast.api(cast.mia).get(f"jobs/{job.pk}"), 403)
    refused(cast.api(cast.rita).get(f"jobs/{job.pk}"), 404)
    refused(cast.api(cast.max).post(f"jobs/{job.pk}/restart"), 403)
    refused(cast.api(cast.stella).get("hosts"), 403)


def test_a_state_that_there_is_not_is_told(cast, job):
    assert "not 'odd'" in refused(cast.server().get("jobs?state=odd"), 400)["detail"]


def test_the_owner_restarts_a_job(cast, job):
    MediaJob.objects.filter(pk=job.pk).update(retry_at=clock.now(), failures=3)
    given(cast.api(cast.stella).post(f"jobs/{job.pk}/restart"))
    job.refresh_from_db()
    assert (job.spec_serial, job.failures, job.retry_at) == (1, 0, None)


def test_servers_see_the_hosts_that_run(cast):
    now = clock.now()
    for name, until in (("media-1", now + LEASE), ("media-2", now)):
        MediaHost.objects.create(name=name, cores_budget=2, started_at=now, seen_at=now, lease_until=until)
    assert [host["name"] for host in given(cast.server().get("hosts"))] == ["media-1"]


def test_staff_stops_and_restarts_a_job_in_the_console(staff, job):
    page = f"/admin/streams/mediajob/{job.pk}/change/"
    assert b"made_up" in staff.get("/admin/streams/mediajob/").content
    assert staff.post(f"/admin/streams/mediajob/{job.pk}/act/restart/").status_code in (302, 200)
    assert staff.get(page).status_code == 200
    assert staff.post(f"/admin/streams/mediajob/{job.pk}/act/stop/").status_code in (302, 200)
    job.refresh_from_db()
    assert (job.spec_serial, job.wanted) == (1, "stopped")
    for model in ("mediatask", "mediahost"):
        assert staff.get(f"/admin/streams/{model}/").status_code == 200
