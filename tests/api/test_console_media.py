"""The wall and the media page of a room: who sees what, and what the buttons do."""

from __future__ import annotations

import pytest
from django.test import Client

from liveroom.accounts.models import Login
from liveroom.kernel import clock
from streams.jobs import services as jobs
from streams.jobs.kinds import kind_of
from streams.models import MediaHost, MediaJob, Watermark
from streams.plans.models import Rule
from streams.plans.services import make_template
from streams.recording.models import Recording
from streams.relays.models import Relay
from streams.services.publishing import admit_publisher
from tests.helpers import media_worker
from tests.helpers.console import logged_in
from tests.helpers.people import STAFF
from tests.helpers.pushing import push_hook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


@pytest.fixture
def on_air(cast):
    now = clock.now()
    return admit_publisher(hook=push_hook(cast.stream, now=now), now=now)


@pytest.fixture
def max_login(cast) -> Client:
    return logged_in(Login.objects.create(username="max", person=cast.max, is_staff=True))


def page(cast) -> str:
    return f"/admin/rooms/room/{cast.room.pk}/media/"


def act(cast, name: str) -> str:
    return f"/admin/rooms/room/{cast.room.pk}/act/{name}/"


def test_the_wall_shows_what_is_on_air_and_the_hosts_to_staff(cast, on_air, staff, stella, ritas):
    now = clock.now()
    MediaHost.objects.create(
        name="media-1", cores_budget=2, started_at=now, seen_at=now, lease_until=now.replace(year=2099)
    )
    seen = staff.get("/admin/wall/").content.decode()
    assert f'data-stream="{cast.stream.name}"' in seen
    assert "media-1" in seen
    own = stella.get("/admin/wall/").content.decode()
    assert f'data-stream="{cast.stream.name}"' in own
    assert "media-1" not in own


def test_the_wall_of_another_streamer_is_empty(cast, on_air, ritas):
    rita = logged_in(Login.objects.create(username="rita", person=cast.rita, is_staff=True))
    seen = rita.get("/admin/wall/").content.decode()
    assert cast.stream.name not in seen
    assert "Nothing is on air" in seen
    assert rita.get(page(cast)).status_code == 404


def test_the_owner_records_stops_and_deletes(cast, on_air, stella):
    assert stella.get(page(cast)).status_code == 200
    assert stella.post(act(cast, "record"), {"format": "mp4", "split_minutes": "10"}).status_code == 302
    recording = Recording.objects.get()
    assert (recording.format, recording.origin, recording.settings["split_seconds"]) == ("mp4", "hand", 600)
    assert f'data-recording="{recording.number}"' in stella.get(page(cast)).content.decode()
    assert stella.post(act(cast, "stop-recording"), {"number": recording.number}).status_code == 302
    assert not MediaJob.objects.filter(kind="record", wanted="running").exists()
    Recording.objects.update(state="stopped")
    assert stella.post(act(cast, "delete-recording"), {"number": recording.number}).status_code == 302
    assert not Recording.objects.exists()


def test_a_clip_of_what_nobody_records_is_refused_in_words(cast, on_air, stella):
    answer = stella.post(act(cast, "clip"), {"seconds": "30"})
    assert answer.status_code == 409
    assert "Nothing of this room" in answer.content.decode()


def test_a_relay_is_added_shown_without_its_key_started_again_and_deleted(cast, on_air, stella, settings):
    asked = {"kind": "push", "address": "rtmp://93.184.216.34/app/secret-key", "label": "Elsewhere"}
    assert stella.post(act(cast, "add-relay"), asked).status_code == 302
    relay = Relay.objects.get()
    seen = stella.get(page(cast)).content.decode()
    assert "Elsewhere" in seen
    assert "secret-key" not in seen
    assert stella.post(act(cast, "restart-relay"), {"number": relay.number}).status_code == 302
    assert stella.post(act(cast, "delete-relay"), {"number": relay.number}).status_code == 302
    refused = stella.post(act(cast, "add-relay"), {**asked, "address": "rtmp://10.1.2.3/app/x"})
    assert refused.status_code == 400
    assert "LIVEROOM_MEDIA_ALLOW" in refused.content.decode()


def test_a_template_is_bound_to_the_rooms_stream_and_unbound(cast, on_air, stella):
    template = make_template(
        app=cast.app, kind="record", name="Every show", said={"mp4": {}}, by=STAFF, now=clock.now()
    )
    assert "Every show" in stella.get(page(cast)).content.decode()
    assert stella.post(act(cast, "bind-template"), {"kind": "record", "template": str(template.pk)}).status_code == 302
    assert Rule.objects.get().template == template
    stella.post(act(cast, "bind-template"), {"kind": "record", "template": "nothing"})
    assert Rule.objects.get().template is None
    stella.post(act(cast, "bind-template"), {"kind": "record", "template": ""})
    assert not Rule.objects.exists()


def test_a_moderator_looks_and_changes_nothing(cast, on_air, max_login):
    Relay.objects.create(
        app=cast.app, room=cast.room, stream=cast.stream, kind="push", target="rtmp://93.184.216.34/a/b", created_at=clock.now(),
        label="Hidden", since=clock.now(),
    )  # fmt: skip
    seen = max_login.get(page(cast)).content.decode()
    assert "Hidden" not in seen
    assert "act/record/" not in seen
    assert max_login.post(act(cast, "record"), {"format": "mp4"}).status_code == 403
    assert not Recording.objects.exists()


def test_what_runs_is_shown_with_what_it_costs(cast, on_air, stella):
    media_worker.define()
    kind = kind_of("made_up")
    assert kind is not None
    job = jobs.want(
        kind=type(kind), reference="x:1", spec=media_worker.Spec(), app=cast.app, stream=cast.stream, now=clock.now()
    )
    MediaJob.objects.filter(pk=job.pk).update(cpu_seconds=12.34, reason="Waits for CPU.", log="a line <b>")
    seen = stella.get(page(cast)).content.decode()
    assert "12.3 s of CPU" in seen
    assert "Waits for CPU." in seen
    assert "a line &lt;b&gt;" in seen


def test_a_watermark_is_put_moved_and_taken_away(cast, on_air, stella, max_login):
    asked = {"kind": "clock", "text": "not meant", "x_percent": "70.5", "y_percent": "", "opacity": "0.5"}
    assert stella.post(act(cast, "add-watermark"), asked).status_code == 302
    watermark = Watermark.objects.get()
    said = watermark.settings
    assert (said["kind"], said["x_percent"], said["y_percent"], said["opacity"]) == ("clock", 70.5, 2, 0.5)
    seen = stella.get(page(cast)).content.decode()
    assert f'data-watermark="{watermark.number}"' in seen
    assert 'data-x="70.5"' in seen
    assert watermark.number not in max_login.get(page(cast)).content.decode()
    moved = stella.post(act(cast, "move-watermark"), {"number": watermark.number, "x_percent": "3"})
    assert moved.status_code == 302
    assert Watermark.objects.get().settings["x_percent"] == 3
    refused = stella.post(act(cast, "add-watermark"), {"kind": "text", "text": " "})
    assert (refused.status_code, Watermark.objects.count()) == (400, 1)
    assert stella.post(act(cast, "delete-watermark"), {"number": watermark.number}).status_code == 302
    assert not Watermark.objects.exists()
