"""Recordings and clips over REST: who may, what is refused and why, what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from liveroom.kernel import clock
from tests.helpers.people import Cast
from tests.helpers.problems import given, refused
from tests.helpers.recordings import a_clip, being_recorded, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


def test_the_owner_starts_lists_and_stops_a_recording(cast: Cast):
    stella = cast.api(cast.stella)
    made = given(stella.post("recordings", {"stream": cast.stream.name, "format": "flv", "split_seconds": 60}), 201)
    assert (made["state"], made["format"], made["origin"], made["room"], made["url"]) == (
        "waiting", "flv", "hand", "r1", None,
    )  # fmt: skip
    [listed] = given(stella.get("recordings?room=r1&state=open&stream=" + cast.stream.name))["results"]
    assert listed["id"] == made["id"]
    assert given(stella.get("recordings?room=r1&state=done"))["results"] == []
    assert given(stella.post(f"recordings/{made['id']}/stop"))["id"] == made["id"]
    assert given(cast.server().get("recordings"))["results"]


def test_the_same_key_starts_it_once(cast: Cast):
    body = {"stream": cast.stream.name}
    first, again = (given(cast.server().post("recordings", body, **{"Idempotency-Key": "k1"}), 201) for _ in range(2))
    assert first == again
    assert len(given(cast.server().get("recordings"))["results"]) == 1


def test_admins_look_and_viewers_find_nothing(cast: Cast):
    number = recorded(cast.room).number
    shown = given(cast.api(cast.max).get(f"recordings/{number}"))
    assert shown["url"].split("?")[0].endswith("/recordings/r1/1.mp4")
    assert "/vault/" in shown["play_url"]
    refused(cast.api(cast.max).delete(f"recordings/{number}"), 403)
    for person in (cast.mia, cast.zed):
        refused(cast.api(person).get(f"recordings/{number}"), 403)
        refused(cast.api(person).get("recordings?room=r1"), 403)
        refused(cast.api(person).post("recordings", {"stream": cast.stream.name}), 403)
    refused(cast.api(cast.rita).get(f"recordings/{number}"), 404)
    refused(cast.api(cast.stella).get("recordings"), 403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "avi"}, "format"),
        ({"format": 5}, "format"),
        ({"split_seconds": 5}, "split_seconds"),
        ({"split_seconds": 43_201}, "split_seconds"),
        ({"split_seconds": "60"}, "split_seconds"),
        ({"split_bytes": 10}, "split_bytes"),
        ({"flow_continue_seconds": -1}, "flow_continue_seconds"),
        ({"storage_seconds": 10**12}, "storage_seconds"),
        ({"playback": "yes"}, "playback"),
        ({"until": "yesterday"}, "until"),
        ({"until": "2001-01-01T00:00:00Z"}, "until"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(cast: Cast, body: dict[str, Any], field: str):
    said = refused(cast.api(cast.stella).post("recordings", {"stream": cast.stream.name, **body}), 400)
    assert said["field"] == field


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a/b", "s%2e%2e", "nobody", "", "x" * 500, "C:\\x"])
def test_names_that_try_a_path_are_names_of_nothing(cast: Cast, name: str):
    stella = cast.api(cast.stella)
    assert stella.post("recordings", {"stream": name}).status_code in (400, 404)
    assert stella.get(f"recordings/{name.replace('/', '%2f') or 'x'}").status_code in (400, 404)
    assert stella.get("recordings", {"room": "r1", "stream": name}).status_code in (200, 400)


def test_clips_are_refused_for_what_is_wrong_with_them(cast: Cast):
    stella = cast.api(cast.stella)
    assert refused(stella.post("rooms/r1/clips", {"seconds": 5}), 409)["name"] == "nothing_recorded"
    number = being_recorded(cast.room, now=clock.now()).number
    for seconds in (0, -5, 601, "5", None):
        assert refused(stella.post("rooms/r1/clips", {"seconds": seconds}), 400)["field"] == "seconds"
    made = given(stella.post("rooms/r1/clips", {"seconds": 5, "title": "../x"}), 201)
    assert (made["state"], made["recording"], made["url"]) == ("waiting", number, None)
    for body in ({"from_seconds": 9, "to_seconds": 9}, {"from_seconds": 0, "to_seconds": 900}):
        assert refused(stella.post(f"recordings/{number}/clips", body), 400)["field"] == "to_seconds"
    refused(cast.api(cast.mia).post("rooms/r1/clips", {"seconds": 5}), 403)


def test_a_clip_is_shown_with_addresses_and_deleted(cast: Cast):
    clip = a_clip(recorded(cast.room), now=clock.now())
    shown = given(cast.api(cast.max).get(f"clips/{clip.number}"))
    assert "/vault/" in shown["play_url"]
    assert f"clip-{clip.number}.mp4" in shown["url"]
    assert [one["id"] for one in given(cast.api(cast.max).get("rooms/r1/clips"))["results"]] == [clip.number]
    assert cast.api(cast.stella).delete(f"clips/{clip.number}").status_code == 204
    refused(cast.api(cast.stella).get(f"clips/{clip.number}"), 404)
    refused(cast.api(cast.mia).get("rooms/r1/clips"), 403)


def test_chapters_by_hand(cast: Cast):
    stella, number = cast.api(cast.stella), recorded(cast.room).number
    made = given(stella.post(f"recordings/{number}/chapters", {"seconds": 12.5, "title": "the song"}), 201)
    assert given(stella.get(f"recordings/{number}"))["chapters"] == [made]
    assert (
        refused(stella.post(f"recordings/{number}/chapters", {"seconds": 999, "title": "x"}), 400)["field"] == "seconds"
    )
    assert refused(stella.post(f"recordings/{number}/chapters", {"seconds": 1, "title": " "}), 400)["field"] == "title"
    assert stella.delete(f"recordings/{number}/chapters/{made['id']}").status_code == 204
    refused(stella.delete(f"recordings/{number}/chapters/{made['id']}"), 404)


def test_staff_looks_at_recordings_and_does_what_may_be_done(cast: Cast, staff: Client):
    running, done = being_recorded(cast.room, now=clock.now()), recorded(cast.room)
    clip = a_clip(done, now=clock.now())
    pages = "/admin/streams/recording/"
    assert running.number in staff.get(pages).content.decode()
    page = staff.get(f"{pages}{done.pk}/change/").content.decode()
    assert "<video" in page
    assert "/vault/" in page
    assert staff.get(f"{pages}{running.pk}/change/").status_code == 200
    answer = staff.post(f"{pages}{done.pk}/act/clip/", {"from_seconds": "1", "to_seconds": "3", "title": "x"})
    assert answer.status_code == 302
    assert staff.post(f"{pages}{running.pk}/act/stop/").status_code == 302
    assert staff.post(f"{pages}{running.pk}/act/delete/").status_code in (200, 302, 409)
    assert clip.number in staff.get("/admin/streams/clip/").content.decode()
    assert staff.get(f"/admin/streams/clip/{clip.pk}/change/").status_code == 200
