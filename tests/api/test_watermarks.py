"""Watermarks over REST: what is taken, what is refused in words, and to whom they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from streams.files.models import MediaFile
from streams.models import Watermark
from tests.helpers.mixes import made_mix
from tests.helpers.people import Cast
from tests.helpers.plans import make_template
from tests.helpers.relays import made_relay
from tests.helpers.watermarks import made_watermark

pytestmark = pytest.mark.django_db


def post(cast: Cast, **body: Any) -> Any:
    return cast.api(cast.stella).post("watermarks", body)


def test_a_watermark_is_made_moved_listed_and_taken_away(cast: Cast):
    stella = cast.api(cast.stella)
    made = post(cast, stream=cast.stream.name, kind="text", text="直播 LIVE 😀", x_percent=70)
    assert made.status_code == 201, made.content
    said = made.json()
    assert (said["stream"], said["room"], said["state"]) == (cast.stream.name, "r1", "waiting")
    assert (said["x_percent"], said["opacity"], said["recordings"]) == (70, 1, True)
    one = f"watermarks/{said['id']}"
    moved = stella.patch(one, {"x_percent": 3.5, "kind": "scrolling"})
    assert (moved.json()["x_percent"], moved.json()["kind"], moved.json()["text"]) == (3.5, "scrolling", "直播 LIVE 😀")
    for query in ("room=r1", f"stream={cast.stream.name}"):
        assert [row["id"] for row in stella.get(f"watermarks?{query}").json()["results"]] == [said["id"]]
    assert stella.delete(one).status_code == 204
    assert stella.get(one).status_code == 404


def test_a_mix_a_relay_and_a_rule_have_their_own(cast: Cast):
    mix = made_mix(cast)
    assert post(cast, mix=mix.number, kind="clock").json()["mix"] == mix.number
    rule = make_template(cast, "record", own=True).rules.get()
    relay = made_relay(cast)
    assert post(cast, relay=relay.number, kind="invisible").json()["relay"] == relay.number
    assert post(cast, recording_rule=rule.pk, kind="clock", zone="Asia/Shanghai").json()["recording_rule"] == rule.pk
    of_the_app = make_template(cast, "record", name="all")
    wide = cast.server().post("rules", {"kind": "record", "template": of_the_app.pk, "app": True}).json()["id"]
    assert post(cast, recording_rule=wide, kind="clock").status_code == 403
    made = cast.server().post("watermarks", {"recording_rule": wide, "kind": "clock"})
    assert (made.status_code, made.json()["room"]) == (201, None)
    assert cast.api(cast.stella).get(f"watermarks/{made.json()['id']}").status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "stream"),
        ({"stream": "S", "relay": "l1", "kind": "clock"}, "relay"),
        ({"stream": "S"}, "kind"),
        ({"stream": "S", "kind": "hologram"}, "kind"),
        ({"stream": "S", "kind": "text"}, "settings"),
        ({"stream": "S", "kind": "clock", "text": "odd"}, "settings"),
        ({"stream": "S", "kind": "text", "text": "a\nb"}, "settings"),
        ({"stream": "S", "kind": "text", "text": "x" * 201}, "text"),
        ({"stream": "S", "kind": "clock", "zone": "../../etc/passwd"}, "settings"),
        ({"stream": "S", "kind": "clock", "x_percent": 101}, "x_percent"),
        ({"stream": "S", "kind": "clock", "y_percent": -1}, "y_percent"),
        ({"stream": "S", "kind": "clock", "x_percent": "5"}, "x_percent"),
        ({"stream": "S", "kind": "clock", "height_percent": 0}, "height_percent"),
        ({"stream": "S", "kind": "clock", "opacity": 1.5}, "opacity"),
        ({"stream": "S", "kind": "clock", "color": "red"}, "color"),
        ({"stream": "S", "kind": "clock", "shows": "%n%n"}, "shows"),
        ({"stream": "S", "kind": "clock", "required": 1}, "required"),
        ({"stream": "S", "kind": "clock", "nonsense": 1}, "nonsense"),
        ({"stream": "S", "kind": "image", "image": "fnothere"}, "image"),
        ({"stream": "S", "kind": "image", "image": "../../etc/passwd"}, "image"),
        ({"stream": "S", "kind": "image", "image": "\u0000"}, "image"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(cast: Cast, body: dict[str, Any], field: str):
    body = {**body, "stream": cast.stream.name} if body.get("stream") else body
    refused = post(cast, **body)
    assert refused.status_code == 400, refused.content
    assert refused.json()["field"] == field
    assert not Watermark.objects.exists()


def test_what_is_not_here_is_not_found(cast: Cast):
    for body in ({"stream": "snothere"}, {"relay": "lnothere"}, {"recording_rule": 77}, {"recording_rule": "x"}):
        assert post(cast, **body, kind="clock").status_code == 404, body
    assert cast.api(cast.stella).patch("watermarks/wnothere", {"x_percent": 1}).status_code == 404
    assert cast.api(cast.stella).get("watermarks/%00").status_code == 404


def test_a_film_is_no_watermark(cast: Cast):
    film = MediaFile.objects.create(
        app=cast.app,
        room=cast.room,
        name="a",
        state="ready",
        size_bytes=1,
        container="mp4",
        created_at=cast.room.created_at,
    )
    refused = post(cast, stream=cast.stream.name, kind="image", image=film.number)
    assert (refused.status_code, refused.json()["field"]) == (400, "image")


def test_the_target_stays_and_a_change_is_as_strict(cast: Cast):
    one = f"watermarks/{made_watermark(cast).number}"
    stella = cast.api(cast.stella)
    assert stella.patch(one, {"stream": cast.stream.name}).json()["field"] == "stream"
    assert stella.patch(one, {"kind": "image"}).status_code == 400
    assert stella.patch(one, {"text": ""}).status_code == 400
    assert stella.patch(one, {}).status_code == 200
    assert stella.patch(one, {"kind": "invisible", "text": ""}).status_code == 200


def test_a_relay_that_brings_pictures_in_has_none(cast: Cast):
    relay = made_relay(cast, kind="pull", target=None, source="rtmp://live.example.com/app/in")
    refused = post(cast, relay=relay.number, kind="clock")
    assert (refused.status_code, refused.json()["field"]) == (400, "relay")


def test_another_apps_stream_is_unknown_and_a_viewer_may_nothing(cast: Cast):
    made = made_watermark(cast)
    mia = cast.api(cast.mia)
    assert mia.post("watermarks", {"stream": cast.stream.name, "kind": "clock"}).status_code == 403
    assert mia.get(f"watermarks/{made.number}").status_code == 403
    assert mia.patch(f"watermarks/{made.number}", {"x_percent": 1}).status_code == 403
    assert mia.delete(f"watermarks/{made.number}").status_code == 403
    assert Watermark.objects.count() == 1


def test_plans_of_the_kind_watermark_act(cast: Cast):
    make_template(cast, "watermark", own=True)
    plans = cast.api(cast.stella).get(f"streams/{cast.stream.name}/plans").json()["plans"]
    assert next(plan["acts"] for plan in plans if plan["kind"] == "watermark")
