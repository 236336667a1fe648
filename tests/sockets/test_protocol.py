"""asyncapi.yaml against real frames: one of each answer and each event goes through its shape."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from interactions import catalogue
from interactions import socket as consumers
from interactions.chat.services.broadcasts import send_broadcast
from interactions.draws.services import drawing, opening
from interactions.gifts.services.topups import top_up
from interactions.models import DrawEntry
from interactions.polls.services import polls, questions
from liveroom.kernel import clock
from liveroom.rooms.services import attributes, people, rooms
from liveroom.rooms.services.status import set_status
from moderation.services import banning, muting
from streams.services import streams
from tests.helpers.money import fill, make_gift
from tests.helpers.people import STAFF
from tests.helpers.sockets import tell

FILE = Path(consumers.__file__).with_name("asyncapi.yaml")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    # The plain loader takes a sixth of a second, in which nothing else of a loop happens.
    return dict(yaml.load(FILE.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def fits(shape: str, value: Any) -> None:
    whole = {"$ref": f"#/components/schemas/{shape}", "components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_real_frames_have_the_shapes_of_the_document(cast, watching, calls):
    by, now = cast.actor(cast.stella), clock.now()
    with watching(cast.stella) as stella, calls(cast.mia) as mia:
        said = {"id": 1, "type": "comment", "text": "hi", "cid": "c", "color": "#ff0000", "position": "top"}
        fits("comment_command", said)
        stella.says("hi", cid="c", color="#ff0000", position="top")
        stella.asks("ping")
        stella.says("")
        mia.says("nowhere")
        draw = opening.open_draw(room=cast.room, keyword="666", prize="p", winners=2, seconds=60, by=by, now=now)
        tell()
        mia.joins("r1")
        fits("snapshot", mia.snapshot)
        assert [found["id"] for found in mia.snapshot["draws"]] == [draw.number]
        DrawEntry.objects.create(draw=draw, person=cast.mia, at=now)
        drawing.finish_draw(draw_id=draw.pk, now=now)
        fill(cast.mia, 1_000)
        top_up(person=cast.mia, amount=5, provider="staff", reference=None, key="k", by=STAFF, now=now)
        make_gift(cast.app, "rocket", kind=3, effect="https://example.org/r.json", unit="pcs")
        bought = {"id": 2, "type": "gift", "room": "r1", "gift": "rocket", "count": 2, "key": "k"}
        fits("gift_command", bought)
        assert mia.asks("gift", gift="rocket", count=2, key="k")["ok"]
        mia.asks("gift", gift="rocket", count=999, key="too many")
        poll = polls.open_poll(room=cast.room, question="Tea?", answers=["yes", "no"], by=by, now=now)
        fits("poll_vote_command", {"id": 3, "type": "poll_vote", "poll": poll.number, "choices": [1]})
        assert mia.asks("poll_vote", poll=poll.number, choices=[1])["ok"]
        assert not mia.asks("poll_vote", poll=poll.number, choices=[2])["ok"]
        asked = questions.ask_question(room=cast.room, words="Why?", by=cast.actor(cast.mia), now=now)
        questions.set_status(question=asked, status="shown", by=by, now=now)
        set_status(room=cast.room, status="live", by=by, now=now)
        changes = {
            "notice": "n",
            "title": "t",
            "tags": ["a"],
            "starts_at": now,
            "fields": {"a": "b"},
            "viewer_limit": 5,
        }
        rooms.change_room(room=cast.room, changes=changes, by=by, now=now)
        attributes.write_attributes(room=cast.room, values={"a": "1"}, replace=True, by=by, now=now)
        attributes.change_counters(room=cast.room, values={"a": 1}, mode="set", by=by, now=now)
        people.appoint_admin(room=cast.room, identifier="zed", by=by, now=now)
        screen = streams.add_stream(room=cast.room, label="screen", by=by, now=now)
        streams.set_programme(stream=screen, by=by, now=now)
        muting.mute_user(room=cast.room, identifier="zed", seconds=60, by=by, now=now)
        muting.unmute_user(room=cast.room, identifier="zed", by=by, now=now)
        muting.mute_everyone(room=cast.room, by=by, now=now)
        banning.ban_user(room=cast.room, identifier="zed", seconds=60, by=by, now=now)
        send_broadcast(app=cast.app, text="hi", title="t", by=STAFF, now=now)
        tell()
        stella.asks("custom", room="r1", data={"a": [1]}, desc="d", priority="High")
        stella.asks("like", room="r1", count=20)
        patience = clock.now_ms() + 10_000
        while not {"join", "online", "likes", "custom"} <= {event["type"] for event in stella.heard}:
            stella.asks("ping")
            assert clock.now_ms() < patience
        rooms.disband_room(room=cast.room, by=STAFF, now=now)
        tell()
        for phone in (stella, mia):
            assert phone.is_hung_up() == 4104
            for frame in phone.frames:
                fits(frame.get("type", "answer"), frame)
        heard = {event["type"] for event in stella.heard}
        told = [event["type"] for frame in mia.frames if frame.get("type") == "you" for event in frame["events"]]
        assert "wallet" in told
    # Who left is told after five seconds: tests/sockets/test_presence.py waits for that.
    assert heard == set(catalogue.room_events()) - {"leave"}


def test_what_a_client_may_send_has_a_shape():
    fits("join", {"id": 1, "type": "join", "room": "r1", "since": {"epoch": "e", "seq": 0}, "password": None})
    fits("leave", {"id": "a", "type": "leave", "room": "r1"})
    fits("ping", {"type": "ping"})
