"""Relays over REST: made, shown without their keys, changed one by one, and refused in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.kernel.values import instants
from liveroom.rooms.services.rooms import create_room, disband_room
from liveroom.rooms.services.status import set_status
from streams.files.models import MediaFile
from streams.files.places import film_of, folder_of
from streams.files.uses import use_of
from streams.jobs.models import OPEN_STATES, STOPPED, MediaJob, State
from streams.models import Relay, Stream
from streams.relays import services
from streams.relays.noting import note_state
from streams.services.streams import add_stream
from tests.helpers.people import STAFF
from tests.helpers.problems import refused
from tests.helpers.relays import made_relay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]

TARGET = "rtmp://live.example.com/app/abcd-efgh-ijkl"
SOURCE = "https://cdn.example.com/show/live.m3u8?token=0123456789"


@pytest.fixture(autouse=True)
def _own_ports(settings):
    settings.LIVEROOM = replace(settings.LIVEROOM, host="here.example.org", rtmp_port=1935, http_port=8000)


@pytest.fixture
def stella(cast):
    return cast.api(cast.stella)


@pytest.fixture
def other(cast) -> Stream:
    return add_stream(room=cast.room, label="screen", by=STAFF, now=clock.now())


def open_jobs() -> list[MediaJob]:
    return list(MediaJob.objects.filter(kind__startswith="relay_", state__in=OPEN_STATES).order_by("pk"))


def test_a_target_is_added_and_its_key_is_never_shown_again(cast, stella):
    answer = stella.post("relays", {"kind": "push", "stream": cast.stream.name, "target": TARGET, "label": "Elsewhere"})
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["target"] == "rtmp://live.example.com/app/…"
    assert (shown["state"], shown["label"], shown["stream"]) == ("waiting", "Elsewhere", cast.stream.name)
    [job] = open_jobs()
    assert (job.stream_id, job.wanted) == (cast.stream.pk, "running")
    everything = str(job.spec) + job.label + job.log + str(list(AuditEntry.objects.values()))
    for text in (answer.content.decode(), stella.get("relays?room=r1").content.decode(), everything):
        assert "abcd" not in text


def test_the_stream_of_a_room_need_not_be_named(cast, stella):
    shown = stella.post("relays", {"kind": "pull", "room": "r1", "source": SOURCE}).json()
    assert shown["stream"] == cast.stream.name
    assert shown["source"].startswith("https://cdn.example.com/show/live.m3u8?")
    assert "0123456789" not in shown["source"]


def test_the_same_request_twice_is_one_relay(cast, stella):
    body = {"kind": "push", "room": "r1", "target": TARGET}
    first = stella.post("relays", body, **{"Idempotency-Key": "k1"})
    assert stella.post("relays", body, **{"Idempotency-Key": "k1"}).json() == first.json()
    assert Relay.objects.count() == 1


def test_who_may(cast):
    body = {"kind": "push", "room": "r1", "target": TARGET}
    for person in (cast.max, cast.mia, cast.zed):
        refused(cast.api(person).post("relays", body), 403)
    refused(cast.api(cast.rita).post("relays", body), 404)
    relay = made_relay(cast)
    assert cast.api(cast.max).get(f"relays/{relay.number}").status_code == 200
    refused(cast.api(cast.mia).get(f"relays/{relay.number}"), 403)
    refused(cast.api(cast.mia).get("relays?room=r1"), 403)
    refused(cast.api(cast.stella).get("relays"), 403)
    refused(cast.api(cast.rita).delete(f"relays/{relay.number}"), 404)
    assert cast.server().get("relays").json()["results"][0]["id"] == relay.number


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "kind", "one of pull, push, file"),
        ({"kind": "mirror"}, "kind", "one of pull, push, file"),
        ({"kind": "push", "target": TARGET, "stream": "../x"}, None, "no stream"),
        ({"kind": "push", "room": "r1"}, "target", "missing"),
        ({"kind": "pull", "room": "r1"}, "source", "missing"),
        ({"kind": "file", "room": "r1"}, "files", "missing"),
        ({"kind": "file", "room": "r1", "files": [], "loop": 1}, "files", "1 to 100"),
        ({"kind": "file", "room": "r1", "files": ["../../etc/passwd"]}, "files", "no file"),
        ({"kind": "file", "room": "r1", "files": ["a"], "loop": -1}, "loop", "0 to 10000"),
        ({"kind": "pull", "room": "r1", "source": SOURCE, "target": TARGET}, "target", "takes source"),
        ({"kind": "push", "target": TARGET}, "stream", "missing"),
        ({"kind": "push", "room": "r1", "target": 5}, "target", "text"),
        ({"kind": "push", "room": "r1", "target": TARGET, "urls": []}, "urls", "has no 'urls'"),
        ({"kind": "push", "room": "r1", "target": "rtmp://live.example.com/app/…"}, "target", "without its key"),
        ({"kind": "push", "room": "r1", "target": "https://live.example.com/x"}, "target", "rtmp"),
        ({"kind": "push", "room": "r1", "target": TARGET, "loop": 2}, "loop", "relays of files"),
        ({"kind": "push", "room": "r1", "target": TARGET, "starts_at": "2001-01-01T00:00:00Z"}, "starts_at", "future"),
        ({"kind": "push", "room": "r1", "target": "x" * 3000}, "target", "2,000"),
        ({"kind": "pull", "room": "r1", "source": "/etc/passwd"}, "source", "address"),
        ({"kind": "pull", "room": "r1", "source": "file:///etc/passwd"}, "source", "file"),
        ({"kind": "pull", "room": "r1", "source": "concat:/etc/passwd|/etc/hosts"}, "source", ""),
        ({"kind": "pull", "room": "r1", "source": "data:text/plain,x"}, "source", ""),
        ({"kind": "pull", "room": "r1", "source": "http://127.0.0.1:9000/x.flv"}, "source", "loopback"),
        ({"kind": "pull", "room": "r1", "source": "http://[::ffff:10.0.0.1]/x.flv"}, "source", ""),
        ({"kind": "pull", "room": "r1", "source": "rtmp://here.example.org/live/nobody"}, "source", "no stream of it"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(cast, stella, body, field, words):
    answer = stella.post("relays", body)
    assert 400 <= answer.status_code < 500, answer.content
    problem = answer.json()
    assert words in problem["detail"], problem
    if field is not None:
        assert problem["field"] == field
    assert not Relay.objects.exists()
    assert not open_jobs()


def test_a_stream_is_not_relayed_to_itself(cast, stella, other):
    me = cast.stream.name
    for source in (f"rtmp://here.example.org/live/{me}?a=1", f"rtmp://127.0.0.1/live/{me}",
                   f"http://here.example.org:8000/live/{me}.flv", f"http://localhost:8000/hls/{me}/1.ts"):  # fmt: skip
        problem = refused(stella.post("relays", {"kind": "pull", "stream": me, "source": source}), 400)
        assert problem["name"] == "relay_loop", problem
    problem = refused(
        stella.post("relays", {"kind": "push", "stream": me, "target": f"rtmp://here.example.org/live/{me}"}), 400
    )
    assert problem["name"] == "relay_loop"


def test_a_circle_of_two_streams_is_refused_and_one_way_is_not(cast, stella, other):
    there = {"kind": "pull", "stream": other.name, "source": f"rtmp://here.example.org/live/{cast.stream.name}?x=1"}
    assert stella.post("relays", there).status_code == 201
    assert Relay.objects.get().own_source == cast.stream
    back = {"kind": "pull", "stream": cast.stream.name, "source": f"rtmp://here.example.org/live/{other.name}"}
    problem = refused(stella.post("relays", back), 400)
    assert problem["name"] == "relay_loop"
    assert other.name in problem["detail"]


def test_a_circle_by_way_of_another_server_is_refused_and_names_no_key(cast, stella, other):
    assert stella.post("relays", {"kind": "push", "stream": cast.stream.name, "target": TARGET}).status_code == 201
    problem = refused(stella.post("relays", {"kind": "pull", "stream": cast.stream.name, "source": TARGET}), 400)
    assert problem["name"] == "relay_loop"
    assert "abcd" not in problem["detail"]
    assert stella.post("relays", {"kind": "pull", "stream": other.name, "source": TARGET}).status_code == 201


def test_another_owners_stream_is_no_source(cast, stella):
    room = create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="zeds", title="Z")
    theirs = Stream.objects.get(room=room)
    body = {"kind": "pull", "stream": cast.stream.name, "source": f"rtmp://here.example.org/live/{theirs.name}?x=1"}
    refused(stella.post("relays", body), 403)


def test_a_stream_goes_to_a_target_once_and_ten_relays_are_all(cast, stella):
    body = {"kind": "push", "room": "r1", "target": TARGET}
    assert stella.post("relays", body).status_code == 201
    assert refused(stella.post("relays", body), 409)["name"] == "relay_twice"
    for number in range(9):
        assert stella.post("relays", {**body, "target": f"{TARGET}{number}"}).status_code == 201
    problem = refused(stella.post("relays", {**body, "target": f"{TARGET}x"}), 409)
    assert (problem["name"], problem["limit"]) == ("too_many_relays", 10)


def test_a_target_is_changed_and_no_other_one_notices(cast, stella):
    first, second = made_relay(cast, "one"), made_relay(cast, "two")
    before = {job.reference: job.spec_serial for job in open_jobs()}
    answer = stella.patch(f"relays/{first.number}", {"target": TARGET})
    assert answer.json()["target"] == "rtmp://live.example.com/app/…"
    after = {job.reference: job.spec_serial for job in open_jobs()}
    assert after == {**before, first.reference: before[first.reference] + 1}
    stella.post(f"relays/{second.number}/restart")
    assert {job.reference: job.spec_serial for job in open_jobs()}[first.reference] == after[first.reference]
    assert stella.patch(f"relays/{second.number}", {"label": "Two"}).json()["label"] == "Two"
    assert {job.reference: job.spec_serial for job in open_jobs()}[second.reference] == before[second.reference] + 1


def test_switched_off_it_rests_and_switched_on_it_is_wanted_again(cast, stella):
    relay = made_relay(cast)
    shown = stella.patch(f"relays/{relay.number}", {"enabled": False}).json()
    assert (shown["state"], shown["reason"], shown["enabled"]) == ("stopped", "Switched off.", False)
    assert open_jobs()[0].wanted == STOPPED
    shown = stella.patch(f"relays/{relay.number}", {"enabled": True}).json()
    assert (shown["state"], shown["reason"]) == ("waiting", "")
    assert open_jobs()[0].wanted == "running"


def test_one_that_is_over_begins_again_when_it_is_restarted(cast, stella):
    relay = made_relay(cast)
    MediaJob.objects.update(state=State.FAILED, ended_at=clock.now())
    note_state(relay_id=relay.pk, state=State.FAILED, now=clock.now(), reason="x")
    assert stella.get(f"relays/{relay.number}").json()["state"] == "failed"
    assert stella.post(f"relays/{relay.number}/restart").json()["state"] == "waiting"
    assert len(open_jobs()) == 1


def test_deleted_it_is_gone_and_its_job_ends(cast, stella):
    relay = made_relay(cast)
    assert stella.delete(f"relays/{relay.number}").status_code == 204
    refused(stella.get(f"relays/{relay.number}"), 404)
    assert open_jobs()[0].wanted == STOPPED


def test_it_may_start_later(cast, stella):
    at = clock.now() + timedelta(hours=1)
    body = {"kind": "pull", "room": "r1", "source": SOURCE, "starts_at": instants.shown(at)}
    assert stella.post("relays", body).json()["starts_at"] == instants.shown(at)
    far = instants.shown(clock.now() + timedelta(days=400))
    assert refused(stella.post("relays", {**body, "starts_at": far}), 400)["limit"] == 365


def test_names_that_try_a_path_are_unknown(cast, stella):
    for number in ("..", "%2e%2e", "l' or 1=1", "L" * 100, "\0"):
        assert stella.get(f"relays/{number}").status_code in (400, 404)


def test_a_show_that_is_ended_by_hand_is_not_begun_again_by_a_relay(cast, stella):
    pull = made_relay(cast, kind="pull", target=None, source=SOURCE)
    push = made_relay(cast)
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    set_status(room=cast.room, status="ended", by=STAFF, now=clock.now())
    pull.refresh_from_db()
    push.refresh_from_db()
    assert (pull.enabled, pull.state, pull.reason) == (False, "stopped", services.ROOM_ENDED)
    assert push.enabled


def test_a_room_that_is_disbanded_ends_its_relays(cast):
    made_relay(cast)
    disband_room(room=cast.room, by=STAFF, now=clock.now())
    assert open_jobs()[0].wanted == STOPPED


@pytest.fixture
def film(cast, settings, tmp_path):
    """A ready film, as an upload leaves it."""
    settings.LIVEROOM = replace(settings.LIVEROOM, data=tmp_path)

    def made(**fields):
        values = {"name": "film.mp4", "size_bytes": 5, "state": "ready", "video_codec": "h264", "audio_codec": "aac",
                  "width": 640, "height": 360, "duration_seconds": 9.0, "created_at": clock.now()}  # fmt: skip
        file = MediaFile.objects.create(**{"app": cast.app, "room": cast.room, **values, **fields})
        folder_of(file.number).mkdir(parents=True)
        film_of(file.number).write_bytes(b"\0\0\0 ftyp")
        return file

    return made


def test_films_are_played_as_live_and_are_kept_while_they_are(cast, stella, film):
    first, second = film(), film()
    body = {"kind": "file", "room": "r1", "files": [first.number, second.number, first.number], "loop": True}
    shown = stella.post("relays", body).json()
    assert (shown["files"], shown["loop"]) == (body["files"], 0)
    assert open_jobs()[0].cores == pytest.approx(0.05)
    assert "plays it" in use_of(first)
    stella.patch(f"relays/{shown['id']}", {"enabled": False})
    assert use_of(first) == ""


def test_films_of_different_kinds_cost_more(cast, stella, film):
    body = {"kind": "file", "room": "r1", "files": [film().number, film(room=cast.room, video_codec="mpeg4").number]}
    assert stella.post("relays", body).status_code == 201
    assert open_jobs()[0].cores == pytest.approx(0.2)


def test_a_film_that_cannot_be_played_is_refused_by_its_name(cast, stella, film):
    for odd in (film(state="uploading"), film(state="refused")):
        problem = refused(
            stella.post("relays", {"kind": "file", "room": "r1", "files": [film().number, odd.number]}), 400
        )
        assert (problem["field"], problem["given"]) == ("files", odd.number)
    room = create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="zeds", title="Z")
    theirs = film(room=room)
    refused(stella.post("relays", {"kind": "file", "room": "r1", "files": [theirs.number]}), 400)


def test_staffs_page_shows_no_key(cast, admin_client):
    relay = made_relay(cast, "abcd-efgh")
    for page in ("/admin/streams/relay/", f"/admin/streams/relay/{relay.pk}/change/", "/admin/streams/mediajob/"):
        answer = admin_client.get(page)
        assert answer.status_code == 200
        assert b"abcd-efgh" not in answer.content
    assert b"rtmp://live.example.com/app/" in admin_client.get(f"/admin/streams/relay/{relay.pk}/change/").content
