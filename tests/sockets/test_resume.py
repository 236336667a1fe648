"""Coming back: exactly what was missed, or an honest no."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from interactions.delivery.events import encoded
from interactions.delivery.rooms import script_parts
from interactions.delivery.rooms.messages import Message, submit_call
from interactions.delivery.rooms.scripts import SUBMIT
from interactions.delivery.rooms.submitting import publish_now
from interactions.room.events import SystemMessage
from interactions.room_refs import ref
from liveroom.kernel import clock
from liveroom.kernel.data.redis import redis_for
from tests.helpers.made_up import numbered


def where(phone) -> dict:
    return {"epoch": phone.snapshot["epoch"], "seq": phone.snapshot["seq"]}


def test_exactly_what_was_missed_follows_the_snapshot(cast, watching):
    with watching(cast.mia) as phone, watching(cast.zed) as zed:
        zed.says("seen")
        seen = phone.hears("comment")["seq"]
        phone.socket.close()
        for n in range(5):
            zed.says(f"missed {n}")
        with watching(cast.mia, since={"epoch": phone.snapshot["epoch"], "seq": seen}) as again:
            assert again.answer["recovered"] is True
            zed.says("new")
            again.hears("comment", text="new")
            assert [(e["seq"], e["text"]) for e in again.heard if e["type"] == "comment"] == [
                (seen + 1 + n, text) for n, text in enumerate([*(f"missed {n}" for n in range(5)), "new"])
            ]


def test_nothing_missed_is_recovered_too(cast, watching):
    with watching(cast.mia) as phone:
        pass
    with watching(cast.mia, since=where(phone)) as again:
        assert again.answer["recovered"] is True
        again.says("hi")
        again.hears("comment")
        assert len(again.numbered) == 1


def test_none_comes_twice_while_others_speak(cast, watching):
    """The room goes on during the way back: what is replayed and what is new must not overlap."""
    cast.room.messages_per_second = 1000
    cast.room.save()
    with watching(cast.mia) as phone, watching(cast.zed) as zed, ThreadPoolExecutor(1) as pool:
        begin = where(phone)
        phone.socket.close()
        speaking = pool.submit(lambda: [zed.says(f"{n}")["seq"] for n in range(100)])
        returns = []
        while not speaking.done():
            with watching(cast.mia, since=begin) as again:
                assert again.answer["recovered"] is True
                again.says("here")
                again.hears("comment", text="here")
                returns.append([seq for seq, _ in again.numbered])
    for seqs in returns:
        assert seqs == list(range(begin["seq"] + 1, begin["seq"] + 1 + len(seqs)))
    assert len(returns) > 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda at: {**at, "epoch": "another"},
        lambda at: {**at, "seq": at["seq"] + 1},
        lambda at: {**at, "seq": 2**53},
    ],
)
def test_from_another_epoch_or_the_future_only_the_snapshot_counts(cast, watching, spoil):
    with watching(cast.mia) as phone:
        phone.says("hi")
        phone.hears("comment")
        here = {**where(phone), "seq": phone.snapshot["seq"] + 1}
    with watching(cast.mia, since=spoil(here)) as again:
        assert again.answer["recovered"] is False
        assert [message["text"] for message in again.snapshot["history"]] == ["hi"]
        again.says("next")
        again.hears("comment", text="next")
        assert len(again.numbered) == 1


def test_beyond_the_log_only_the_snapshot_counts(cast, watching):
    with watching(cast.mia) as phone:
        begin = where(phone)
    room = ref(cast.room)
    now_ms = clock.now_ms()
    for n in range(script_parts.LOG_EVENTS + 1):
        long_ago = now_ms - (script_parts.LOG_SECONDS + 5) * 1000
        message = Message(id=f"e{n}", event=numbered(n))
        call = submit_call(
            room, (message,), tick_ms=100, now_ms=now_ms if n == script_parts.LOG_EVENTS else long_ago
        )  # fmt: skip
        SUBMIT.ask_now(redis_for(room.key), call)
    with watching(cast.mia, since={**begin, "seq": begin["seq"] + 1}) as again:
        assert again.answer["recovered"] is True
    with watching(cast.mia, since=begin) as again:
        assert again.answer["recovered"] is False


@pytest.mark.parametrize(
    "since", ["x", 5, {}, {"epoch": "e"}, {"seq": 1}, {"epoch": 1, "seq": 1}, {"epoch": "e", "seq": -1},
              {"epoch": "e", "seq": 1.5}, {"epoch": "e", "seq": True}, {"epoch": "e", "seq": "1"}],
)  # fmt: skip
def test_a_since_that_is_none_is_refused(cast, calls, since):
    with calls(cast.mia) as phone:
        answer = phone.joins("r1", since=since)
        assert (answer["ok"], answer["error"]["code"]) == (False, 10004)
        assert phone.joins("r1")["ok"]


def test_a_room_that_lost_its_memory_sends_its_viewers_back(cast, watching):
    """Redis came back empty: whoever is in the room is told to come again, and then sees what there is."""
    with watching(cast.mia) as phone, watching(cast.zed) as zed:
        zed.says("before")
        phone.hears("comment")
        redis_for(cast.room.key).flushdb()
        now = encoded(SystemMessage(t=clock.now_ms(), text="after", reason="notice"))
        publish_now(room=ref(cast.room), event=now, event_id="x")
        assert phone.is_hung_up() == 4005
        assert phone.farewell["reconnect"] is True
        with watching(cast.mia, since=where(phone)) as again:
            assert again.answer["recovered"] is False
