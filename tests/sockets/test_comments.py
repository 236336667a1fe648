"""Saying something: who may, what comes back, and that everybody sees the same in the same order."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from liveroom.kernel import clock
from liveroom.kernel.data.redis import key, redis_for


def test_a_guest_hears_and_cannot_speak(cast, watching):
    with watching(None) as guest, watching(cast.mia) as phone:
        refused = guest.says("let me in")
        assert (refused["ok"], refused["error"]["code"]) == (False, 70002)
        assert phone.says("hi")["ok"]
        assert guest.hears("comment")["text"] == "hi"


def test_a_comment_carries_who_said_it(cast, watching):
    with watching(cast.max) as phone, watching(None) as guest:
        phone.says("welcome 🎉", color="#ff0000", position="top", cid="c1")
        event = guest.hears("comment")
        assert event.pop("id")
        assert abs(event.pop("t") - clock.now_ms()) < 10_000
        assert event == {
            "seq": guest.snapshot["seq"] + 1, "type": "comment", "text": "welcome 🎉", "cid": "c1", "color": "#ff0000",
            "position": "top", "priority": "Normal",
            "from": {"id": "max", "nick": "Max", "avatar": "", "level": 0, "role": "admin"},
        }  # fmt: skip


def test_the_sender_finds_its_echo_by_its_own_id(cast, watching):
    with watching(cast.mia) as phone:
        answer = phone.says("hi", cid="abc")
        assert phone.hears("comment", cid="abc")["seq"] == answer["seq"]
        assert answer["result"] == "delivered"


def test_the_same_id_twice_is_said_once(cast, watching):
    with watching(cast.mia) as phone, watching(cast.zed) as other:
        first, again = phone.says("hi", cid="abc"), phone.says("hi", cid="abc")
        assert first["seq"] == again["seq"]
        assert other.says("hi", cid="abc")["seq"] == first["seq"] + 1  # somebody else's abc is another one
        other.says("end")
        phone.hears("comment", text="end")
        assert [event["text"] for event in phone.heard if event["type"] == "comment"] == ["hi", "hi", "end"]


def test_everybody_sees_one_order_without_gaps(cast, watching):
    with watching(cast.stella) as a, watching(cast.mia) as b, watching(None) as guest:
        with ThreadPoolExecutor(2) as pool:
            said = list(pool.map(lambda phone: [phone.says(f"{n}")["seq"] for n in range(30)], (a, b)))
        assert sorted(said[0] + said[1]) == list(range(a.snapshot["seq"] + 1, a.snapshot["seq"] + 61))
        last = a.says("end")["seq"]
        for phone in (a, b, guest):
            phone.hears("comment", seq=last)
        assert a.numbered[-61:] == b.numbered[-61:] == guest.numbered[-61:]
        assert [seq for seq, _ in guest.numbered] == list(range(guest.snapshot["seq"] + 1, last + 1))


def test_whoever_joins_sees_the_last_twenty(cast, watching):
    with watching(cast.mia) as phone:
        for n in range(25):
            phone.says(f"number {n}")
        with watching(cast.zed) as late:
            history = late.snapshot["history"]
            assert [event["text"] for event in history] == [f"number {n}" for n in range(5, 25)]
            assert history[-1]["seq"] == late.snapshot["seq"]
            assert late.hears("online")
            assert late.numbered == []


def test_yesterday_is_not_history(cast, watching):
    stored = redis_for(cast.room.key)
    for hours, text in ((25, "too old"), (23, "old enough")):
        event = {"seq": 0, "type": "comment", "t": clock.now_ms() - hours * 3_600_000, "text": text}
        stored.rpush(key("history", cast.room.key), json.dumps(event))
    with watching(cast.mia) as phone:
        assert [event["text"] for event in phone.snapshot["history"]] == ["old enough"]


def test_an_app_may_keep_more_or_less(cast, watching):
    cast.app.history_count = 2
    cast.app.save()
    with watching(cast.mia) as phone:
        for n in range(4):
            phone.says(str(n))
    with watching(cast.mia) as phone:
        assert [event["text"] for event in phone.snapshot["history"]] == ["2", "3"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 10004),
        ({"text": ""}, 10004),
        ({"text": " \n "}, 10004),
        ({"text": 5}, 10004),
        ({"text": "a\x00b"}, 10004),
        ({"text": "x" * 8193}, 80002),
        ({"text": "é" * 4097}, 80002),
        ({"text": "hi", "cid": ""}, 10004),
        ({"text": "hi", "cid": "x" * 65}, 10004),
        ({"text": "hi", "cid": ["a"]}, 10004),
        ({"text": "hi", "color": "red"}, 10004),
        ({"text": "hi", "color": {}}, 10004),
        ({"text": "hi", "position": "left"}, 10004),
        ({"text": "hi", "position": []}, 10004),
        ({"text": "hi", "room": "r2"}, 10010),
        ({"text": "hi", "room": 5}, 10010),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_reason(cast, watching, body, code):
    with watching(cast.mia) as phone:
        answer = phone.asks("comment", **body)
        assert answer["ok"] is False
        assert answer["error"]["code"] == code
        assert answer["error"]["message"].endswith(".")


def test_the_longest_comment_arrives_whole(cast, watching):
    with watching(cast.mia) as phone:
        text = "é" * 4096
        phone.send(json.dumps({"id": 1, "type": "comment", "text": text}, ensure_ascii=False))
        assert phone.answers(1)["ok"]
        assert phone.hears("comment")["text"] == text
        assert phone.says("é" * 4096)["ok"]  # in \u escapes: three times as long


def test_rest_and_socket_share_one_order(cast, watching):
    with watching(cast.mia) as phone:
        first = phone.says("from the socket", cid="1")["seq"]
        answer = cast.api(cast.zed).post("rooms/r1/messages", {"text": "from rest", "cid": "2"})
        assert (answer.status_code, answer.json()) == (201, {"result": "delivered", "seq": first + 1})
        assert phone.hears("comment", text="from rest")["from"]["id"] == "zed"
        listed = cast.api(None).get("rooms/r1/messages", {"sdkappid": cast.app.sdkappid}).json()["messages"]
        assert [message["text"] for message in listed] == ["from the socket", "from rest"]
