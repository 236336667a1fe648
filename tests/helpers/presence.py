"""Socket processes as far as presence goes, quick ones, in one loop; and what their room is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from interactions.delivery.presence import Presence, crowd_now, members_now
from interactions.delivery.presence.scripts import announced_key
from interactions.delivery.room_ref import RoomRef
from liveroom.kernel.data.redis import aredis_for, channel, shared
from tests.sockets.test_protocol import fits

ROOM = RoomRef(key="1:r1", group_id="r1", app_id=1, history_count=20, history_hours=24)
QUICK = {"expiry_seconds": 1.0, "beat_seconds": 0.3, "grace_seconds": 0.3, "apart_seconds": 0.1}


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


class Listener:
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
async def listening() -> AsyncIterator[Listener]:
    listener, pubsub = Listener(), aredis_for("").pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(channel(ROOM.key))
    task = asyncio.ensure_future(listener.listen(pubsub))
    try:
        yield listener
        if task.done():
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pubsub.aclose()


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


async def announced(online: int, sockets: int, *, seconds: float = 4) -> None:
    """Until that is the number that the room was told last: two processes that come at once may both know an older one first."""
    async with asyncio.timeout(seconds):
        while not (shared().get(announced_key(ROOM.key)) or b"").startswith(b"%d %d " % (online, sockets)):
            await asyncio.sleep(0.01)
