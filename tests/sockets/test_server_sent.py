"""A room's events as server-sent events: the same classes in another dialect, with the same promises."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from interactions import catalogue
from interactions.delivery.events import as_row, encoded
from interactions.socket.listening import server_sent
from liveroom.kernel import clock
from liveroom.rooms.services import rooms
from moderation.services import banning
from tests.helpers.event_source import EventSource, listening
from tests.helpers.made_up import Numbered, numbered
from tests.helpers.people import STAFF
from tests.helpers.sockets import SocketProcess, tell

Listens = Callable[..., AbstractContextManager[EventSource]]


@pytest.fixture
def listens(sockets, cast) -> Listens:
    """`with listens(cast.mia) as source`; None: a guest."""

    def listens(person: Any = None, *, room: str = "r1", **headers: str) -> AbstractContextManager[EventSource]:
        if person is not None:
            headers["Authorization"] = f"Bearer {cast.usersig(person)}"
        return listening(sockets.port, room, query=f"sdkappid={cast.app.sdkappid}", **headers)

    return listens


def test_every_event_can_be_said_in_this_dialect():
    for name, kind in catalogue.room_events().items():
        assert str(kind.__struct_config__.tag) == name
    said = server_sent.rendered(Numbered(t=1, n=2, seq=7), epoch="e1").decode()
    assert said == 'id: e1.7\nevent: made_up\ndata: {"type":"made_up","t":1,"seq":7,"n":2}\n\n'
    assert server_sent.rendered(Numbered(t=1, n=2), epoch="e1").startswith(b"event: made_up\n")
    frame = server_sent.CODEC.frame(room="r1", epoch="e1", events=[numbered(1), numbered(2)])
    assert frame.count(b"\n\n") == 2
    newer = server_sent.CODEC.frame(room="r1", epoch="e1", events=[b'{"seq":3,"type":"of tomorrow","t":1}'])
    assert newer == b'id: e1.3\ndata: {"seq":3,"type":"of tomorrow","t":1}\n\n'
    assert encoded(Numbered(t=1, n=2)) == json.dumps(as_row(Numbered(t=1, n=2)), separators=(",", ":")).encode()


def test_who_listens_hears_what_is_said_and_is_not_counted(listens, watching, cast):
    with listens() as source:
        assert (source.status, source.answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        source.stands()
        with watching(cast.mia) as mia:
            assert mia.snapshot["online"] == 1
            assert mia.says("hello\nthere", cid="c1")["ok"]
            said = source.hears("comment", cid="c1")
            echo = mia.hears("comment", cid="c1")
        assert said.data == echo
        assert said.id.endswith(f".{echo['seq']}")


def test_who_comes_back_hears_exactly_the_rest(listens, watching, cast):
    with watching(cast.mia) as mia:
        with listens(cast.zed) as source:
            source.stands()
            for number in range(3):
                assert mia.says(f"{number}")["ok"]
            place = source.hears("comment", text="2").id
        for number in range(3, 8):
            assert mia.says(f"{number}")["ok"]
        with listens(cast.zed, Last_Event_ID=place) as source:
            source.hears("comment", text="7")
            said = [one.data["text"] for one in source.heard if one.name == "comment"]
            assert said == ["3", "4", "5", "6", "7"]
            assert "reset" not in [one.name for one in source.heard]
            assert mia.says("and on")["ok"]
            source.hears("comment", text="and on")
            seqs = source.numbered()
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_whose_place_is_gone_hears_reset(listens, watching, cast):
    with watching(cast.mia) as mia:
        assert mia.says("hi")["ok"]
        for place in ("another.1", "another.99999"):
            with listens(Last_Event_ID=place) as source:
                said = source.hears("reset")
                assert said.id == f"{said.data['epoch']}.{said.data['seq']}"


def test_who_is_banned_hears_bye_and_is_not_let_in_again(listens, cast):
    with listens(cast.mia) as source:
        source.stands()
        banning.ban_user(room=cast.room, identifier="mia", by=STAFF, now=clock.now(), seconds=60)
        assert source.hears("bye").data["reason"] == "banned"
        source.ended()
    with listens(cast.mia) as again:
        assert (again.status, again.problem()["name"]) == (403, "banned")


def test_who_may_not_come_in_is_told_why(listens, cast, sockets):
    with listens(room="nowhere") as source:
        assert (source.status, source.problem()["name"]) == (404, "room_unknown")
    with listening(sockets.port, "r1", Authorization="Bearer nonsense") as source:
        assert source.status == 401
        assert source.problem()["code"]
    rooms.change_access(room=cast.room, by=STAFF, now=clock.now(), password="sesame")
    with listens() as source:
        assert (source.status, source.problem()["name"]) == (403, "password_needed")
    with listens(Room_Password="sesame") as source:
        assert source.status == 200
        source.stands()


def test_pages_of_other_origins_may_read_it_where_the_socket_lets_them_in(listens, sockets, tmp_path):
    with listens(Origin="https://shop.example") as source:  # in development: anybody's
        assert source.answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert source.answer.headers["vary"] == "Origin"
    strict = SocketProcess(data=tmp_path / "data", LIVEROOM_ORIGINS="https://live.example.com")
    try:
        with listening(strict.port, "r1", Origin="https://strange.example") as source:
            assert (source.status, source.problem()["field"]) == (403, "origin")
    finally:
        strict.stop()


def test_a_process_that_ends_sends_its_listeners_elsewhere(cast, tmp_path):
    process = SocketProcess(data=tmp_path / "data", LIVEROOM_DRAIN_SECONDS="1")
    with listening(process.port, "r1", query=f"sdkappid={cast.app.sdkappid}") as source:
        source.stands()
        process.child.send_signal(signal.SIGTERM)
        said = source.hears("bye")
        assert (said.data["reason"], said.data["reconnect"]) == ("restart", True)
        assert 100 <= source.retry_ms <= 1_500
        source.ended()
    assert process.child.wait(10) == 0


def test_who_does_not_read_is_cut_and_comes_back_to_the_rest(listens, watching, cast):
    with watching(cast.stella) as stella:
        with listens(cast.zed) as source:
            place = source.stands()
            for number in range(60):
                assert stella.asks("custom", data=f"{number}" + "x" * 8000, priority="High")["ok"]
        with listens(cast.zed, Last_Event_ID=place) as source:
            source.hears("custom")
            for _ in range(59):
                source.hears("custom")
            assert source.numbered() == list(range(source.numbered()[0], source.numbered()[0] + 60))


def test_a_server_listens_with_its_key(sockets, watching, cast):
    with listening(sockets.port, "r1", Authorization=f"Bearer {cast.key.bearer}") as source:
        assert source.status == 200
        source.stands()
        with watching(cast.mia) as mia:
            assert mia.says("for the desk")["ok"]
            source.hears("comment", text="for the desk")


def test_a_room_that_is_disbanded_says_so_and_ends(listens, cast):
    with listens() as source:
        source.stands()
        rooms.disband_room(room=cast.room, by=STAFF, now=clock.now())
        tell()
        assert source.hears("system").data["reason"] == "disbanded"
        assert source.hears("bye").data["code"] == 4104
        source.ended()
