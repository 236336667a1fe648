"""The rooms of a process compared with their logs in Redis: what pub/sub lost without a word is fetched.

Promise: where the log does not reach, or Redis forgot what viewers have seen, they are closed and come back by themselves.
State: memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import redis
from django.db import DatabaseError

from interactions.delivery.fanout.feed import EPOCH, Feed
from interactions.delivery.fanout.schedule import Schedule
from interactions.delivery.rooms.epochs import begin
from interactions.delivery.rooms.log import Position, glances, mark_of, position
from interactions.delivery.rooms.ticker import Ticker
from liveroom.kernel.work import metrics

log = logging.getLogger(__name__)

ROOMS_PER_PIPELINE = 200


class CatchUp:
    """All rooms of this process (`rooms`: the hub's own table). One per event loop."""

    def __init__(self, *, rooms: Mapping[str, Feed], schedule: Schedule, ticker: Ticker) -> None:
        self._rooms, self._schedule, self._ticker = rooms, schedule, ticker
        # By room key: whether something is missing again since the look that is under way began.
        self._looking: dict[str, bool] = {}
        self._looks: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        for task in self._looks:
            task.cancel()

    def look_soon(self, room_key: str, *, last_words: float = 0.0) -> None:
        """Compare with the log, while other rooms are heard on: it may take as long as a query to the database."""
        if room_key in self._looking:
            self._looking[room_key] = True  # something is missing again: once more
            return
        self._looking[room_key] = False
        task = asyncio.ensure_future(self._look_until_nothing_is_missing(room_key, last_words))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _look_until_nothing_is_missing(self, room_key: str, last_words: float) -> None:
        try:
            while True:
                self._looking[room_key] = False
                await self.look(room_key, last_words=last_words)
                if not self._looking[room_key]:
                    return
        except (redis.RedisError, OSError, DatabaseError) as error:
            # The next check finds it again.
            log.warning("The room %s could not be compared with its log (%s).", room_key, type(error).__name__)
        except Exception:
            log.exception("The room %s could not be compared with its log.", room_key)
        finally:
            del self._looking[room_key]

    async def look_at_all(self, room_keys: Sequence[str], *, last_words: float = 0.0) -> None:
        """Rooms that stand where Redis has them, nearly always all, cost a small part of a pipeline; the others are compared one by one."""
        for first in range(0, len(room_keys), ROOMS_PER_PIPELINE):
            names = room_keys[first : first + ROOMS_PER_PIPELINE]
            for room_key, glance in zip(names, await glances(room_keys=names), strict=True):
                room = self._rooms.get(room_key)
                if room is not None and not room.stands(glance):
                    self.look_soon(room_key, last_words=last_words)

    async def look(self, room_key: str, *, last_words: float = 0.0) -> None:
        """Compare with the log and take what is missing; where the log does not reach, viewers come back by themselves.

        `last_words`: seconds for which a room without its memory may still say goodbye. One that is being closed has none either, and
        its last events come by the other connection."""
        room = self._rooms.get(room_key)
        if room is None or room.seq is None:
            return  # nobody has been shown anything yet
        heard, epoch = room.seq, room.epoch  # both may move on while we ask
        now, last = await self._log_after(room_key, heard)
        if now.pending:
            self._ticker.look(room=room.ref)
        forgotten = now.epoch == epoch and last and heard == room.seq and room.mark not in (b"", mark_of(last))
        # Below what was seen: in another epoch that matters if somebody saw it here; an id that was taken again begins anew.
        below = now.seq < heard and (now.epoch == epoch or room.shown)
        if below or forgotten:
            # Redis forgot the last second, and perhaps gave its numbers to others since. They never go back, and never mean two
            # things: a new epoch, above what viewers have seen.
            await begin(room_key=room_key, shown=heard, broken=now.epoch)
            now = await position(room_key=room_key, shown=heard)
        if room.epoch != epoch:  # somebody came and found the new one meanwhile
            return
        if now.epoch != room.epoch:
            await asyncio.sleep(last_words)
            if room.farewell or not room.seats or room.epoch != epoch:
                return
            room.begin(epoch=now.epoch, seq=now.seq)
            room.dismiss_all(code=EPOCH, reason="epoch", message="The room's memory was lost; join again.")
            return
        if now.seq <= room.seq:  # others may have delivered while we asked
            return
        metrics.hub_gaps.inc()
        first = now.seq - len(now.events) + 1
        if first > room.seq + 1:
            room.begin(epoch=now.epoch, seq=now.seq)
            room.dismiss_all(code=EPOCH, reason="gap", message="Too much was missed; join again.")
            return
        room.caught_up(events=now.events, seq=now.seq)
        self._schedule.due_soon(room)

    @staticmethod
    async def _log_after(room_key: str, heard: int) -> tuple[Position, bytes]:
        """What came after the last event that was heard, and what that event is now: b"" if the log does not reach back to it."""
        now = await position(room_key=room_key, since=max(0, heard - 1), shown=heard)
        if heard and now.events:
            return replace(now, events=now.events[1:]), now.events[0]
        if heard and now.seq > heard:
            now = await position(room_key=room_key, since=heard, shown=heard)
        return now, b""
