"""Rooms that are liked, with no socket: counters that run, and what the room is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import orjson

from interactions.likes.process_counter import LikeCounter
from interactions.room_refs import KnownRoom
from liveroom.kernel.data.redis import aredis_for, channel

ALONE = KnownRoom(key="1:liked", group_id="liked", app_id=1, history_count=20, history_hours=24, likes_per_second=1000)


def nick(person: str) -> str:
    return person.title()


def shown(person: str) -> dict[str, str]:
    return {"id": person, "nick": nick(person)}


@asynccontextmanager
async def running(*many: LikeCounter):
    tasks = [asyncio.ensure_future(one.run()) for one in many]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def hearing(room: KnownRoom):
    """What the room is told, as a list that fills."""
    heard: list[dict] = []

    async def listen() -> None:
        while True:
            message = await line.get_message(timeout=1)
            if message is not None:
                assert message["data"][:1] == b"M"
                heard.append(orjson.loads(message["data"][1:]))

    async with aredis_for(room.key).pubsub(ignore_subscribe_messages=True) as line:
        await line.subscribe(channel(room.key))
        task = asyncio.ensure_future(listen())
        try:
            yield heard
        finally:
            task.cancel()


async def until(true, seconds: float = 5) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)
