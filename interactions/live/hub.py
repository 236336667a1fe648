"""From Redis to every socket of this process: one subscription per room, one frame for all its viewers.

Promise: a viewer gets every event with a `seq` once and in order, or its socket is closed so that it comes back and resumes.
What pub/sub lost is fetched from the room's log. State: memory, and only sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
import redis
import redis.asyncio

from interactions.live import envelope, pipeline, presence, whispers
from interactions.live.room_ref import RoomRef
from liveroom.kernel import metrics
from liveroom.kernel.redis import aredis_for, channel

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
CHECK_SECONDS = 5.0
TOLD_AGAIN_SECONDS = 1.0
RESTART = 4000


Listener = Callable[[whispers.Whisper], None]


class Viewer(Protocol):
    """A socket as the hub sees it."""

    def write(self, frame: bytes) -> None:
        """Send a whole frame, or drop the viewer with 4009 if too much waits for it already. Never blocks."""

    def dismiss(self, *, code: int, reason: str, message: str) -> None:
        """Say `bye` and close."""


@dataclass(slots=True, eq=False)
class Seat:
    """A viewer's place in a room. While it is being shown the snapshot, frames wait in `held`."""

    viewer: Viewer
    counted: bool
    held: list[tuple[int, bytes]] | None = field(default_factory=list)
    shown: int = 0

    def open(self, *, after_seq: int) -> None:
        """Let through what came after the snapshot (or the last event that the viewer was shown)."""
        held, self.held, self.shown = self.held or [], None, after_seq
        for seq, frame in held:
            self.give(seq, frame)

    def replay(self, *, events: Sequence[bytes], last_seq: int, room: str, epoch: str) -> None:
        """Put what the viewer missed before what is held: it is written when the seat opens."""
        frames = [
            (seq, envelope.text_frame(envelope.batch(room=room, epoch=epoch, events=[event])))
            for seq, event in enumerate(events, start=last_seq - len(events) + 1)
        ]
        self.held = frames + [item for item in self.held or [] if item[0] == 0 or item[0] > last_seq]

    def give(self, seq: int, frame: bytes) -> None:
        if self.held is not None:
            self.held.append((seq, frame))
        elif seq == 0:
            self.viewer.write(frame)
        elif seq > self.shown:  # the snapshot, or what was replayed, may be ahead of what the hub has heard
            self.shown = seq
            self.viewer.write(frame)


@dataclass(slots=True, eq=False)
class _Room:
    group_id: str
    seats: set[Seat] = field(default_factory=set)
    epoch: str = ""
    seq: int | None = None
    said: int = -1
    said_at: float = 0.0


class Hub:
    """All rooms of this process. One per event loop."""

    def __init__(self, *, process: str) -> None:
        self.process = process
        self.rooms: dict[str, _Room] = {}
        self.people: dict[str, set[Listener]] = {}
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    def start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.ensure_future(self._forever(step)) for step in (self._listen, self._check, self._beat)
            ]

    async def stop(self) -> None:
        """A clean end: everybody hears that it is worth coming back, and stops being counted here."""
        for task in self._tasks:
            task.cancel()
        for room in self.rooms.values():
            self._dismiss(room, code=RESTART, reason="restart", message="The server restarts; come back in a moment.")
        with contextlib.suppress(redis.RedisError, OSError):
            for key, room in self.rooms.items():
                await presence.beat(room_key=key, group_id=room.group_id, process=self.process, count=0)

    def meet(self, *, person: str, listener: Listener) -> None:
        """From here on the listener hears what concerns this person (`whispers.person_key`)."""
        self.start()
        self.people.setdefault(person, set()).add(listener)

    def part(self, *, person: str, listener: Listener) -> None:
        listeners = self.people.get(person, set())
        listeners.discard(listener)
        if not listeners:
            self.people.pop(person, None)

    async def enter(self, *, room: RoomRef, viewer: Viewer, counted: bool = True) -> Seat:
        """Take a seat. Nothing is written to the viewer before `seat.open`."""
        self.start()
        found = self.rooms.get(room.key)
        if found is None:
            found = self.rooms[room.key] = _Room(group_id=room.group_id)
        seat = Seat(viewer=viewer, counted=counted)
        found.seats.add(seat)
        if len(found.seats) == 1 and self._pubsub is not None:
            try:
                await self._pubsub.subscribe(channel(room.key))
            except BaseException:
                found.seats.discard(seat)
                raise
        self._note()
        return seat

    def settle(self, *, room_key: str, position: pipeline.Position) -> None:
        """The first snapshot of a room that is new here: from this `seq` on, a gap is noticed.

        New is also a room whose id or memory began anew since the last viewer; who is still shown the old one must come back."""
        room = self.rooms.get(room_key)
        if room is None or (room.seq is not None and room.epoch == position.epoch):
            return
        if room.seq is not None:
            self._dismiss(
                room, code=4005, reason="epoch", message="The room's memory was lost; join again.", shown=True
            )
            room.said = -1  # Redis no longer knows our number
        room.seq, room.epoch = position.seq, position.epoch

    async def leave(self, *, room_key: str, seat: Seat) -> None:
        found = self.rooms.get(room_key)
        if found is None:
            return
        found.seats.discard(seat)
        self._note()

    def _note(self) -> None:
        self._changed.set()
        metrics.rooms_watched.set(len(self.rooms))

    async def _forever(self, step: Callable[[], Any]) -> None:
        while True:
            try:
                await step()
            except (redis.RedisError, OSError) as error:
                log.warning("Redis is away (%s); the hub tries again.", type(error).__name__)
                self._pubsub = None
                await asyncio.sleep(RETRY_SECONDS)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("The hub met something unexpected and goes on.")
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        """One connection for all rooms. After it was lost: subscribe anew, then fetch what was missed."""
        pubsub = aredis_for("").pubsub(ignore_subscribe_messages=True)
        try:
            people = whispers.people_channel()
            await pubsub.subscribe(people)
            self._pubsub = pubsub
            # From here on a room that is entered subscribes itself; those that were there before do it now. None falls between.
            if self.rooms:
                await pubsub.subscribe(*map(channel, self.rooms))
            for room_key in list(self.rooms):
                await self._catch_up(room_key)
            prefix = len(channel(""))
            while True:
                message = await pubsub.get_message(timeout=CHECK_SECONDS)
                if message is None:
                    continue
                if message["channel"] == people.encode():
                    self._hear(whispers.heard(message["data"]))
                else:
                    await self._deliver(message["channel"][prefix:].decode(), message["data"])
        finally:
            self._pubsub = None
            with contextlib.suppress(redis.RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _deliver(self, room_key: str, message: bytes) -> None:
        room = self.rooms.get(room_key)
        if room is None:
            return
        if message[:1] == b"C":
            self._control(room, orjson.loads(message[1:]))
            return
        seq, frame = pipeline.frame_of(message)
        if seq == 0:
            self._write(room, 0, frame)
        elif room.seq is None:
            self._write(room, seq, frame)  # into what is held for those who are being shown the snapshot
        elif seq == room.seq + 1:
            room.seq = seq
            self._write(room, seq, frame)
        else:
            # A gap, or a seq that went back because Redis lost its memory: the log decides.
            await self._catch_up(room_key)

    def _write(self, room: _Room, seq: int, frame: bytes) -> None:
        for seat in tuple(room.seats):
            seat.give(seq, frame)
        metrics.frames_sent.inc(len(room.seats))

    async def _catch_up(self, room_key: str) -> None:
        """Compare with the log and send what is missing; where the log does not reach, viewers come back by themselves."""
        room = self.rooms.get(room_key)
        if room is None:
            return
        if room.seq is None:
            return  # nobody has been shown anything yet
        now = await pipeline.position(room_key=room_key, since=room.seq)
        if now.epoch != room.epoch:
            room.seq, room.epoch = now.seq, now.epoch
            self._dismiss(room, code=4005, reason="epoch", message="The room's memory was lost; join again.")
            return
        if now.seq <= room.seq:  # others may have delivered while we asked
            return
        first = now.seq - len(now.events) + 1
        metrics.hub_gaps.inc()
        if first > room.seq + 1:
            room.seq = now.seq
            self._dismiss(room, code=4005, reason="gap", message="Too much was missed; join again.")
            return
        for seq, event in enumerate(now.events, start=first):
            if seq > room.seq:
                room.seq = seq
                frame = envelope.text_frame(envelope.batch(room=room.group_id, epoch=room.epoch, events=[event]))
                self._write(room, seq, frame)

    def _hear(self, whisper: whispers.Whisper) -> None:
        for listener in tuple(self.people.get(whisper.person, ())):
            listener(whisper)

    def _control(self, room: _Room, control: dict[str, Any]) -> None:
        if "close" in control:
            self._dismiss(room, code=int(control["close"]), reason=control["reason"], message=control["message"])

    def _dismiss(self, room: _Room, *, code: int, reason: str, message: str, shown: bool = False) -> None:
        """`shown`: only those who were shown the room already."""
        for seat in tuple(room.seats):
            if seat.held is None or not shown:
                seat.viewer.dismiss(code=code, reason=reason, message=message)

    async def _check(self) -> None:
        """What pub/sub lost without a word is found here; rooms without viewers are let go."""
        await asyncio.sleep(CHECK_SECONDS)
        for room_key, room in list(self.rooms.items()):
            if room.seats:
                await self._catch_up(room_key)

    async def _beat(self) -> None:
        """Say this process' numbers: soon after a change, at most once a second per room, and every ten seconds anyway."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), TOLD_AGAIN_SECONDS)
        self._changed.clear()
        now = asyncio.get_running_loop().time()
        for room_key, room in list(self.rooms.items()):
            count = sum(seat.counted for seat in room.seats)
            if count == room.said and now - room.said_at < presence.BEAT_SECONDS:
                continue
            if now - room.said_at < TOLD_AGAIN_SECONDS and room.said >= 0:
                self._later(TOLD_AGAIN_SECONDS - (now - room.said_at))
                continue
            room.said, room.said_at = count, now
            await presence.beat(room_key=room_key, group_id=room.group_id, process=self.process, count=count)
            if not room.seats:
                self.rooms.pop(room_key, None)
                if self._pubsub is not None:
                    await self._pubsub.unsubscribe(channel(room_key))
        metrics.rooms_watched.set(len(self.rooms))

    def _later(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._changed.set)
