"""Presence with real Redis: two socket processes' worth of it in one loop, and what a room is told."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import orjson
import pytest

from interactions.delivery.presence import Presence, crowd_now, heartbeat, members_now, take_changed_rooms
from interactions.delivery.presence.crowd import Crowd
from interactions.delivery.room_ref import RoomRef
from liveroom.kernel.redis import aredis_for, channel, shared
from tests.sockets.test_protocol import fits

# Heartbeats of a third of a second: whoever is kept waiting by another run counts as dead.
pytestmark = pytest.mark.alone

ROOM = RoomRef(key="1:r1", group_id="r1", app_id=1, history_count=20, history_hours=24)
QUICK = {"expiry_seconds": 1.0, "beat_seconds": 0.3, "grace_seconds": 0.3, "apart_seconds": 0.1}


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    shared().flushdb()


class Process:
    """A socket process as far as presence goes. `enter("mia")`; None is a guest."""

    def __init__(self, name: str, **times: float) -> None:
        self.presence = Presence(name, **{**QUICK, **times})
        self.task = asyncio.ensure_future(self.presence.run())
        self.here: list[str | None] = []

    def enter(self, *people: str | None, room: RoomRef = ROOM, counted: bool = True) -> None:
        for person in people:
            shown = person and {"id": person, "nick": person.title(), "avatar": "", "level": 1, "role": "member"}
            self.presence.entered(room=room, person=person, shown=shown, counted=counted)
            self.here.append(person)

    def leave(self, *people: str | None, room: RoomRef = ROOM, counted: bool = True) -> None:
        for person in people:
            self.presence.left(room_key=room.key, person=person, counted=counted)

    async def stop(self) -> None:
        await self.presence.stop()
        await self.die()

    async def die(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Ear:
    """What the room is told."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    async def listen(self, pubsub: Any) -> None:
        async for message in pubsub.listen():
            assert message["data"][:1] == b"M"
            for line in message["data"][1:].split(b"\n"):
                event = orjson.loads(line)
                fits({"join": "joined", "leave": "departed"}.get(event["type"], event["type"]), event)
                self.heard.append(event)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.heard if event["type"] == kind]

    async def hears(self, kind: str, *, seconds: float = 4, **fields: Any) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                for event in self.of(kind):
                    if fields.items() <= event.items():
                        return event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    ear, pubsub = Ear(), aredis_for("").pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(channel(ROOM.key))
    task = asyncio.ensure_future(ear.listen(pubsub))
    try:
        yield ear
        if task.done():
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pubsub.aclose()


@pytest.fixture
async def two() -> AsyncIterator[tuple[Process, Process]]:
    one, other = Process("socket-1"), Process("socket-2")
    yield one, other
    await one.stop()
    await other.stop()


async def until(online: int, sockets: int | None = None, *, seconds: float = 4) -> float:
    """How long it took until that was the number in Redis."""
    began = time.monotonic()
    while True:
        found = await asyncio.to_thread(crowd_now, room_key=ROOM.key)
        if found.online == online and sockets in (None, found.sockets):
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, found
        await asyncio.sleep(0.02)


def members() -> list[str]:
    return [came.id for came in members_now(room_key=ROOM.key)]


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
    async with listening() as ear:
        one.enter("max", None, counted=False)
        one.leave("max", None, counted=False)
        one.leave("zed", None)
        one.enter("mia")
        await ear.hears("online", online=1, sockets=1)
        await until(1, 1)
        assert ear.of("join")[0]["count"] == 1
        assert members() == ["mia"]


async def test_a_killed_process_is_found_and_told_by_the_other():
    one, other = Process("socket-1"), Process("socket-2")
    one.enter("mia", "zed", None)
    other.enter("mia", "max")
    await until(4, 5)
    async with listening() as ear:
        await one.die()
        began = time.monotonic()
        await ear.hears("online", online=2, sockets=2)
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
    async with listening() as ear:
        await one.stop()
        assert crowd_now(room_key=ROOM.key).online == 1
        await ear.hears("online", online=1, sockets=1, seconds=0.5)
        one.enter("rita")
        one.leave("mia")
    assert members() == ["mia"]
    assert not one.presence.rooms


async def test_when_redis_lost_its_memory_everything_is_said_again(two):
    one, other = two
    one.enter("mia", None)
    other.enter("zed")
    await until(3)
    async with listening() as ear:
        shared().flushall()
        one.enter("max")
        await until(4, 4)
        assert sorted(members()) == ["max", "mia", "zed"]
        tips = await ear.hears("join")
        assert [user["id"] for user in tips["users"]] == ["max"], "those who were here are not new"
        assert not ear.of("leave")


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
    async with listening() as ear:
        for first in range(0, 1000, 100):
            some = people[first : first + 100]
            one.leave(*some)
            await asyncio.sleep(0.01)
            other.enter(*some)
        await until(1000, 1000)
        told = [event["online"] for event in ear.of("online")]
        assert all(number >= 800 for number in told)
        assert not ear.of("join")
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


async def test_when_the_latest_have_gone_the_list_shows_those_before_them(two):
    one, _ = two
    one.enter(*(f"early{number}" for number in range(700)))
    await until(700)
    late = [f"late{number}" for number in range(900)]
    one.enter(*late)
    await until(1600)
    one.leave(*late)
    await until(700)
    async with asyncio.timeout(3):
        while len(members()) < 700:
            await asyncio.sleep(0.05)
    assert all(person.startswith("early") for person in members())


async def test_the_latest_come_first(two):
    one, other = two
    for person, process in (("mia", one), ("zed", other), ("max", one)):
        process.enter(person)
        await asyncio.sleep(0.005)
    other.enter("mia")
    await until(3)
    assert members() == ["max", "zed", "mia"]
    one.leave("max")
    await until(2)
    assert members() == ["zed", "mia"]


async def test_tips_are_merged_and_only_for_who_was_in_no_window(two):
    one, other = two
    async with listening() as ear:
        other.enter("mia")
        await ear.hears("join", count=1)
        one.enter("mia", None, *(f"p{number}" for number in range(20)))
        tip = await ear.hears("join", count=20)
        assert [user["id"] for user in tip["users"]] == [f"p{number}" for number in range(15, 20)]
        assert tip["users"][0] == {"id": "p15", "nick": "P15", "avatar": "", "level": 1, "role": "member"}
        one.leave("mia", None, *(f"p{number}" for number in range(7)))
        tip = await ear.hears("leave")
        assert (tip["count"], [user["id"] for user in tip["users"]]) == (7, [f"p{number}" for number in range(2, 7)])
        assert sum(event["count"] for event in ear.of("join")) == 21


async def test_who_only_reconnects_makes_no_tip(two):
    one, other = two
    async with listening() as ear:
        one.enter("mia", "zed", "max")
        await ear.hears("join", count=3)
        one.leave("mia", "zed", "max")
        one.enter("zed")
        await until(1)
        other.enter("mia")
        await until(2)
        tip = await ear.hears("leave")
        assert [user["id"] for user in tip["users"]] == ["max"]
        await asyncio.sleep(0.4)
        assert len(ear.of("leave")) == len(ear.of("join")) == 1


async def test_a_number_is_told_at_most_once_a_second_and_the_last_one_is_right(two):
    one, other = two
    async with listening() as ear:
        for number in range(60):
            (one if number % 2 else other).enter(f"p{number}")
            await asyncio.sleep(0.02)
        await ear.hears("online", online=60, sockets=60)
    told = ear.of("online")
    assert all(after["t"] - before["t"] >= 950 for before, after in pairwise(told))


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
