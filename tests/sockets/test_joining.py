"""Coming in: who gets which answer, and what it holds."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.test import Client

from liveroom.accounts.rules import usersig
from liveroom.kernel import clock
from liveroom.rooms.services import people, rooms
from liveroom.rooms.services.attributes import write_attributes
from tests.helpers.people import STAFF
from tests.helpers.sockets import calling, tell


def test_the_snapshot_says_everything_at_once(cast, watching):
    rooms.change_room(
        room=cast.room, changes={"notice": "Be kind", "tags": ["music"]}, by=cast.actor(cast.stella), now=clock.now()
    )
    write_attributes(room=cast.room, values={"pk": "on"}, replace=False, by=STAFF, now=clock.now())
    tell()
    with watching(cast.mia) as phone:
        shown = phone.snapshot
    assert shown["room"] | {"status_at": 0} == {
        "id": "r1", "sdkappid": cast.app.sdkappid, "status": "to_be_started", "status_at": 0, "starts_at": None, "session": None,
        "title": "Stella's room", "notice": "Be kind", "introduction": "", "category": "", "tags": ["music"], "cover": "",
        "attributes": {"pk": {"value": "on", "version": 1}, "status": {"value": "to_be_started", "version": 0}},
        "attributes_version": 1, "version": 3,
        "owner": {"id": "stella", "nick": "Stella", "avatar": "", "level": 0, "followers": 0, "is_following": False},
    }  # fmt: skip
    assert shown["me"] == {
        "id": "mia", "nick": "Mia", "avatar": "", "level": 0, "role": "member", "guest": False, "muted_until": None,
        "muted": False, "muted_all": False,
    }  # fmt: skip
    assert shown["history"] == []
    assert shown["limits"] == {"text_bytes": 8192, "history": 20, "messages_per_second": 40}
    assert abs(shown["server_time"] - clock.now_ms()) < 10_000
    assert shown["seq"] == 4  # max's role, the notice, the tags, the attribute
    assert shown["epoch"]
    assert shown["play"]["flv"].endswith(f"/live/{cast.stream.name}.flv?" + shown["play"]["flv"].partition("?")[2])
    assert set(shown) == {
        "room", "me", "play", "limits", "online", "likes", "history", "pinned", "polls", "draws", "server_time", "epoch", "seq",
    }  # fmt: skip


@pytest.mark.parametrize(("who", "role"), [("stella", "owner"), ("max", "admin"), ("mia", "member"), (None, "guest")])
def test_everybody_learns_its_role(cast, watching, who, role):
    with watching(getattr(cast, who) if who else None) as phone:
        assert phone.snapshot["me"]["role"] == role
        assert phone.snapshot["me"]["guest"] == (who is None)


def test_a_room_that_is_not_there(cast, calls):
    with calls(cast.mia) as phone:
        assert phone.joins("r2")["error"]["code"] == 10010
        assert phone.joins("r/2")["error"]["code"] == 10015
        assert phone.joins("")["error"]["code"] == 10015
        assert phone.joins("é" * 48)["error"]["code"] == 10015
        assert phone.joins("r1")["ok"]


def test_a_room_of_another_app_is_not_there(cast, calls):
    with calls(cast.rita) as phone:
        assert phone.joins("r1")["error"]["code"] == 10010


def test_a_room_with_a_password(cast, calls):
    rooms.change_access(room=cast.room, password="sesame", by=STAFF, now=clock.now())
    with calls(cast.mia) as phone:
        assert phone.joins("r1")["error"]["name"] == "password_needed"
        assert phone.joins("r1", password="simsalabim")["error"]["name"] == "password_needed"
        assert phone.joins("r1", password=5)["error"]["code"] == 10004
        assert phone.joins("r1", password="sesame")["ok"]
        assert "vid=" in phone.snapshot["play"]["hls"]
        assert "vsig=" in phone.snapshot["play"]["rtmp"]
    with calls(cast.max) as phone:
        assert phone.joins("r1")["ok"]


def test_a_crowd_of_one_address_comes_into_a_room_with_a_password(cast, calls):
    """Who knows it is no guesser, however many they are; and what was proven once is not proven again."""
    rooms.change_access(room=cast.room, password="sesame", by=STAFF, now=clock.now())
    with ExitStack() as stack:
        phones = [stack.enter_context(calls(None)) for _ in range(40)]
        for n, phone in enumerate(phones):
            phone.send(json.dumps({"id": 900 + n, "type": "join", "room": "r1", "password": "sesame"}))
        assert all(phone.answers(900 + n)["ok"] for n, phone in enumerate(phones))
    rooms.change_access(room=cast.room, password="open!", by=STAFF, now=clock.now())
    with calls(None) as phone:
        assert phone.joins("r1", password="sesame")["error"]["name"] == "password_needed"
        assert phone.joins("r1", password="open!")["ok"]


def test_after_ten_wrong_guesses_none_is_looked_at(cast, calls):
    """Not even the right one: nobody is told which that was."""
    rooms.change_access(room=cast.room, password="sesame", by=STAFF, now=clock.now())
    with calls(cast.mia) as phone, calls(cast.max) as max_:
        while time.time() % 60 > 50:  # the window is a minute by the clock
            time.sleep(0.5)
        for n in range(10):
            assert phone.joins("r1", password=f"guess {n % 3}")["error"]["name"] == "password_needed"
        error = phone.joins("r1", password="sesame")["error"]
        assert (error["code"], error["name"]) == (60018, "too_often")
        assert 0 < error["retry_after_ms"] <= 60_000
        assert max_.joins("r1")["ok"], "admins need none"


def test_a_room_with_an_allow_list(cast, calls):
    people.set_allow_list(room=cast.room, identifiers=["mia"], by=STAFF, now=clock.now())
    rooms.change_access(room=cast.room, allow_list_only=True, by=STAFF, now=clock.now())
    for person, allowed in ((cast.mia, True), (cast.zed, False), (None, False)):
        with calls(person) as phone:
            answer = phone.joins("r1")
            assert answer["ok"] is allowed
            assert allowed or answer["error"]["name"] == "not_on_the_list"


def test_a_socket_is_in_one_room_at_a_time(cast, calls):
    rooms.create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="r2", title="Two")
    with calls(cast.mia) as phone:
        assert phone.joins("r1")["ok"]
        answer = phone.joins("r2")
        assert answer["ok"], answer
        assert phone.says("hi", room="r1")["error"]["name"] == "not_in_room"
        answer = phone.says("hi", room="r2")
        assert answer["ok"], answer
        assert phone.hears("comment")["text"] == "hi"
        assert phone.asks("leave", room="r2")["ok"]
        assert phone.says("hi")["error"]["name"] == "not_in_room"
        assert phone.asks("leave")["error"]["name"] == "not_in_room"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda sig: sig[:-10], "mangled"),
        (lambda sig: "junk", "mangled"),
        (lambda sig: "%00%ff", "mangled"),
    ],
)
def test_a_bad_token_hears_why_and_is_hung_up_on(cast, sockets, spoil, reason):
    with calling(sockets.url, query="usersig=" + spoil(cast.usersig(cast.mia))) as phone:
        assert phone.is_hung_up() == 4101
        assert phone.farewell["reason"] == reason
        assert phone.farewell["reconnect"] is False
        assert phone.farewell["message"]


def test_a_token_of_a_stranger_s_key_or_of_yesterday_is_refused(cast, sockets):
    said = {"identifier": "mia", "sdkappid": cast.app.sdkappid, "expire_seconds": 60}
    forged = usersig.make(key="guess", now=clock.now(), **said)
    expired = usersig.make(key=cast.app.secret_key, now=clock.now() - timedelta(days=1), **said)
    for sig, reason in ((forged, "wrong_signature"), (expired, "expired")):
        with calling(sockets.url, usersig=sig) as phone:
            assert phone.is_hung_up() == 4101
            assert phone.farewell["reason"] == reason


def test_the_token_may_stand_in_the_subprotocol(cast, sockets):
    with calling(sockets.url, subprotocols=["liveroom.v1", cast.usersig(cast.mia)]) as phone:
        assert phone.socket.subprotocol == "liveroom.v1"
        assert phone.joins("r1")["ok"]
        assert phone.snapshot["me"]["id"] == "mia"


def test_the_port_tells_plain_http_what_it_is(sockets):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{sockets.port}/")
    assert refused.value.code == 426


def test_rest_and_socket_show_the_same_room(cast, watching):
    with watching(cast.mia) as phone:
        rest = Client().get("/api/v1/rooms/r1", {"sdkappid": cast.app.sdkappid}).json()
        shown = phone.snapshot["room"]
        for of_snapshots in ("followers", "is_following"):
            del shown["owner"][of_snapshots]
        assert {key: rest[key] for key in ("id", "status", "title", "notice", "tags", "owner")} == {
            key: shown[key] for key in ("id", "status", "title", "notice", "tags", "owner")
        }
