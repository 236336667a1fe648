"""A word of the app to all its rooms: above the cap, once in each, also when the relay dies in between."""

from __future__ import annotations

import time
from dataclasses import replace

import orjson
import pytest

from interactions.chat.api.broadcasts import BroadcastWriteSerializer
from interactions.chat.services import broadcasts
from interactions.chat.services.broadcasts import send_broadcast
from interactions.delivery import publishing
from interactions.delivery.room_ref import ref_of_key
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.epochs import begin_now
from interactions.delivery.rooms.log import history_now
from interactions.delivery.rooms.messages import Message
from interactions.delivery.rooms.published import published_events
from interactions.delivery.rooms.submitting import publish_many_now, submit_now
from interactions.room_refs import ref
from liveroom.accounts.models import App
from liveroom.kernel import clock, outbox
from liveroom.kernel.data.redis import channel, key, room_key, shared
from liveroom.kernel.errors import BadParameter, NotPermitted
from liveroom.kernel.models import AuditEntry
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.models import Room
from tests.helpers.people import STAFF, make_person
from tests.helpers.problems import refused
from tests.helpers.published import to_everyone
from tests.sockets.test_protocol import fits


def make_rooms(app: App, number: int, *, known: bool = True) -> list[str]:
    """Rooms with a place in Redis, as if somebody had been there; their keys."""
    owner, now = make_person(app, "host"), clock.now()
    Room.objects.bulk_create(
        Room(app=app, group_id=f"b{place}", owner=owner, title="t", status_at=now, created_at=now)
        for place in range(number)
    )
    keys = [room_key(sdkappid=app.sdkappid, group_id=f"b{place}") for place in range(number)]
    if known:
        for name in keys:
            begin_now(room_key=name)
    return keys


def told(name: str) -> list[dict]:
    """The broadcasts in a room's history."""
    room = replace(ref_of_key(room_key=name), history_count=20, history_hours=24)
    return [said for said in history_now(room=room, now_ms=clock.now_ms()) if said["type"] == "broadcast"]


def send(cast, **data):
    return send_broadcast(app=cast.app, **checked(BroadcastWriteSerializer, data), by=STAFF, now=clock.now())


def relay() -> None:
    outbox.handle_pending(now=clock.now())


def test_a_thousand_rooms_hear_it_within_two_seconds(cast):
    keys = make_rooms(cast.app, 1000)
    line = shared().pubsub(ignore_subscribe_messages=True)
    line.subscribe(channel(keys[-1]))
    sent = send(cast, text="The house closes at ten.", title="Tonight")
    assert sent.rooms == 1001
    began = time.monotonic()
    relay()
    assert time.monotonic() - began < 2
    assert all([said["id"] for said in told(name)] == [sent.id] for name in keys[::97])
    message = None
    while message is None:
        message = line.get_message(timeout=1)
    [event] = map(orjson.loads, published_events(message["data"]).events)
    fits("broadcast", event)
    assert (event["text"], event["title"], event["seq"]) == ("The house closes at ten.", "Tonight", 1)
    assert not to_everyone(waiting=True)


def test_a_relay_that_dies_in_between_tells_nobody_twice_and_forgets_nobody(cast, monkeypatch):
    keys = make_rooms(cast.app, 25)
    monkeypatch.setattr(broadcasts, "CHUNK", 10)
    real, rounds = publish_many_now, []

    def dies(letters):
        rounds.append(len(letters))
        if len(rounds) == 3:
            real(letters[:4])
            raise OSError("gone")
        return real(letters)

    monkeypatch.setattr(publishing, "publish_many_now", dies)
    sent = send(cast, data={"kind": "maintenance"})
    relay()
    assert to_everyone(waiting=True)
    relay()
    assert [[said["id"] for said in told(name)] for name in keys] == [[sent.id]] * 25


def test_it_goes_above_the_cap(cast):
    room = replace(ref(cast.room), messages_per_second=1)
    begin_now(room_key=room.key)
    for number in range(5):
        message = Message(id=f"m{number}", event=b'{"type":"comment"}', priority=Priority.NORMAL)
        submit_now(room=room, messages=[message], tick_ms=100)
    sent = send(cast, text="now")
    relay()
    assert [said["id"] for said in told(room.key)] == [sent.id]


def test_rooms_of_others_closed_rooms_and_rooms_where_nobody_was_hear_nothing(cast):
    [mine, closed, empty, forgotten] = make_rooms(cast.app, 4, known=False)
    [theirs] = make_rooms(cast.other_app, 1)
    begin_now(room_key=mine)
    begin_now(room_key=closed)
    Room.objects.filter(group_id="b1", app=cast.app).update(disbanded_at=clock.now())
    Room.objects.filter(group_id="b3", app=cast.app).update(online=7)
    assert send(cast, text="hello").rooms == 4
    relay()
    assert [len(told(name)) for name in (mine, closed, empty, forgotten, theirs)] == [1, 0, 0, 1, 0]
    assert not shared().exists(key("state", empty))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "text"),
        ({"text": "a", "data": 1}, "text"),
        ({"text": ""}, "text"),
        ({"text": "x" * 8193}, "text"),
        ({"data": "x" * 8192}, "data"),
        ({"data": 2**70}, "data"),
        ({"data": "\ud800"}, "data"),
        ({"text": "a", "title": "x" * 101}, "title"),
        ({"text": "a", "room": "r1"}, "room"),
    ],
)
def test_what_is_no_broadcast_is_refused(cast, data, field):
    with pytest.raises(BadParameter) as refusal:
        send(cast, **data)
    assert refusal.value.extra["field"] == field
    assert not to_everyone()


def test_only_the_app_speaks_to_all_its_rooms(cast):
    for person in (cast.stella, cast.mia):
        with pytest.raises(NotPermitted):
            send_broadcast(app=cast.app, text="a", by=cast.actor(person), now=clock.now())
    boss = make_person(cast.app, "administrator")
    send_broadcast(app=cast.app, text="a", by=cast.actor(boss), now=clock.now())


def test_over_rest_the_same_key_says_it_once(cast):
    answers = [cast.server().post("broadcasts", {"text": "hi"}, **{"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json() == {"id": answers[0].json()["id"], "rooms": 1}
    assert len(to_everyone()) == 1
    entry = AuditEntry.objects.get(action="broadcast.send")
    assert (entry.target, entry.detail["text"]) == (str(cast.app.sdkappid), "hi")
    refused(cast.server().post("broadcasts", {"text": "other"}, **{"Idempotency-Key": "k1"}), 409, 10056)
    refused(cast.api(cast.mia).post("broadcasts", {"text": "hi"}), 403, 10007)
    refused(cast.api(None).post(f"broadcasts?sdkappid={cast.app.sdkappid}", {"text": "hi"}), 401, 70002)
    refused(cast.server().post("broadcasts", {"text": "x" * 9000}), 400, 80002)
    cast.key.scopes = ["rooms"]
    cast.key.save()
    refused(cast.server().post("broadcasts", {"text": "hi"}), 403, 10007)
