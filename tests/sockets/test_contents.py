"""What a message may hold (C1, C9): everything that fits arrives as it was given, everything else is refused by name."""

from __future__ import annotations

import pytest

from liveroom.kernel import clock
from liveroom.rooms.services import rooms
from tests.helpers.people import STAFF
from tests.helpers.problems import given, refused
from tests.helpers.sockets import tell

URL = "https://pictures.example/a.png"
TOO_LONG_URL = "https://a.example/" + "x" * 983
BESIDE = {
    "cid": "c1", "color": "#00FF00", "mention": ["zed", "stella"], "reply_to": 2**53 - 1, "cloud_custom_data": "é" * 512,
    "priority": "Low",
}  # fmt: skip


def test_every_kind_of_element_arrives_as_it_was_given(cast, watching):
    elements = [
        {"kind": "text", "text": "look 🎉"},
        {"kind": "image", "url": URL, "width": 20_000, "height": 1},
        {"kind": "image", "url": "http://a"},
        {"kind": "audio", "url": "https://sounds.example/a.mp3", "seconds": 3600},
        {"kind": "emoji", "name": "wave"},
        {"kind": "emoji", "name": "é" * 32, "url": URL},
        {"kind": "custom", "data": {"cmd": [1, 2.5, None, True, "x"]}, "desc": "d" * 256, "ext": ""},
        {"kind": "custom", "data": 0},
        {"kind": "text", "text": "and listen"},
    ]
    with watching(cast.mia) as mia, watching(None) as guest:
        for one in elements:
            assert mia.asks("comment", elements=[one])["ok"], one
            assert guest.hears("comment")["elements"] == [one]
        assert mia.asks("comment", elements=elements)["ok"]
        event = guest.hears("comment")
        assert event["elements"] == elements
        assert event["text"] == "look 🎉 and listen"
        assert event["position"] == "scroll"
        strange = {"kind": "emoji", "name": "wave", "onclick": "alert(1)", "seq": 5}
        assert mia.asks("comment", elements=[strange], seq=7, t=1, evil=True, **{"from": {"id": "stella"}})["ok"]
        event = guest.hears("comment")
        assert event["elements"] == [{"kind": "emoji", "name": "wave"}]
        assert (event["from"]["id"], "evil" in event) == ("mia", False)
        assert event["seq"] == guest.snapshot["seq"] + len(elements) + 2


def test_what_stands_beside_is_kept_in_comments_and_in_custom_messages(cast, watching):
    with watching(cast.mia) as mia, watching(None) as guest:
        assert mia.asks("comment", text="hi", position="bottom", **BESIDE)["ok"]
        event = guest.hears("comment")
        assert {**BESIDE, "text": "hi", "position": "bottom"}.items() <= event.items()
        for data in ({"cmd": "dance", "deep": [[{}]]}, [], "text", 0, False, -1.5):
            beside = {**BESIDE, "cid": f"custom {data}"}
            assert mia.asks("custom", data=data, desc="d", ext="e", **beside)["ok"], data
            event = guest.hears("custom")
            assert {**beside, "data": data, "desc": "d", "ext": "e"}.items() <= event.items()
            assert "position" not in event
        with watching(cast.zed) as late:
            assert [event["type"] for event in late.snapshot["history"]] == ["comment"] + ["custom"] * 6


def test_null_is_as_good_as_nothing(cast, watching):
    nothing = dict.fromkeys((*BESIDE, "position", "online_only", "elements", "desc", "ext"))
    with watching(cast.mia) as mia:
        assert mia.asks("comment", text="hi", **nothing)["ok"]
        event = mia.hears("comment")
        assert set(event) == {"seq", "type", "t", "id", "text", "position", "priority", "from"}
        assert event["priority"] == "Normal"
        assert mia.asks("custom", data=1, **nothing)["ok"]


# type, what is sent, code, field, limit, given
BAD = [
    ("comment", {"elements": []}, 10004, "elements", 10, None),
    ("comment", {"elements": [{"kind": "emoji", "name": "a"}] * 11}, 10004, "elements", 10, None),
    ("comment", {"elements": "x"}, 10004, "elements", 10, None),
    ("comment", {"elements": {"kind": "text"}}, 10004, "elements", 10, None),
    ("comment", {"elements": [5]}, 10004, "elements", 10, None),
    ("comment", {"elements": [{}]}, 10004, "elements", None, None),
    ("comment", {"elements": [{"kind": "video", "url": URL}]}, 10004, "elements", None, None),
    ("comment", {"elements": [{"kind": ["text"]}]}, 10004, "elements", None, None),
    ("comment", {"elements": [{"kind": "text"}]}, 10004, "text", None, None),
    ("comment", {"elements": [{"kind": "text", "text": " "}]}, 10004, "text", None, None),
    ("comment", {"elements": [{"kind": "text", "text": "x" * 8193}]}, 80002, "text", 8192, 8193),
    ("comment", {"elements": [{"kind": "text", "text": "x" * 4090}] * 2}, 80002, "elements", 8192, 8233),
    ("comment", {"elements": [{"kind": "image"}]}, 10004, "url", None, None),
    ("comment", {"elements": [{"kind": "image", "url": "ftp://a/b"}]}, 10004, "url", None, None),
    ("comment", {"elements": [{"kind": "image", "url": "javascript:alert(1)"}]}, 10004, "url", None, None),
    ("comment", {"elements": [{"kind": "image", "url": "https://["}]}, 10004, "url", None, None),
    ("comment", {"elements": [{"kind": "image", "url": TOO_LONG_URL}]}, 10004, "url", 1000, 1001),
    ("comment", {"elements": [{"kind": "image", "url": URL, "width": 0}]}, 10004, "width", 20_000, None),
    ("comment", {"elements": [{"kind": "image", "url": URL, "height": 20_001}]}, 10004, "height", 20_000, None),
    ("comment", {"elements": [{"kind": "image", "url": URL, "width": True}]}, 10004, "width", 20_000, None),
    ("comment", {"elements": [{"kind": "image", "url": URL, "width": "5"}]}, 10004, "width", 20_000, None),
    ("comment", {"elements": [{"kind": "audio", "seconds": 5}]}, 10004, "url", None, None),
    ("comment", {"elements": [{"kind": "audio", "url": URL, "seconds": 3601}]}, 10004, "seconds", 3600, None),
    ("comment", {"elements": [{"kind": "audio", "url": URL, "seconds": 1.5}]}, 10004, "seconds", 3600, None),
    ("comment", {"elements": [{"kind": "emoji"}]}, 10004, "name", None, None),
    ("comment", {"elements": [{"kind": "emoji", "name": "x" * 65}]}, 10004, "name", 64, 65),
    ("comment", {"elements": [{"kind": "emoji", "name": "x", "url": "x"}]}, 10004, "url", None, None),
    ("comment", {"elements": [{"kind": "custom"}]}, 10004, "data", None, None),
    ("comment", {"elements": [{"kind": "custom", "data": "x" * 8191}]}, 80002, "data", 8192, 8193),
    ("custom", {}, 10004, "data", None, None),
    ("custom", {"data": None}, 10004, "data", None, None),
    ("custom", {"data": "x" * 8191}, 80002, "data", 8192, 8193),
    ("custom", {"data": "é" * 4096}, 80002, "data", 8192, 8194),
    ("custom", {"data": 1, "desc": "x" * 257}, 10004, "desc", 256, 257),
    ("custom", {"data": 1, "ext": {}}, 10004, "ext", None, None),
    ("comment", {"text": "x", "mention": []}, 10004, "mention", 10, None),
    ("comment", {"text": "x", "mention": ["a"] * 11}, 10004, "mention", 10, None),
    ("comment", {"text": "x", "mention": "mia"}, 10004, "mention", 10, None),
    ("comment", {"text": "x", "mention": [5]}, 10004, "mention", None, None),
    ("comment", {"text": "x", "mention": ["x" * 33]}, 10004, "mention", 32, 33),
    ("comment", {"text": "x", "reply_to": 0}, 10004, "reply_to", 2**53 - 1, None),
    ("comment", {"text": "x", "reply_to": 2**53}, 10004, "reply_to", 2**53 - 1, None),
    ("comment", {"text": "x", "reply_to": "1"}, 10004, "reply_to", 2**53 - 1, None),
    ("comment", {"text": "x", "reply_to": True}, 10004, "reply_to", 2**53 - 1, None),
    ("comment", {"text": "x", "cloud_custom_data": "x" * 1025}, 10004, "cloud_custom_data", 1024, 1025),
    ("comment", {"text": "x", "cloud_custom_data": {}}, 10004, "cloud_custom_data", None, None),
    ("comment", {"text": "x", "online_only": 1}, 10004, "online_only", None, None),
    ("comment", {"text": "x", "online_only": "yes"}, 10004, "online_only", None, None),
    ("comment", {"text": "x", "position": ""}, 10004, "position", None, None),
    ("comment", {"text": "x", "color": "#00ff0g"}, 10004, "color", None, None),
    ("comment", {"text": "x", "color": "#00ff00\n"}, 10004, "color", None, None),
    ("custom", {"data": 1, "cid": "x" * 65}, 10004, "cid", 64, 65),
    ("comment", {"text": "x", "priority": "Urgent"}, 10004, "priority", None, None),
    ("comment", {"text": "x", "priority": "high"}, 10004, "priority", None, None),
    ("comment", {"text": "x", "priority": 1}, 10004, "priority", None, None),
    ("comment", {"text": "x", "priority": []}, 10004, "priority", None, None),
]  # fmt: skip


def test_everything_else_is_refused_by_field_with_the_limit_and_what_was_given(cast, watching):
    with watching(cast.mia) as mia:
        for kind, body, code, field, limit, size in BAD:
            answer = mia.asks(kind, **body)
            assert not answer["ok"], body
            error = answer["error"]
            said = (error["code"], error.get("field"), error.get("limit"), error.get("given"))
            assert said == (code, field, limit, size), (kind, str(body)[:80], error)
            assert error["message"].endswith("."), error
        assert mia.says("still here")["ok"]
        assert [event["text"] for event in mia.heard if event["type"] == "comment"] in ([], ["still here"])


@pytest.mark.parametrize("data", ['"\\ud800"', "[" * 300 + "]" * 300, '{"a": 1e999}', "1" + "0" * 400])
def test_data_that_cannot_be_sent_on_is_refused(cast, watching, data):
    with watching(cast.mia) as mia:
        mia.send('{"id": 5, "type": "custom", "data": ' + data + "}")
        answer = mia._receive(10**9)
        assert not answer["ok"]
        assert answer["error"]["code"] in (10004, 10011)
        assert mia.says("still here")["ok"]


def test_a_room_may_take_less(cast, watching):
    rooms.change_room(room=cast.room, changes={"message_bytes": 100}, by=STAFF, now=clock.now())
    tell()
    with watching(cast.mia) as mia:
        assert mia.snapshot["limits"]["text_bytes"] == 100
        assert mia.says("é" * 50)["ok"]
        for kind, body, field in (
            ("comment", {"text": "x" * 101}, "text"),
            ("comment", {"elements": [{"kind": "text", "text": "x" * 101}]}, "text"),
            ("custom", {"data": "x" * 99}, "data"),
        ):
            error = mia.asks(kind, **body)["error"]
            assert (error["code"], error["field"], error["limit"], error["given"]) == (80002, field, 100, 101)
        problem = refused(cast.api(cast.mia).post("rooms/r1/messages", {"text": "x" * 101}), 400, 80002)
        assert (problem["limit"], problem["given"]) == (100, 101)


def test_what_is_for_those_who_are_here_is_not_in_the_history(cast, watching):
    with watching(cast.mia) as mia, watching(None) as guest:
        mia.says("kept")
        assert mia.says("gone", online_only=True)["seq"] == guest.hears("comment", text="gone")["seq"]
        mia.asks("custom", data="gone", online_only=True)
        assert mia.says("kept, too", online_only=False)["ok"]
        with watching(cast.zed) as late:
            assert [event["text"] for event in late.snapshot["history"]] == ["kept", "kept, too"]
            assert late.snapshot["seq"] == guest.snapshot["seq"] + 4
        listed = given(cast.api(cast.mia).get("rooms/r1/messages"))["messages"]
        assert [event["text"] for event in listed] == ["kept", "kept, too"]


def test_a_guest_sends_nothing_of_any_kind(cast, watching):
    with watching(None) as guest, watching(cast.mia) as mia:
        for kind, body in (("comment", {"text": "x"}), ("custom", {"data": 1}), ("like", {"count": 1})):
            error = guest.asks(kind, **body)["error"]
            assert (error["code"], error["name"]) == (70002, "log_in_first")
        assert mia.asks("like", count=3)["total"] == 3
        assert guest.hears("likes", total=3)["users"] == [{"id": "mia", "nick": "Mia", "count": 3}]
        for path in ("messages", "likes"):
            refused(
                cast.api(None).post(f"rooms/r1/{path}?sdkappid={cast.app.sdkappid}", {"text": "x", "count": 1}), 401
            )
        with watching(cast.zed) as late:
            assert (late.snapshot["likes"], late.snapshot["history"]) == (3, [])


def test_rest_takes_the_same_and_refuses_the_same(cast, watching):
    api = cast.api(cast.mia)
    with watching(None) as guest:
        body = {"type": "custom", "data": {"a": [1]}, "desc": "d", **BESIDE}
        assert given(api.post("rooms/r1/messages", body), 201)["result"] == "delivered"
        assert {**BESIDE, "data": {"a": [1]}}.items() <= guest.hears("custom").items()
        elements = [{"kind": "image", "url": URL, "width": 5}]
        given(api.post("rooms/r1/messages", {"elements": elements}), 201)
        assert guest.hears("comment")["elements"] == elements
    for kind, body, code, field, limit, size in [*BAD[4:12], *BAD[29:37], *BAD[-2:]]:
        problem = refused(api.post("rooms/r1/messages", {"type": kind, **body}), 400, code)
        assert (problem.get("field"), problem.get("limit"), problem.get("given")) == (field, limit, size), body
    for data in (10**30, [[10**30]]):
        assert "64" in refused(api.post("rooms/r1/messages", {"type": "custom", "data": data}), 400, 10004)["detail"]
