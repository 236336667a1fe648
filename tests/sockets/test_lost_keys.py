"""Redis evicts or loses a single key of a room: nothing has two meanings afterwards, and nothing is lost without a word."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from interactions.delivery.people import user_events as you
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.epochs import begin_call, begin_now
from interactions.delivery.rooms.log import history_now
from interactions.delivery.rooms.log_scripts import BEGIN
from interactions.delivery.rooms.messages import Message, Outcome
from interactions.delivery.rooms.submitting import publish_many_now, publish_now, submit_now
from interactions.room_refs import ref
from liveroom.kernel import clock
from liveroom.kernel.data.redis import key, redis_for, shared
from tests.helpers.made_up import ToOne, numbered
from tests.helpers.sockets import HungUp, Phone

KINDS = (
    "state", "ticks", "history", "counts", "likes",
    "presence", "presence:all", "presence:came", "presence:told",
)  # fmt: skip


def comments(phone: Phone) -> list[tuple[int, str]]:
    return [(event["seq"], event["text"]) for event in phone.heard if event["type"] == "comment"]


def until_there(name: str) -> None:
    """The word of who is in the room comes a moment after it."""
    end = time.monotonic() + 5
    while not shared().exists(name):
        assert time.monotonic() < end, name
        time.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_room_that_lost_one_key_goes_on_or_says_so(cast, watching, kind):
    with watching(cast.mia) as mia, watching(cast.zed) as zed:
        for number in range(3):
            assert zed.says(f"before {number}")["result"] == "delivered"
        assert mia.asks("like", count=7)["total"] == 7
        mia.hears("comment", text="before 2")
        until_there(key(kind, cast.room.key))
        assert shared().delete(key(kind, cast.room.key)) == 1
        assert zed.says("after")["result"] == "delivered"
        try:
            mia.hears("comment", text="after")
            heard = comments(mia)
            assert [text for _, text in heard] == ["before 0", "before 1", "before 2", "after"]
        except HungUp:
            assert mia.code == 4005
            heard = comments(mia)
        with watching(cast.max) as late:
            assert [said["text"] for said in late.snapshot["history"]] == [*(f"before {n}" for n in range(3)), "after"]
            told = [*heard, *((said["seq"], said["text"]) for said in late.snapshot["history"])]
            assert late.asks("like", count=1)["total"] == 8
            meaning = defaultdict(set)
            for seq, text in told:
                meaning[seq].add(text)
            assert all(len(texts) == 1 for texts in meaning.values()), meaning
            late.hears("online", online=3)


def test_what_waited_is_said_or_sampled_when_the_list_of_it_is_lost(cast, watching):
    cast.room.messages_per_second = 1
    cast.room.save()
    with watching(cast.mia) as mia, watching(cast.zed) as zed:
        assert zed.says("first")["result"] == "delivered"
        zed.send(json.dumps({"id": "lost", "type": "comment", "text": "second"}))
        until_there(key("pending", cast.room.key))
        shared().delete(key("pending", cast.room.key))
        answer = zed.answers("lost")
        assert answer["ok"], answer
        if answer["result"] == "delivered":
            assert mia.hears("comment", text="second")["seq"] == answer["seq"]
        assert len(comments(mia)) == len({seq for seq, _ in comments(mia)})


def say(room: RoomRef, number: int) -> Outcome:
    event = numbered(number, t=clock.now_ms())
    return publish_now(room=room, event=event, event_id=f"e{number}", in_history=True)


def raw(room: RoomRef, kind: str, *fields: str) -> list[Any]:
    return [word.decode() for word in redis_for(room.key).hmget(key(kind, room.key), fields)]


def test_the_state_is_made_again_from_the_log_by_whoever_comes_first(cast):
    room = ref(cast.room)
    begin_now(room_key=room.key)
    first = [say(room, number) for number in range(3)]
    before = raw(room, "state", "epoch", "seq", "mark")
    shared().delete(key("state", room.key))
    # A message to many rooms leaves out those that Redis does not know: this is none of them.
    message = Message(id="all", event=numbered(9))
    assert publish_many_now([(room, message)]) == 1
    assert raw(room, "state", "epoch", "seq") == [before[0], "4"]
    assert [say(room, number) for number in range(3)] == first
    shared().delete(key("state", room.key))
    begin_now(room_key=room.key)
    assert raw(room, "state", "epoch", "seq") == [before[0], "4"]


def test_a_state_that_is_behind_its_log_gives_no_number_again(cast):
    room = ref(cast.room)
    begin_now(room_key=room.key)
    say(room, 1)
    older = shared().dump(key("state", room.key))
    assert [say(room, number).seq for number in (2, 3)] == [2, 3]
    shared().restore(key("state", room.key), 0, older, replace=True)
    assert say(room, 4).seq == 4


def test_without_state_and_log_a_room_begins_above_its_archive(cast):
    room = ref(cast.room)
    begin_now(room_key=room.key)
    epoch = raw(room, "state", "epoch")
    say(room, 1)
    shared().delete(key("state", room.key), key("ticks", room.key))
    assert submit_now(room=room, messages=(), tick_ms=100).epoch != epoch[0]


def test_what_waited_in_a_memory_that_went_back_is_said_by_nobody_but_who_asks_again(cast):
    room = replace(ref(cast.room), messages_per_second=1)
    begin_now(room_key=room.key)
    [epoch] = raw(room, "state", "epoch")
    messages = [Message(id=f"m{n}", event=numbered(n), priority=Priority.HIGH, paid=True) for n in range(2)]
    first = submit_now(room=room, messages=messages, tick_ms=100)
    assert [outcome.result for outcome in first.outcomes] == ["delivered", "waiting"]
    # Redis is as it was when the second one waited; what was said after that, perhaps this one, it has forgotten.
    begun = BEGIN.ask_now(redis_for(room.key), begin_call(room.key, 100, epoch))
    assert shared().llen(key("pending", room.key)) == 0
    time.sleep(1.1)
    assert say(room, 7).seq == begun[1] + 1
    again = submit_now(room=room, messages=messages[1:], tick_ms=100)
    assert shared().llen(key("pending", room.key)) or again.outcomes[0].seq == begun[1] + 2


def test_a_history_is_made_again_as_long_as_it_was(cast):
    room = ref(cast.room)
    begin_now(room_key=room.key)
    for number in range(room.history_count + 5):
        say(room, number)
    history = history_now(room=room, now_ms=clock.now_ms())
    assert len(history) == room.history_count
    shared().delete(key("history", room.key))
    assert history_now(room=room, now_ms=clock.now_ms()) == history
    shared().delete(key("history", room.key))
    say(room, 1_000)
    later = history_now(room=room, now_ms=clock.now_ms())
    assert later[:-1] == history[1:]
    assert later[-1]["n"] == 1_000


def test_what_became_of_a_message_is_kept_no_longer_than_somebody_may_ask(cast, watching):
    with watching(cast.zed) as zed:
        zed.says("without")
        zed.says("with", cid="c1")
    ages = sorted(shared().ttl(name) for name in shared().keys(key("same:*", cast.room.key)))
    assert 0 < ages[0] <= 30 < 500 < ages[1] <= 600


def test_a_person_never_hears_a_number_twice():
    """Epoch and number are one key: neither can be lost without the other."""
    shared().flushdb()
    person = "1:mia"
    for number in range(1, 4):
        you.publish_now(person=person, event=ToOne(t=number, n=number), event_id=f"e{number}")
    names = {name.decode() for name in shared().keys(key("*", f"@{person}")) if b"usame" not in name}
    told: dict[str, set[int]] = defaultdict(set)
    for place, name in enumerate(sorted(names)):
        shared().delete(name)
        found = you.publish_now(person=person, event=ToOne(t=9, n=9), event_id=f"again{place}")
        assert found.useq not in told[found.epoch]
        told[found.epoch].add(found.useq)
