"""When the rooms of this process are written: each as soon as it may be, and not more often than viewers are promised.

Promise: something new never waits for what was due later, whatever that was; one room is written after the other, so that a room's
frames never overtake each other; what a room costs does not depend on how many others there are. State: memory, a timer per room."""

from __future__ import annotations

import asyncio
from collections import deque

from interactions.delivery.fanout.feed import CHUNK, NEVER, Feed

# Twelve frames a second at most: ten or so of what nobody may miss, and one or two of what they may (surface.md).
MUST_APART = 0.95
MAY_APART_SECONDS = 0.7


class Schedule:
    """All rooms of this process. One per event loop; `run` is its heart."""

    def __init__(self, *, tick_ms: int) -> None:
        self._must_apart = tick_ms / 1000 * MUST_APART
        self._may_apart = MAY_APART_SECONDS if tick_ms else 0.0
        self._queue: deque[Feed] = deque()
        self._wake = asyncio.Event()

    def due_soon(self, room: Feed) -> None:
        """Something is new in the room: write it now, or when the last frame of its kind is old enough."""
        if room.queued:
            return
        at = room.due_at(must_apart=self._must_apart, may_apart=self._may_apart)
        if at == NEVER:
            return
        loop = asyncio.get_running_loop()
        if at <= loop.time():
            self._enqueue(room)
        elif room.timer is None or at < room.timer.when():
            if room.timer is not None:
                room.timer.cancel()
            room.timer = loop.call_at(at, self._enqueue, room)

    def _enqueue(self, room: Feed) -> None:
        if room.timer is not None:
            room.timer.cancel()
            room.timer = None
        if not room.queued:
            room.queued = True
            self._queue.append(room)
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        written = 0
        while True:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            room = self._queue.popleft()
            room.queued = False
            try:
                await self._write(room, loop.time())
            finally:
                self.due_soon(room)
            # Many small rooms at once are as much work as one large one, which goes in chunks.
            written += len(room.seats) + 1
            if written >= CHUNK:
                written = 0
                await asyncio.sleep(0)

    async def _write(self, room: Feed, now: float) -> None:
        """What is due of one room. What is not yet is due again afterwards."""
        if room.must and room.must_at + self._must_apart <= now:
            room.must_at = now
            await room.write_numbered()
        if not room.must:
            room.dismiss_those()
        if room.may and room.may_at + self._may_apart <= now:
            room.may_at = now
            await room.write_droppable()
