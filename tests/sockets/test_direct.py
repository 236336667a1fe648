"""From one user to another: on all its sockets, in a room or not, kept for who comes back (product.md C12)."""

from __future__ import annotations

import pytest

from tests.sockets.test_protocol import fits


def test_a_message_to_one_reaches_all_its_sockets_and_nobody_else(cast, calls, watching):
    with watching(cast.mia) as here, calls(cast.mia) as there, calls(cast.zed) as zed, calls(cast.stella) as stella:
        said = {"type": "direct", "to": "mia", "text": "psst", "cid": "1"}
        fits("direct_command", said)
        answer = zed.asks("direct", to="mia", text="psst", cid="1")
        assert answer["ok"], answer
        for phone in (here, there):
            event = phone.is_told("direct")
            assert (event["text"], event["cid"], event["id"]) == ("psst", "1", answer["message_id"])
            assert event["from"] == {"id": "zed", "nick": "Zed", "avatar": "", "level": 0}
            for frame in phone.frames:
                fits(frame.get("type", "answer"), frame)
        assert zed.asks("direct", to="mia", text="psst", cid="1")["ok"]  # again: said once
        assert zed.asks("direct", to="mia", data={"call": 1})["ok"]
        there.asks("ping")
        while there.is_told("direct").get("data") != {"call": 1}:
            there.asks("ping")
        stella.asks("ping")
        assert not [frame for frame in stella.frames if frame.get("type") == "you" and frame["events"]]


def test_who_comes_back_hears_what_came_meanwhile_and_who_is_new_what_was_to_be_kept(cast, calls):
    with calls(cast.mia) as phone:
        phone.asks("ping")
        first = phone.frames[0]
    with calls(cast.zed) as zed:
        zed.asks("direct", to="mia", text="for two minutes")
        zed.asks("direct", to="mia", text="for a day", life_time=86400)
    with calls(cast.mia, more=f"you={first['epoch']}.{first['useq']}") as again:
        again.asks("ping")
        assert again.frames[0]["recovered"] is True
        assert [event["text"] for event in again.frames[0]["events"]] == ["for two minutes", "for a day"]
    with calls(cast.mia) as new:
        new.asks("ping")
        assert [event["text"] for event in new.frames[0]["events"]] == ["for a day"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "hi"}, 10004),
        ({"to": "mia"}, 10004),
        ({"to": "nobody", "text": "hi"}, 70107),
        ({"to": "mia", "text": "x" * 8193}, 80002),
        ({"to": "mia", "text": "hi", "life_time": 0}, 10004),
        ({"to": "mia", "text": "hi", "life_time": 604801}, 10004),
        ({"to": "rita", "text": "hi"}, 70107),  # of another app
    ],
)
def test_what_cannot_be_sent_is_refused(cast, calls, body, code):
    with calls(cast.zed) as phone:
        assert phone.asks("direct", **body)["error"]["code"] == code


def test_guests_send_nothing(cast, calls):
    with calls(None) as guest:
        assert guest.asks("direct", to="mia", text="hi")["error"]["code"] == 70002


def test_servers_and_users_send_over_rest(cast, calls):
    with calls(cast.mia) as phone:
        phone.asks("ping")
        answer = cast.api(cast.zed).post("users/mia/messages", {"text": "over rest"})
        assert answer.status_code == 201
        event = phone.is_told("direct")
        assert (event["text"], event["id"]) == ("over rest", answer.json()["message_id"])
        assert cast.api(cast.zed).post("users/nobody/messages", {"text": "x"}).status_code == 404
