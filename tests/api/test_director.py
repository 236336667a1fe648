"""The director's desk by REST: prepare, take, cut, sounds, kept overlays, a comment on the picture; what is refused."""

from __future__ import annotations

import pytest

from liveroom.kernel.data.redis import shared
from streams.director.models import KeptOverlay
from streams.director.rules import desk_channel
from streams.media.compositor import wires
from streams.mixes.models import Mix
from tests.helpers.mixes import made_mix

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]

WHOLE = {"x": 0, "y": 0, "width": 100, "height": 100}
THIRD = {"kind": "lower_third", "text": "Stella", "detail": "sings"}


@pytest.fixture
def mix(cast) -> Mix:
    return made_mix(cast, inputs=[{"stream": cast.stream.name}, {"color": "#ff0000", "name": "Red"}])


def desk(cast, mix: Mix, path: str = "") -> str:
    return f"director/{mix.number}{path}"


def test_what_is_prepared_is_taken_and_a_second_take_goes_back(cast, mix):
    stella = cast.api(cast.stella)
    before = stella.get(desk(cast, mix)).json()
    assert (before["preview"], before["told"], before["inputs"][0]["told"]) == (None, None, None)
    refused = stella.post(desk(cast, mix, "/take"), {})
    assert refused.status_code == 400
    prepared = stella.patch(desk(cast, mix, "/preview"), {"layout": [{"input": "2", **WHOLE}]}).json()
    assert prepared["preview"]["places"][0]["input"] == "2"
    assert prepared["programme"]["places"][0]["input"] == "1"
    assert prepared["serial"] > before["serial"]
    taken = stella.post(desk(cast, mix, "/take"), {"transition": "fade", "ms": 800}).json()
    assert taken["programme"]["places"][0]["input"] == "2"
    assert taken["preview"]["places"][0]["input"] == "1"
    assert taken["transition"] == {"kind": "fade", "ms": 800}
    assert stella.post(desk(cast, mix, "/take"), {}).json()["programme"]["places"][0]["input"] == "1"
    anew = stella.put(desk(cast, mix, "/preview"), {"background": "#123456"}).json()["preview"]
    assert (anew["background"]["color"], anew["places"][0]["input"]) == ("#123456", "1")


def test_a_cut_shows_one_input_at_once_and_keeps_what_is_prepared(cast, mix):
    stella = cast.api(cast.stella)
    stella.patch(desk(cast, mix, "/preview"), {"layout": "2"})
    cut = stella.post(desk(cast, mix, "/cut"), {"input": "2"}).json()
    assert [place["input"] for place in cut["programme"]["places"]] == ["2"]
    assert len(cut["preview"]["places"]) == 2
    wrong = stella.post(desk(cast, mix, "/cut"), {"input": "9"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "input")
    assert "it has 1, 2" in wrong.json()["detail"]


def test_sounds_are_changed_for_one_input_and_for_all(cast, mix):
    stella = cast.api(cast.stella)
    said = {"inputs": {"1": {"gain_db": -12.5, "muted": True, "duck": True}}, "master_db": 3}
    found = stella.patch(desk(cast, mix, "/audio"), said).json()
    assert (found["inputs"][0]["gain_db"], found["inputs"][0]["muted"], found["master_db"]) == (-12.5, True, 3)
    for wrong in ({}, {"inputs": {"9": {"muted": True}}}, {"master_db": 99}, {"louder": True}):
        assert stella.patch(desk(cast, mix, "/audio"), wrong).status_code == 400


def test_an_overlay_is_kept_shown_changed_where_it_is_shown_and_removed(cast, mix):
    stella = cast.api(cast.stella)
    answer = stella.post(desk(cast, mix, "/overlays"), {**THIRD, "on_preview": True})
    assert answer.status_code == 201
    (kept,) = answer.json()["overlays"]
    assert (kept["id"], kept["on_preview"], kept["on_programme"]) == ("lower_third-1", True, False)
    found = stella.patch(desk(cast, mix, f"/overlays/{kept['id']}"), {"text": "Mia", "on_programme": True}).json()
    for look in ("preview", "programme"):
        assert [one["text"] for one in found[look]["overlays"]] == ["Mia"]
    hidden = stella.patch(
        desk(cast, mix, f"/overlays/{kept['id']}"), {"on_preview": False, "on_programme": False}
    ).json()
    assert (hidden["preview"]["overlays"], hidden["programme"]["overlays"]) == ([], [])
    assert hidden["overlays"][0]["text"] == "Mia"
    assert stella.delete(desk(cast, mix, f"/overlays/{kept['id']}")).status_code == 204
    assert stella.get(desk(cast, mix)).json()["overlays"] == []
    assert stella.delete(desk(cast, mix, f"/overlays/{kept['id']}")).status_code == 404


def test_an_overlay_that_came_by_the_mix_is_the_desks_too(cast, mix):
    stella = cast.api(cast.stella)
    stella.patch(f"mixes/{mix.number}", {"overlays": [{"id": "clock", "kind": "clock"}]})
    (found,) = stella.get(desk(cast, mix)).json()["overlays"]
    assert (found["id"], found["on_programme"]) == ("clock", True)
    assert stella.patch(desk(cast, mix, "/overlays/clock"), {"zone": "Europe/Berlin"}).status_code == 200
    assert KeptOverlay.objects.get().ident == "clock"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "lower_third", "text": "x" * 301}, "text"),
        ({"kind": "magic"}, "kind"),
        ({**THIRD, "x": 101}, "x"),
        ({**THIRD, "on_preview": 1}, "on_preview"),
        ({**THIRD, "loud": 1}, "loud"),
        ({**THIRD, "id": "picked-comment"}, "id"),
        ({"kind": "image"}, "image"),
    ],
)
def test_a_wrong_overlay_is_refused_and_its_field_named(cast, mix, body, field):
    answer = cast.api(cast.stella).post(desk(cast, mix, "/overlays"), body)
    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.content
    assert not KeptOverlay.objects.exists()


def test_one_comment_of_the_room_is_put_on_the_picture(cast, mix):
    stella = cast.api(cast.stella)
    said = cast.api(cast.mia).post("rooms/r1/messages", {"text": "hello <b>"}).json()
    shown = stella.post(desk(cast, mix, "/comment"), {"seq": said["seq"]}).json()
    (one,) = shown["programme"]["overlays"]
    assert (one["kind"], one["text"]) == ("comment", "hello <b>")
    assert one["detail"]
    assert shown["overlays"] == []
    other = stella.post(desk(cast, mix, "/comment"), {"text": "Thank you all", "nick": "Stella"}).json()
    assert [one["text"] for one in other["programme"]["overlays"]] == ["Thank you all"]
    assert stella.delete(desk(cast, mix, "/comment")).status_code == 204
    assert stella.get(desk(cast, mix)).json()["programme"]["overlays"] == []
    assert stella.post(desk(cast, mix, "/comment"), {"seq": 999}).status_code == 404
    assert stella.post(desk(cast, mix, "/comment"), {}).status_code == 400
    assert stella.post(desk(cast, mix, "/comment"), {"seq": 1, "text": "both"}).status_code == 400


def test_admins_look_strangers_do_not_and_only_the_owner_changes(cast, mix, ritas):
    assert cast.api(cast.max).get(desk(cast, mix)).status_code == 200
    assert cast.api(cast.max).post(desk(cast, mix, "/cut"), {"input": "1"}).status_code == 403
    assert cast.api(cast.mia).get(desk(cast, mix)).status_code == 403
    assert cast.api(cast.rita).get(desk(cast, mix)).status_code == 404
    assert cast.server().get(desk(cast, mix)).status_code == 200


def test_how_inputs_are_is_heard_from_the_compositor(cast, mix, monkeypatch):
    told = wires.Told(serial=1, ms=4.5, inputs=(wires.InputTold(id="1", state="lost", why="it ended", black=3),))
    monkeypatch.setattr("streams.director.selectors.told_now", lambda mix: told)
    monkeypatch.setattr("streams.mixes.selectors._state", lambda mix, job: ("running", ""))
    found = cast.api(cast.stella).get(desk(cast, mix)).json()
    assert (found["told"]["ms"], found["inputs"][0]["told"]["state"], found["inputs"][0]["told"]["black"]) == (
        4.5,
        "lost",
        3,
    )
    assert found["inputs"][1]["told"] is None
    assert cast.api(cast.stella).get(desk(cast, mix, "?meters=false")).json()["told"] is None
    assert found["live"]["url"].startswith("http")


def test_desks_are_told_of_what_changes_no_picture(cast, mix, django_capture_on_commit_callbacks):
    with shared().pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(desk_channel(mix.number))
        heard.get_message(timeout=1)
        with django_capture_on_commit_callbacks(execute=True):
            cast.api(cast.stella).post(desk(cast, mix, "/overlays"), THIRD)
        assert heard.get_message(timeout=1) is not None


def test_a_comment_on_the_picture_stays_over_a_take_and_does_not_come_back(cast, mix):
    stella = cast.api(cast.stella)
    stella.patch(desk(cast, mix, "/preview"), {"layout": [{"input": "2", **WHOLE}]})
    stella.post(desk(cast, mix, "/comment"), {"text": "hello", "nick": "Mia"})
    taken = stella.post(desk(cast, mix, "/take"), {}).json()
    assert [one["text"] for one in taken["programme"]["overlays"]] == ["hello"]
    assert taken["preview"]["overlays"] == []
    stella.delete(desk(cast, mix, "/comment"))
    assert stella.post(desk(cast, mix, "/take"), {}).json()["programme"]["overlays"] == []
