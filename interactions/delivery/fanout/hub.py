"""From Redis to every socket of this process: one subscription per room, one frame per room and tick for all its viewers.

Promise: a viewer gets every event with a `seq` once and in order, or its socket is closed so that it comes back and resumes.
What pub/sub lost is fetched from the room's log. State: memory, and only sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import redis
import redis.asyncio
from django.db import DatabaseError

from interactions.delivery.control import (
    ACK_KEPT_SECONDS,
    ROOM_CONTROL,
    CloseSockets,
    Heard,
    heard,
    heard_in_room,
    people_channel,
)
from interactions.delivery.events import EVERY_ROOM, Control
from interactions.delivery.fanout.feed import Feed, Seat, Viewer
from interactions.delivery.fanout.schedule import Teller
from interactions.delivery.presence.heartbeat import Presence
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms import log as room_log
from interactions.delivery.rooms.epochs import begin
from interactions.delivery.rooms.log import Position
from interactions.delivery.rooms.published import published_events
from interactions.delivery.rooms.ticker import TICK_MS, Ticker
from liveroom.kernel import metrics
from liveroom.kernel.redis import aredis_for, channel
from liveroom.kernel.rounds import Rounds, redis_rounds

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
CHECK_SECONDS = 5.0
ROOMS_PER_PIPELINE = 200
LAST_WORDS_SECONDS = 0.2
# Viewers who have to come back all at once are asked to take this long about it, per thousand of them.
SPREAD_MS_PER_THOUSAND = 1_000
RESTART, EPOCH = 4000, 4005
Listener = Callable[[Heard], None]


class Service(Protocol):
    """What a feature keeps in a socket process, such as sums that wait for a round trip: made without arguments, one per process."""

    async def run(self) -> None:
        """Until cancelled. Called again if it raises."""


Attached = TypeVar("Attached", bound=Service)


class Hub:
    """All rooms of this process. One per event loop."""

    # While Redis was away somebody may have been banned, or told something: who cached a verdict asks again.
    on_return: Callable[[Hub], Coroutine[Any, Any, None]] | None = None
    # Somebody was banned or let in again, who may be coming in at this moment: what was read of that room (or of every one) is old.
    on_doubt: Callable[[str], None] | None = None

    def __init__(self, *, process: str, tick_ms: int = TICK_MS) -> None:
        self.process = process
        self.rooms: dict[str, Feed] = {}
        self.people: dict[str, set[Listener]] = {}
        self.viewers: set[Viewer] = set()
        self.ticker = Ticker(tick_ms=tick_ms)
        self.presence = Presence(process=process)
        self.rounds = redis_rounds()
        self.teller = Teller(tick_ms=tick_ms)
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._subscriptions: Rounds[str, None] = Rounds(self._subscribe)
        self._subscribing: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._services: dict[type[Service], Service] = {}
        self._listened = False
        self._looking: dict[str, bool] = {}
        self._looks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        if not self._tasks:
            steps = (self._listen, self.teller.run, self._check, self.ticker.run, self.presence.run)
            self._tasks = [asyncio.ensure_future(self._forever(step)) for step in steps]

    def service(self, kind: type[Attached]) -> Attached:
        """The service of this class in this process: made at the first call, and run from then on."""
        found = self._services.get(kind)
        if not isinstance(found, kind):
            self.start()
            found = self._services[kind] = kind()
            self._tasks.append(asyncio.ensure_future(self._forever(found.run)))
        return found

    async def stop(self) -> None:
        """A clean end: everybody hears that it is worth coming back, and stops being counted here."""
        for viewer in tuple(self.viewers):
            viewer.dismiss(
                code=RESTART, reason="restart", message="The server restarts; come back in a moment.",
                after_ms=self._spread_ms(len(self.viewers)),
            )  # fmt: skip
        with contextlib.suppress(redis.RedisError, OSError):
            await self.presence.stop()
        for task in (*self._tasks, *self._looks):
            task.cancel()

    def sockets(self) -> Iterable[Viewer]:
        """Everybody who is connected here, in a room or not."""
        return tuple(self.viewers)

    def meet(self, *, person: str, listener: Listener) -> None:
        """From here on the listener hears what concerns this person (`targets.Person.key`)."""
        self.start()
        self.people.setdefault(person, set()).add(listener)

    def part(self, *, person: str, listener: Listener) -> None:
        listeners = self.people.get(person, set())
        listeners.discard(listener)
        if not listeners:
            self.people.pop(person, None)

    async def enter(
        self, *, room: RoomRef, viewer: Viewer, shown: Mapping[str, Any] | None = None, counted: bool = True
    ) -> Seat:
        """Take a seat. Nothing is written to the viewer before `open`. `shown`: who it is; None: a guest.

        Not `counted`: overlays and staff monitors, who are no audience."""
        self.start()
        found = self.rooms.get(room.key)
        if found is None:
            found = self.rooms[room.key] = Feed(ref=room)
        found.ref = room
        seat = Seat(viewer=viewer, person=None if shown is None else str(shown["id"]), counted=counted)
        found.seats.add(seat)
        self.presence.entered(room=room, person=seat.person, shown=shown, counted=counted)
        # Nobody is shown a room before this process has asked to hear of it.
        if self._pubsub is not None and (len(found.seats) == 1 or room.key in self._subscribing):
            self._subscribing.add(room.key)
            try:
                await self._subscriptions.ask(room.key)
            except BaseException:
                self.leave(room_key=room.key, seat=seat)
                raise
        metrics.rooms_watched.set(len(self.rooms))
        return seat

    async def _subscribe(self, room_keys: Sequence[str]) -> list[None]:
        """Rooms that are entered at the same time, in one command."""
        try:
            if self._pubsub is not None:  # else `_listen` subscribes all of them
                await self._pubsub.subscribe(*map(channel, dict.fromkeys(room_keys)))
        finally:
            self._subscribing.difference_update(room_keys)
        return [None] * len(room_keys)

    def settle(self, *, room_key: str, position: Position) -> bool:
        """The first snapshot of a room that is new here: from this `seq` on, a gap is noticed. False: that is behind what viewers here
        have seen; `look_again`, then ask Redis again.

        New is also a room whose id or memory began anew since the last viewer; who is still shown the old one must come back."""
        room = self.rooms.get(room_key)
        if room is None:
            return True
        if room.seq is not None and room.epoch == position.epoch:
            # Two came, and the answer of who was shown less was overtaken: nobody kept for it what lies between.
            return position.seq >= room.began
        if room.seq is not None and position.seq < room.seq and room.shown:
            return False
        if room.seq is not None:
            self._dismiss(
                room, code=EPOCH, reason="epoch", message="The room's memory was lost; join again.", shown=True
            )
        room.begin(epoch=position.epoch, seq=position.seq)
        self.teller.due_soon(room)
        return True

    async def look_again(self, *, room_key: str) -> None:
        """Compare with Redis now; numbers that went back become a new epoch, and everybody here joins again."""
        await self._catch_up(room_key)

    def open(self, *, room_key: str, seat: Seat, after_seq: int, missed: Sequence[bytes] = ()) -> None:
        """The snapshot is written: `Feed.open`."""
        room = self.rooms.get(room_key)
        if room is not None and seat in room.seats:
            room.open(seat=seat, after_seq=after_seq, missed=missed)

    def leave(self, *, room_key: str, seat: Seat) -> None:
        """The subscription stays until the next check: who reconnects within seconds finds the room as it was."""
        found = self.rooms.get(room_key)
        if found is None or seat not in found.seats:
            return
        found.leave(seat)
        self.presence.left(room_key=room_key, person=seat.person, counted=seat.counted)

    async def _forever(self, step: Callable[[], Any]) -> None:
        while True:
            try:
                await step()
            except (redis.RedisError, OSError) as error:
                log.warning("Redis is away (%s); the hub tries again.", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("The hub met something unexpected and goes on.")
                await asyncio.sleep(RETRY_SECONDS)

    # Hearing

    async def _listen(self) -> None:
        """One connection for all rooms. After it was lost: subscribe anew, then fetch what was missed."""
        pubsub = aredis_for("").pubsub(ignore_subscribe_messages=True)
        try:
            people = people_channel()
            await pubsub.subscribe(people)
            self._pubsub = pubsub
            # From here on a room that is entered subscribes itself; those that were there before do it now. None falls between.
            if self.rooms:
                await pubsub.subscribe(*map(channel, self.rooms))
            if self.on_doubt is not None:
                self.on_doubt(EVERY_ROOM)
            await self._look_at_all(list(self.rooms))
            if self._listened and self.on_return is not None:
                asyncio.ensure_future(self.on_return(self))  # noqa: RUF006 - ends by itself
            self._listened = True
            prefix = len(channel(""))
            while True:
                message = await pubsub.get_message(timeout=CHECK_SECONDS)
                if message is None:
                    continue
                if message["channel"] == people.encode():
                    self._hear(heard(message["data"]))
                else:
                    await self._heard(message["channel"][prefix:].decode(), message["data"])
        finally:
            self._pubsub = None
            with contextlib.suppress(redis.RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _heard(self, room_key: str, message: bytes) -> None:
        room = self.rooms.get(room_key)
        if room is None:
            return
        kind = message[:1]
        if kind == b"E":
            told = published_events(message)
            if told.carried:
                self.ticker.resolve(room_key=room_key, carried=told.carried)
            if told.events and not room.numbered(told):
                self._look_soon(room_key)
            self.teller.due_soon(room)
        elif kind == b"M" and room.seats:
            for event in message[1:].split(b"\n"):
                room.maybe(event)
            self.teller.due_soon(room)
        elif kind == ROOM_CONTROL:
            control = heard_in_room(message)
            self._doubt(control)
            self._control(room, control)

    def _look_soon(self, room_key: str, *, last_words: float = 0.0) -> None:
        """Compare with the log, while other rooms are heard on: it may take as long as a query to the database."""
        if room_key in self._looking:
            self._looking[room_key] = True  # something is missing again: once more
            return
        self._looking[room_key] = False
        task = asyncio.ensure_future(self._look(room_key, last_words))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _look(self, room_key: str, last_words: float) -> None:
        try:
            while True:
                self._looking[room_key] = False
                await self._catch_up(room_key, last_words=last_words)
                if not self._looking[room_key]:
                    return
        except (redis.RedisError, OSError, DatabaseError) as error:
            # The next check finds it again.
            log.warning("The room %s could not be compared with its log (%s).", room_key, type(error).__name__)
        except Exception:
            log.exception("The room %s could not be compared with its log.", room_key)
        finally:
            del self._looking[room_key]

    async def _look_at_all(self, room_keys: Sequence[str], *, last_words: float = 0.0) -> None:
        """Rooms that stand where Redis has them, nearly always all, cost a small part of a pipeline; the others are compared one by one."""
        for first in range(0, len(room_keys), ROOMS_PER_PIPELINE):
            names = room_keys[first : first + ROOMS_PER_PIPELINE]
            for room_key, glance in zip(names, await room_log.glances(room_keys=names), strict=True):
                room = self.rooms.get(room_key)
                if room is not None and not room.stands(glance):
                    self._look_soon(room_key, last_words=last_words)

    async def _catch_up(self, room_key: str, *, last_words: float = 0.0) -> None:
        """Compare with the log and take what is missing; where the log does not reach, viewers come back by themselves.

        `last_words`: seconds for which a room without its memory may still say goodbye. One that is being closed has none either, and
        its last events come by the other connection."""
        room = self.rooms.get(room_key)
        if room is None or room.seq is None:
            return  # nobody has been shown anything yet
        heard, epoch = room.seq, room.epoch  # both may move on while we ask
        now, last = await self._log_after(room_key, heard)
        if now.pending:
            self.ticker.look(room=room.ref)
        forgotten = now.epoch == epoch and last and heard == room.seq and room.mark not in (b"", room_log.mark_of(last))
        # Below what was seen: in another epoch that matters if somebody saw it here; an id that was taken again begins anew.
        below = now.seq < heard and (now.epoch == epoch or room.shown)
        if below or forgotten:
            # Redis forgot the last second, and perhaps gave its numbers to others since. They never go back, and never mean two
            # things: a new epoch, above what viewers have seen.
            await begin(room_key=room_key, shown=heard, broken=now.epoch)
            now = await room_log.position(room_key=room_key, shown=heard)
        if room.epoch != epoch:  # somebody came and found the new one meanwhile
            return
        if now.epoch != room.epoch:
            await asyncio.sleep(last_words)
            if room.farewell or not room.seats or room.epoch != epoch:
                return
            room.begin(epoch=now.epoch, seq=now.seq)
            self._dismiss(room, code=EPOCH, reason="epoch", message="The room's memory was lost; join again.")
            return
        if now.seq <= room.seq:  # others may have delivered while we asked
            return
        metrics.hub_gaps.inc()
        first = now.seq - len(now.events) + 1
        if first > room.seq + 1:
            room.begin(epoch=now.epoch, seq=now.seq)
            self._dismiss(room, code=EPOCH, reason="gap", message="Too much was missed; join again.")
            return
        room.caught_up(events=now.events, seq=now.seq)
        self.teller.due_soon(room)

    @staticmethod
    async def _log_after(room_key: str, heard: int) -> tuple[Position, bytes]:
        """What came after the last event that was heard, and what that event is now: b"" if the log does not reach back to it."""
        now = await room_log.position(room_key=room_key, since=max(0, heard - 1), shown=heard)
        if heard and now.events:
            return replace(now, events=now.events[1:]), now.events[0]
        if heard and now.seq > heard:
            now = await room_log.position(room_key=room_key, since=heard, shown=heard)
        return now, b""

    def _hear(self, message: Heard) -> None:
        room = self.rooms.get(message.room)
        if message.control is not None:
            self._doubt(message.control)
            if room is not None:
                self._control(room, message.control)
        for listener in tuple(self.people.get(message.person, ())):
            listener(message)
        if message.ack:
            asyncio.ensure_future(self._acknowledge(message.ack))  # noqa: RUF006 - two commands

    def _doubt(self, control: Control) -> None:
        if control.doubt and self.on_doubt is not None:
            self.on_doubt(control.doubt)

    async def _acknowledge(self, ack: str) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            await self.rounds.ask(("RPUSH", ack, self.process))
            await self.rounds.ask(("EXPIRE", ack, ACK_KEPT_SECONDS))

    def _control(self, room: Feed, control: Control) -> None:
        if not isinstance(control, CloseSockets):
            for seat in tuple(room.seats):
                seat.viewer.hear_control(control)
        elif control.room_id in (0, room.ref.room_id):  # else it was said of a room that had this id before
            room.farewell, room.must_at = (control, tuple(room.seats)), 0.0
            self.teller.due_soon(room)

    def _spread_ms(self, number: int) -> int:
        return random.randint(0, max(200, number * SPREAD_MS_PER_THOUSAND // 1000))  # noqa: S311 - no secret

    def _dismiss(self, room: Feed, *, code: int, reason: str, message: str, shown: bool = False) -> None:
        """`shown`: only those who were shown the room already."""
        for seat in tuple(room.seats):
            if seat.held is None or not shown:
                after_ms = self._spread_ms(len(room.seats))
                seat.viewer.dismiss(code=code, reason=reason, message=message, after_ms=after_ms)

    # Keeping

    async def _check(self) -> None:
        """What pub/sub lost without a word is found here; rooms without viewers are let go."""
        await asyncio.sleep(CHECK_SECONDS)
        await self._look_at_all([key for key, room in self.rooms.items() if room.seats], last_words=LAST_WORDS_SECONDS)
        empty = [key for key, room in self.rooms.items() if not room.seats]
        for room_key in empty:
            del self.rooms[room_key]
        if empty and self._pubsub is not None:
            await self._pubsub.unsubscribe(*map(channel, empty))
            if again := [channel(key) for key in empty if key in self.rooms]:  # somebody came meanwhile
                await self._pubsub.subscribe(*again)
        metrics.rooms_watched.set(len(self.rooms))
