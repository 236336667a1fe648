"""The director's desk in the console: who opens it, starting and ending a mix by buttons; what the wall marks, and its video."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client

from liveroom.accounts.models import Login
from liveroom.console.media.wall import marked
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from streams.mixes.models import Mix
from streams.models import Publish
from streams.services.health import Health, Wrong
from streams.services.publishing import admit_publisher
from tests.helpers.console import act, logged_in
from tests.helpers.mixes import made_mix
from tests.helpers.pushing import push_hook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


def desk(cast, mix: Mix) -> str:
    return f"/admin/rooms/room/{cast.room.pk}/director/{mix.number}/"


def about(client: Client, url: str) -> dict:
    found = re.search(r'id="desk-about" type="application/json">(.*?)</script>', client.get(url).content.decode())
    assert found
    return json.loads(found[1])


def test_the_owner_opens_the_desk_with_all_that_it_needs(cast, stella):
    mix = made_mix(cast, inputs=[{"stream": cast.stream.name, "name": "</script><b>Stella"}])
    answer = stella.get(desk(cast, mix))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "</script><b>Stella" not in answer.content.decode()
    found = about(stella, desk(cast, mix))
    assert found["state"]["inputs"][0]["name"] == "</script><b>Stella"
    assert {one["name"] for one in found["layouts"]} >= {"1", "9", "picture-in-picture"}
    assert found["room"]["usersig"]
    assert found["choices"][0]["options"]


def test_admins_look_on_others_find_nothing(cast, staff, ritas):
    mix = made_mix(cast)
    moderator = logged_in(Login.objects.create(username="max", person=cast.max, is_staff=True))
    assert about(moderator, desk(cast, mix))["choices"] == []
    assert "End the mix" not in moderator.get(desk(cast, mix)).content.decode()
    rita = logged_in(Login.objects.create(username="rita", person=cast.rita, is_staff=True))
    assert rita.get(desk(cast, mix)).status_code == 404
    assert staff.get(desk(cast, mix)).status_code == 200
    assert about(staff, desk(cast, mix))["room"]["usersig"] == ""
    assert staff.get(desk(cast, mix).replace(mix.number, "xnothing")).status_code == 404


def test_a_mix_is_started_taken_off_the_programme_and_ended_by_buttons(cast, stella):
    media = f"/admin/rooms/room/{cast.room.pk}/media/"
    assert "Open the director's desk" in stella.get(media).content.decode().replace("&#x27;", "'")
    refused = stella.post(act(cast.room, "start-mix"), {"size": "1280x720"})
    assert refused.status_code == 400
    assert "Choose what the mix shows" in refused.content.decode()
    said = {"sources": [f"stream:{cast.stream.name}", "color:#1d3557"], "size": "1280x720@50", "programme": "on"}
    answer = stella.post(act(cast.room, "start-mix"), said)
    mix = Mix.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, desk(cast, mix))
    scene = mix.said_scene()
    assert (len(scene.inputs), len(scene.programme.places), scene.fps, mix.stream.wants_programme) == (2, 2, 50, True)
    assert f'data-mix="{mix.number}"' in stella.get(media).content.decode()
    assert stella.post(act(cast.room, "aside-mix"), {"number": mix.number}).status_code == 302
    mix.stream.refresh_from_db()
    assert mix.stream.wants_programme is False
    assert stella.post(act(cast.room, "end-mix"), {"number": mix.number}).status_code == 302
    mix.refresh_from_db()
    assert mix.is_over


def test_the_wall_shows_troubles_first_and_keeps_what_was_lost(cast, staff):
    now = clock.now()
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    assert 'data-mark="well">1 well' in staff.get("/admin/wall/").content.decode()
    Publish.objects.update(started_at=now - timedelta(minutes=5))
    assert 'data-mark="lost">1 lost' in staff.get("/admin/wall/").content.decode()
    Publish.objects.update(ended_at=now)
    Room.objects.filter(pk=cast.room.pk).update(status="live")
    seen = staff.get("/admin/wall/").content.decode()
    assert "its publisher is gone" in seen
    Publish.objects.update(ended_at=now - timedelta(minutes=3))
    assert "Nothing is on air" in staff.get("/admin/wall/").content.decode()


def test_the_worst_trouble_marks_a_stream(cast):
    now = clock.now()
    wrong = tuple(Wrong(trouble=word, since="", text="") for word in ("silent", "black"))
    assert marked(Health(on_air=True, bitrate_kbps=900, troubles=wrong), now=now) == "black"
    assert marked(Health(on_air=True, bitrate_kbps=900), now=now) == ""
    assert marked(Health(on_air=True, since=now.isoformat()), now=now) == ""
    assert marked(Health(on_air=False), now=now) == "lost"


def test_staff_make_the_wall_a_video_and_streamers_do_not(cast, staff, stella):
    now = clock.now()
    admit_publisher(hook=push_hook(cast.stream, now=now), now=now)
    assert "Make it a video" in staff.get("/admin/wall/").content.decode()
    assert "Make it a video" not in stella.get("/admin/wall/").content.decode()
    stella.post("/admin/wall/", {"room": cast.room.pk})
    assert not Mix.objects.exists()
    assert staff.post("/admin/wall/", {"room": "nobody"}).status_code == 400
    answer = staff.post("/admin/wall/", {"room": cast.room.pk})
    mix = Mix.objects.get()
    assert (answer.status_code, answer["Location"], mix.follows) == (302, desk(cast, mix), "app")
    assert desk(cast, mix) in staff.get("/admin/wall/").content.decode()
