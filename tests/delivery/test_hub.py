"""The hub alone, with real Redis: every room of a process that begins is heard, from the first moment."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from interactions.delivery import control
from interactions.delivery.control import CloseSockets
from interactions.delivery.fanout.hub import Hub
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import archive_stream
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.log import position
from interactions.delivery.rooms.messages import Message
from interactions.delivery.rooms.submitting import publish_now, submit_now
from interactions.delivery.targets import Room
from liveroom.kernel.data.redis import channel, key, shared
from tests.helpers.made_up import KeepingViewer, enter, numbered

ROOMS = 40


def room(number: int) -> RoomRef:
    return RoomRef(key=f"1:hub{number}", group_id=f"hub{number}", app_id=1, history_count=20, history_hours=24)


@pytest.fixture(autouse=True)
def _empty_redis(transactional_db):
    shared().flushdb()


def say(ref: RoomRef, number: int) -> None:
    publish_now(room=ref, event=numbered(number), event_id=f"e{number}")


async def test_no_room_is_overheard_that_is_entered_while_the_hub_begins():
    """A socket process comes back and the viewers of forty rooms come at once; what is whispered reaches each of them."""
    hub, viewers = Hub(process="hub-1"), [KeepingViewer() for _ in range(ROOMS)]

    async def come(number: int) -> None:
        await asyncio.sleep(number * 0.0003)
        seat = await hub.enter(room=room(number), viewer=viewers[number])
        here = await position(room_key=room(number).key)
        hub.settle(room_key=room(number).key, position=here)
        hub.open(room_key=room(number).key, seat=seat, after_seq=here.seq)

    await asyncio.gather(*(come(number) for number in range(ROOMS)))
    began = time.monotonic()
    for number in range(ROOMS):
        control.publish_now(CloseSockets(code=4104, reason="x", message="x"), to=Room(room(number).key))
    await asyncio.wait_for(asyncio.gather(*(viewer.leaves() for viewer in viewers)), 4)
    assert time.monotonic() - began < 4
    await hub.stop()


async def test_what_was_replayed_is_not_told_again_by_a_hub_that_lags():
    """Redis has three events that the hub has not heard of yet; the viewer resumes before the first of them."""
    hub, early, late = Hub(process="hub-1"), KeepingViewer(), KeepingViewer()
    ref = room(0)
    seat = await hub.enter(room=ref, viewer=early)
    here = await position(room_key=ref.key)
    hub.settle(room_key=ref.key, position=here)
    hub.open(room_key=ref.key, seat=seat, after_seq=here.seq)
    for number in range(3):
        await asyncio.to_thread(say, ref, number)
    resumed = await hub.enter(room=ref, viewer=late)
    now = await position(room_key=ref.key, since=here.seq)
    hub.open(room_key=ref.key, seat=resumed, after_seq=now.seq, missed=now.events)
    await asyncio.to_thread(say, ref, 3)
    for viewer in (early, late):
        while not any(found.get("n") == 3 for found in viewer.events()):
            viewer.heard.clear()
            await asyncio.wait_for(viewer.heard.wait(), 5)
    assert [found["n"] for found in late.events() if "n" in found] == [0, 1, 2, 3]
    await hub.stop()


async def test_what_a_process_that_is_gone_left_waiting_is_said():
    """It was over the rate when it was submitted; nobody carries it any more, but here are viewers."""
    hub, viewer = Hub(process="hub-1"), KeepingViewer()
    ref = replace(room(0), messages_per_second=1)
    seat = await hub.enter(room=ref, viewer=viewer)
    here = await position(room_key=ref.key)
    hub.settle(room_key=ref.key, position=here)
    hub.open(room_key=ref.key, seat=seat, after_seq=here.seq)
    said = [Message(id=f"m{n}", event=numbered(n), sender="zed", priority=Priority.NORMAL) for n in range(2)]
    left = await asyncio.to_thread(submit_now, room=ref, messages=said, tick_ms=100)
    assert [outcome.result for outcome in left.outcomes] == ["delivered", "waiting"]
    await asyncio.sleep(1.1)
    await hub.catch_up.look(ref.key)
    while [found["n"] for found in viewer.events() if "n" in found] != [0, 1]:
        viewer.heard.clear()
        await asyncio.wait_for(viewer.heard.wait(), 5)
    await hub.stop()


def tip(ref: RoomRef, number: int) -> None:
    shared().publish(channel(ref.key), b"M" + numbered(number))


async def test_a_numbered_event_never_waits_behind_a_tip():
    """The second tip may be told 0.7 s after the first; what has a number and comes after it is told at once."""
    hub, viewer, ref = Hub(process="hub-1"), KeepingViewer(), room(0)
    await enter(hub, ref, viewer)
    await hub.presence.stop()
    await asyncio.to_thread(say, ref, 1)
    await viewer.hears(1)
    for number in (100, 101):
        await asyncio.to_thread(tip, ref, number)
        await asyncio.sleep(0.05)
    for number in (2, 3):
        await asyncio.to_thread(say, ref, number)
        await viewer.hears(number)
    await viewer.hears(101)
    assert [found["n"] for found in viewer.events() if "n" in found] == [1, 100, 2, 3, 101]
    await hub.stop()


async def test_a_room_with_something_to_say_waits_for_no_other_room():
    """Eight rooms have tips that may not be told yet; a numbered event of each goes out before any of them."""
    hub, viewers = Hub(process="hub-1"), [KeepingViewer() for _ in range(8)]
    for number, viewer in enumerate(viewers):
        await enter(hub, room(number), viewer)
    for number in range(16):
        await asyncio.to_thread(tip, room(number % 8), 100 + number)
    for number, viewer in enumerate(viewers):
        await asyncio.to_thread(say, room(number), 1)
        await viewer.hears(1)
    for number, viewer in enumerate(viewers):
        await viewer.hears(108 + number)
        assert [found["n"] for found in viewer.events() if "n" in found] == [100 + number, 1, 108 + number]
    await hub.stop()


async def test_a_room_that_lost_its_memory_delays_no_other(monkeypatch):
    """Its new epoch is above all that was archived, and the database takes its time to say what that is."""
    hangs = threading.Event()

    def last_numbers(room_keys):
        assert hangs.wait(10)
        return dict.fromkeys(room_keys, 0)

    hub, lost, well = Hub(process="hub-1"), KeepingViewer(), KeepingViewer()
    await enter(hub, room(0), lost)
    await enter(hub, room(1), well)
    monkeypatch.setattr(archive_stream, "last_numbers", last_numbers)
    shared().delete(key("state", room(0).key), key("ticks", room(0).key))
    # Something with a number that does not follow: the hub looks at the log, and there is none.
    shared().publish(channel(room(0).key), b'E9 gone \n{"seq":9,"type":"system","t":1}')
    for number in range(3):
        await asyncio.to_thread(say, room(1), number)
        await well.hears(number)
    assert lost.dismissed is None
    hangs.set()
    await asyncio.wait_for(lost.leaves(), 5)
    assert lost.dismissed == 4005
    await hub.stop()


async def test_many_rooms_are_compared_in_one_pipeline_and_only_those_that_differ_with_the_log(monkeypatch):
    hub, viewers = Hub(process="hub-1"), [KeepingViewer() for _ in range(ROOMS)]
    for number, viewer in enumerate(viewers):
        await enter(hub, room(number), viewer)
    await asyncio.to_thread(say, room(3), 1)
    await viewers[3].hears(1)
    shared().client_kill_filter(_type="pubsub")
    shared().publish(channel(room(5).key), b"")
    looked = []
    catch_up = hub.catch_up.look

    async def counted(room_key, *, last_words=0.0):
        looked.append(room_key)
        await catch_up(room_key, last_words=last_words)

    monkeypatch.setattr(hub.catch_up, "look", counted)
    await hub.catch_up.look_at_all(list(hub.rooms))
    assert looked == []
    await asyncio.to_thread(say, room(5), 2)
    await viewers[5].hears(2)
    assert set(looked) <= {room(5).key}
    await hub.stop()
