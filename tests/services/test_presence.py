"""Presence with real Redis: two socket processes' worth of it in one loop, and how many are here."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interactions.delivery.presence import crowd_now, heartbeat, take_changed_rooms
from interactions.delivery.presence.crowd import Crowd
from interactions.delivery.room_ref import RoomRef
from liveroom.kernel.data.redis import shared
from tests.helpers.presence import ROOM, Process, announced, listening, members, until

# Heartbeats of a third of a second: whoever is kept waiting by another run counts as dead.
pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    shared().flushdb()


@pytest.fixture
async def two() -> AsyncIterator[tuple[Process, Process]]:
    one, other = Process("socket-1"), Process("socket-2")
    yield one, other
    await one.stop()
    await other.stop()


async def test_a_person_counts_once_in_two_processes_and_every_guest_counts(two):
    one, other = two
    one.enter("mia", "mia", "zed", None)
    other.enter("mia", "max", None, None)
    await until(6, 8)
    assert crowd_now(room_key=ROOM.key) == Crowd(online=6, sockets=8)
    one.leave("mia", "zed")
    await until(5, 6)
    one.leave("mia")
    await until(5, 5)
    other.leave("mia", None)
    await until(3, 3)
    one.leave(None)
    other.leave("max", None)
    await until(0, 0)


async def test_who_is_not_counted_is_nobody(two):
    one, _ = two
    async with listening() as listener:
        one.enter("max", None, counted=False)
        one.leave("max", None, counted=False)
        one.leave("zed", None)
        one.enter("mia")
        await listener.hears("online", online=1, sockets=1)
        await until(1, 1)
        assert listener.of("join")[0]["count"] == 1
        assert members() == ["mia"]


async def test_a_killed_process_is_found_and_told_by_the_other():
    one, other = Process("socket-1"), Process("socket-2")
    one.enter("mia", "zed", None)
    other.enter("mia", "max")
    await until(4, 5)
    await announced(4, 5)
    async with listening() as listener:
        await one.die()
        began = time.monotonic()
        await listener.hears("online", online=2, sockets=2)
        # Expiry, beat, a second between two numbers; and a second for a machine that has other things to do.
        assert time.monotonic() - began < 1.0 + 0.3 + 1.0 + 1.0
    assert sorted(members()) == ["max", "mia"]
    assert ROOM.key in take_changed_rooms()
    await other.stop()


async def test_nobody_needs_to_beat_for_a_dead_number_to_run_out():
    one = Process("socket-1")
    one.enter("mia", None)
    await until(2)
    await one.die()
    await until(0, 0)
    assert members() == []


async def test_a_clean_end_is_counted_and_told_at_once(two):
    one, other = Process("socket-1", beat_seconds=60, expiry_seconds=60), two[1]
    one.enter("mia", "zed")
    other.enter("mia")
    await until(2)
    await announced(2, 3)
    async with listening() as listener:
        await one.stop()
        assert crowd_now(room_key=ROOM.key).online == 1
        await listener.hears("online", online=1, sockets=1, seconds=0.5)
        one.enter("rita")
        one.leave("mia")
    assert members() == ["mia"]
    assert not one.presence.rooms


async def test_when_redis_lost_its_memory_everything_is_said_again(two):
    one, other = two
    one.enter("mia", None)
    other.enter("zed")
    await until(3)
    async with listening() as listener:
        shared().flushall()
        one.enter("max")
        await until(4, 4)
        assert sorted(members()) == ["max", "mia", "zed"]
        tips = await listener.hears("join")
        assert [user["id"] for user in tips["users"]] == ["max"], "those who were here are not new"
        assert not listener.of("leave")


async def test_a_set_that_was_lost_alone_is_said_again(two):
    one, _ = two
    one.enter("mia", "zed")
    await until(2)
    await asyncio.sleep(0.2)
    for lost in (f"here:{one.presence.process}", "all"):
        assert shared().delete(f"liveroom:{{{ROOM.key}}}:presence:{lost}")
        await until(2)


async def test_redis_may_be_away_while_people_come(two, monkeypatch):
    one, _ = two
    one.enter("mia")
    await until(1)
    with monkeypatch.context() as away:

        def gone(_: str) -> Any:
            raise ConnectionError("away")

        away.setattr(heartbeat, "aredis_for", gone)
        one.enter("zed")
        await asyncio.sleep(0.4)
    await until(2)


async def test_a_thousand_people_move_from_one_process_to_another_and_none_is_lost(two):
    one, other = two
    people = [f"p{number}" for number in range(1000)]
    one.enter(*people)
    await until(1000)
    async with listening() as listener:
        for first in range(0, 1000, 100):
            some = people[first : first + 100]
            one.leave(*some)
            await asyncio.sleep(0.01)
            other.enter(*some)
        await until(1000, 1000)
        told = [event["online"] for event in listener.of("online")]
        assert all(number >= 800 for number in told)
        assert not listener.of("join")
    assert crowd_now(room_key=ROOM.key).online == 1000
    assert len(members()) == 1000


async def test_more_people_than_one_call_carries(two):
    one, other = two
    one.enter(*(f"p{number}" for number in range(2500)))
    other.enter(*(f"p{number}" for number in range(2000, 3500)))
    await until(3500, 4000)
    assert len(members()) == 1000
    one.leave(*(f"p{number}" for number in range(2500)))
    await until(1500, 1500)


async def test_rooms_that_are_empty_are_let_go(two):
    one, _ = two
    rooms = [RoomRef(key=f"1:e{n}", group_id=f"e{n}", app_id=1, history_count=20, history_hours=24) for n in range(150)]
    for room in rooms:
        one.enter("mia", room=room)
    await asyncio.sleep(0.3)
    assert all(crowd_now(room_key=room.key).online == 1 for room in rooms)
    for room in rooms:
        one.leave("mia", room=room)
    async with asyncio.timeout(4):
        while one.presence.rooms:
            await asyncio.sleep(0.05)
    assert all(crowd_now(room_key=room.key).online == 0 for room in rooms)


async def test_whatever_happens_the_number_comes_right():
    """People come and go in three processes that end, die and begin again, while Redis loses all it knows, or one key of it."""
    chance, people = random.Random(7), [None, *(f"p{number}" for number in range(25))]
    processes = [Process("socket", expiry_seconds=0.6, apart_seconds=0.02) for _ in range(3)]
    for _ in range(250):
        place, dice = chance.randrange(3), chance.random()
        process = processes[place]
        if dice < 0.55:
            process.enter(*chance.choices(people, k=5))
        elif dice < 0.95:
            chance.shuffle(process.here)
            process.here, gone = process.here[5:], process.here[:5]
            process.leave(*gone)
        elif dice < 0.97:
            await (process.die() if dice < 0.96 else process.stop())
            processes[place] = Process("socket", expiry_seconds=0.6, apart_seconds=0.02)
        elif dice < 0.98:
            shared().flushall()
        else:
            shared().delete(*chance.sample(sorted(shared().keys("liveroom:*")) or ["none"], k=1))
        await asyncio.sleep(chance.random() * 0.008)
    here = [person for process in processes for person in process.here]
    distinct = set(here) - {None}
    await until(len(distinct) + here.count(None), len(here))
    async with asyncio.timeout(2):
        while set(members()) != distinct:
            await asyncio.sleep(0.05)
    for process in processes:
        await process.stop()
    assert crowd_now(room_key=ROOM.key) == Crowd(online=0, sockets=0)
