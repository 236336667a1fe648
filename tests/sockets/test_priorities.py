"""A room above its rate (C2, C3): who comes first, what becomes of the rest, and that nobody else pays for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from liveroom.kernel import clock
from liveroom.kernel.data.redis import key, redis_for
from liveroom.rooms.services import rooms
from tests.helpers.people import STAFF
from tests.helpers.problems import given, refused
from tests.helpers.sockets import Phone, SocketProcess, calling, tell

RATE = 5


@pytest.fixture(scope="module")
def sockets(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[SocketProcess]:
    """Ticks as shipped."""
    with django_db_blocker.unblock():
        process = SocketProcess(data=tmp_path_factory.mktemp("rated") / "data", name="rated-1")
    yield process
    process.stop()
    assert "Traceback" not in process.text()


@pytest.fixture
def slow_room(cast):
    """`r1` delivers five a second."""
    rate(cast, RATE)


def rate(cast, messages_per_second: int) -> None:
    rooms.change_room(room=cast.room, changes={"messages_per_second": messages_per_second}, by=STAFF, now=clock.now())
    tell()


@contextmanager
def flood(cast, sockets, *, by=None, **body) -> Iterator[Phone]:
    """Somebody speaks ten times in a tick, and does not stop."""
    stop = threading.Event()

    def speak(phone: Phone) -> None:
        number = 1000
        while not stop.wait(0.1):
            for _ in range(10):
                number += 1
                phone.send(json.dumps({"id": number, "type": "comment", "text": f"flood {number}", **body}))
            with suppress(TimeoutError):
                while True:
                    phone.socket.recv(timeout=0)

    with calling(sockets.url, usersig=cast.usersig(by or cast.zed)) as phone:
        assert phone.joins("r1")["ok"]
        for _ in range(30):
            phone.send(json.dumps({"id": 1000, "type": "comment", "text": "flood", **body}))
        speaker = threading.Thread(target=speak, args=(phone,))
        speaker.start()
        try:
            yield phone
        finally:
            stop.set()
            speaker.join()


def in_order(phone: Phone) -> None:
    first = phone.snapshot["seq"] + 1
    assert [seq for seq, _ in phone.numbered] == list(range(first, first + len(phone.numbered)))


def test_high_is_for_the_owner_admins_and_servers(cast, watching):
    with watching(cast.mia) as mia, watching(cast.max) as max_, watching(cast.stella) as stella:
        for kind, body in (("comment", {"text": "me first"}), ("custom", {"data": 1})):
            error = mia.asks(kind, priority="High", **body)["error"]
            assert (error["code"], error["field"]) == (10004, "priority")
            assert "owner and admins" in error["message"]
        for priority in ("Normal", "Low", "Lowest"):
            assert mia.says(f"as {priority}", priority=priority)["result"] == "delivered"
            assert max_.hears("comment", text=f"as {priority}")["priority"] == priority
        for phone in (max_, stella):
            assert phone.says("listen", priority="High")["result"] == "delivered"
            assert mia.hears("comment", text="listen")["priority"] == "High"
        refused(cast.api(cast.mia).post("rooms/r1/messages", {"text": "x", "priority": "High"}), 400, 10004)
        given(cast.server().post("rooms/r1/messages", {"text": "from the shop", "priority": "High"}), 201)
        assert mia.hears("comment", text="from the shop")["priority"] == "High"


@pytest.mark.usefixtures("slow_room")
def test_a_high_message_comes_through_a_flood_within_the_second_and_in_order(cast, sockets, watching):
    with watching(cast.max) as max_, watching(cast.mia) as mia, flood(cast, sockets):
        assert mia.snapshot["limits"]["messages_per_second"] == RATE
        seqs = []
        for number in range(4):
            began = time.monotonic()
            answer = max_.says(f"rule {number}", priority="High")
            assert answer["result"] == "delivered", answer
            assert time.monotonic() - began < 1
            seqs.append(answer["seq"])
        assert seqs == sorted(seqs)
        heard = [mia.hears("comment", text=f"rule {number}")["seq"] for number in range(4)]
        assert heard == seqs
        in_order(mia)


@pytest.mark.usefixtures("slow_room")
def test_what_is_lower_waits_for_what_is_higher(cast, sockets, watching):
    with watching(cast.mia) as mia, watching(None) as guest, flood(cast, sockets, priority="Low"):
        assert mia.says("normal")["result"] == "delivered"
        assert guest.hears("comment", text="normal")
        answer = mia.says("lowest", priority="Lowest")
        assert (answer["result"], answer["reason"]) == ("sampled", "rate")


@pytest.mark.usefixtures("slow_room")
def test_what_is_sampled_comes_back_to_its_sender_and_reaches_nobody_else(cast, watching):
    with watching(cast.zed) as zed, watching(cast.mia) as mia:
        for number in range(40):
            zed.send(json.dumps({"id": number, "type": "comment", "text": f"n{number}", "cid": f"c{number}"}))
        while (
            len(answers := {frame["id"]: frame for frame in zed.frames if frame.get("ok") and "result" in frame}) < 40
        ):
            zed.asks("ping")
        delivered = {number: one["seq"] for number, one in answers.items() if one["result"] == "delivered"}
        sampled = {number: one for number, one in answers.items() if one["result"] == "sampled"}
        assert len(delivered) + len(sampled) == 40
        assert 1 <= len(delivered) <= RATE
        assert {one["reason"] for one in sampled.values()} == {"rate", "flood"}
        for number, one in sampled.items():
            event = one["event"]
            assert (event["text"], event["cid"], event["from"]["id"]) == (f"n{number}", f"c{number}", "zed")
            assert "seq" not in event
        # One sender's own order, whatever was left out.
        assert list(delivered.values()) == sorted(delivered.values())
        assert delivered == dict(sorted(delivered.items()))
        end = zed.says("end")["seq"]
        mia.hears("comment", seq=end)
        heard = [event["text"] for event in mia.heard if event["type"] == "comment"]
        assert heard == [*(f"n{number}" for number in sorted(delivered)), "end"]
        in_order(mia)
        with watching(cast.stella) as late:
            assert [event["text"] for event in late.snapshot["history"]] == heard
        # Asked again, the answers stay.
        lost, said = min(sampled), min(delivered)
        again = zed.says(f"n{lost}", cid=f"c{lost}")
        assert (again["result"], again["reason"]) == ("sampled", sampled[lost]["reason"])
        assert again["event"]["text"] == f"n{lost}"
        assert zed.says(f"n{said}", cid=f"c{said}")["seq"] == delivered[said]


def test_a_flood_by_one_does_not_push_another_out(cast, sockets, watching):
    rate(cast, 20)
    with watching(cast.mia) as mia, watching(None) as guest, flood(cast, sockets):
        for number in range(6):
            assert mia.says(f"question {number}")["result"] == "delivered"
        for number in range(6):
            assert guest.hears("comment", text=f"question {number}")
        in_order(guest)
        at = [event["t"] for event in guest.heard if event["type"] == "comment"]
        assert len(at) > 10


@pytest.mark.usefixtures("slow_room")
def test_nothing_waits_for_the_answer_of_a_comment(cast, sockets, watching):
    with watching(cast.mia) as mia, flood(cast, sockets):
        mia.send('{"id": "slow", "type": "comment", "text": "wait", "priority": "Lowest"}')
        mia.send('{"id": "ping", "type": "ping"}')
        mia.send('{"id": "like", "type": "like", "count": 1}')
        mia.answers("slow")
        order = [frame["id"] for frame in mia.frames if frame.get("id") in ("slow", "ping", "like")]
        assert sorted(order[:2]) == ["like", "ping"]
        assert order[2] == "slow"


@pytest.mark.usefixtures("slow_room")
def test_rest_is_answered_as_honestly(cast, sockets, watching):
    with watching(cast.mia) as mia, flood(cast, sockets):
        body = {"text": "from rest", "priority": "Lowest", "cid": "r1"}
        first = given(cast.api(cast.mia).post("rooms/r1/messages", body), 201)
        assert (first["result"], first["reason"]) == ("sampled", "rate")
        assert (first["event"]["text"], first["event"]["from"]["id"]) == ("from rest", "mia")
        assert "seq" not in first["event"]
        again = given(cast.api(cast.mia).post("rooms/r1/messages", body), 201)
        assert (again["result"], again["reason"]) == ("sampled", "rate")
        high = given(cast.server().post("rooms/r1/messages", {"text": "sale", "priority": "High"}), 201)
        assert mia.hears("comment", text="sale")["seq"] == high["seq"]
        assert not any(event.get("text") == "from rest" for event in mia.heard)


def test_in_any_second_a_room_hears_no_more_than_its_rate(cast, sockets, watching):
    rate(cast, 10)
    with watching(cast.mia) as mia, flood(cast, sockets), flood(cast, sockets, by=cast.stella):
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            mia.asks("ping")
            time.sleep(0.1)
        in_order(mia)
    ticks = [
        (int(fields[b"at"]), int(fields[b"n"]))
        for _, fields in redis_for(cast.room.key).xrange(key("ticks", cast.room.key))
        if b'"type":"comment"' in fields[b"e"]
    ]
    for start, _ in ticks:
        assert sum(said for at, said in ticks if start <= at < start + 1000) <= 10
    assert sum(said for _, said in ticks) >= 12
