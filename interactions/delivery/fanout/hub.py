"""All rooms and all sockets of one socket process: who enters and leaves, and what runs for them.

Promise: a viewer gets every event with a `seq` once and in order, or its socket is closed so that it comes back and resumes.
Each part is a module: `subscriber` hears Redis, `catching_up` fetches what was lost, `feed` is one room, `schedule` says when it is
written. State: memory, and only sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import redis

from interactions.delivery.fanout.catching_up import CatchUp
from interactions.delivery.fanout.feed import EPOCH, Feed, Seat, Viewer, spread_ms
from interactions.delivery.fanout.schedule import Schedule
from interactions.delivery.fanout.subscriber import CHECK_SECONDS, Listener, Subscriber
from interactions.delivery.presence.heartbeat import Presence
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.log import Position
from interactions.delivery.rooms.ticker import TICK_MS, Ticker
from liveroom.kernel.work import metrics
from liveroom.kernel.work.rounds import redis_rounds

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
LAST_WORDS_SECONDS = 0.2
RESTART = 4000


class Service(Protocol):
    """What a feature keeps in a socket process, such as sums that wait for a round trip: made without arguments, one per process."""

    async def run(self) -> None:
        """Until cancelled. Called again if it raises."""


Attached = TypeVar("Attached", bound=Service)


class Hub:
    """All rooms of this process. One per event loop."""

    # While Redis was away somebody may have been banned, or sent something: who cached a verdict asks again.
    on_return: Callable[[Hub], Coroutine[Any, Any, None]] | None = None
    # Somebody was banned or let in again, who may be coming in at this moment: what was read of that room (or of every one) is old.
    on_doubt: Callable[[str], None] | None = None

    def __init__(self, *, process: str, tick_ms: int = TICK_MS) -> None:
        self.process = process
        self.rooms: dict[str, Feed] = {}
        self.viewers: set[Viewer] = set()
        self.ticker = Ticker(tick_ms=tick_ms)
        self.presence = Presence(process=process)
        self.rounds = redis_rounds()
        self.schedule = Schedule(tick_ms=tick_ms)
        self.catch_up = CatchUp(rooms=self.rooms, schedule=self.schedule, ticker=self.ticker)
        self._listeners: dict[str, set[Listener]] = {}
        self._subscriber = Subscriber(
            process=process,
            rooms=self.rooms,
            listeners=self._listeners,
            catch_up=self.catch_up,
            schedule=self.schedule,
            ticker=self.ticker,
            rounds=self.rounds,
            on_return=self._returned,
            on_doubt=self._doubt,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._services: dict[type[Service], Service] = {}

    # What runs

    def start(self) -> None:
        if not self._tasks:
            steps = (self._subscriber.run, self.schedule.run, self._check, self.ticker.run, self.presence.run)
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
                after_ms=spread_ms(len(self.viewers)),
            )  # fmt: skip
        with contextlib.suppress(redis.RedisError, OSError):
            await self.presence.stop()
        self.catch_up.stop()
        for task in self._tasks:
            task.cancel()

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

    def _returned(self) -> None:
        if self.on_return is not None:
            asyncio.ensure_future(self.on_return(self))  # noqa: RUF006 - ends by itself

    def _doubt(self, room_key: str) -> None:
        if self.on_doubt is not None:
            self.on_doubt(room_key)

    async def _check(self) -> None:
        """What pub/sub lost without a word is found here; rooms without viewers are let go."""
        await asyncio.sleep(CHECK_SECONDS)
        watched = [key for key, room in self.rooms.items() if room.seats]
        await self.catch_up.look_at_all(watched, last_words=LAST_WORDS_SECONDS)
        empty = [key for key, room in self.rooms.items() if not room.seats]
        for room_key in empty:
            del self.rooms[room_key]
        await self._subscriber.unsubscribe(empty)
        metrics.rooms_watched.set(len(self.rooms))

    # Who is here

    def sockets(self) -> Iterable[Viewer]:
        """Everybody who is connected here, in a room or not."""
        return tuple(self.viewers)

    def add_listener(self, *, person: str, listener: Listener) -> None:
        """From here on the listener hears what concerns this person (`targets.Person.key`)."""
        self.start()
        self._listeners.setdefault(person, set()).add(listener)

    def remove_listener(self, *, person: str, listener: Listener) -> None:
        listeners = self._listeners.get(person, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(person, None)

    async def enter(
        self, *, room: RoomRef, viewer: Viewer, person: str | None = None, shown: Any = None, counted: bool = True
    ) -> Seat:
        """Take a seat. Nothing is written to the viewer before `open`. `person`: its user id; None: a guest. `shown`: as others are shown
        it when it comes and goes (`presence.install`).

        Not `counted`: overlays and staff monitors, who are no audience."""
        self.start()
        found = self.rooms.get(room.key)
        if found is None:
            found = self.rooms[room.key] = Feed(ref=room)
        found.ref = room
        seat = Seat(viewer=viewer, person=person, counted=counted)
        found.seats.add(seat)
        self.presence.entered(room=room, person=person, shown=shown, counted=counted)
        try:
            # Nobody is shown a room before this process has asked to hear of it.
            await self._subscriber.subscribe(room.key, new=len(found.seats) == 1)
        except BaseException:
            self.leave(room_key=room.key, seat=seat)
            raise
        metrics.rooms_watched.set(len(self.rooms))
        return seat

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
            room.dismiss_all(code=EPOCH, reason="epoch", message="The room's memory was lost; join again.", shown=True)
        room.begin(epoch=position.epoch, seq=position.seq)
        self.schedule.due_soon(room)
        return True

    async def look_again(self, *, room_key: str) -> None:
        """Compare with Redis now; numbers that went back become a new epoch, and everybody here joins again."""
        await self.catch_up.look(room_key)

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
