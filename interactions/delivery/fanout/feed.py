"""One room in this process: what was heard, what was written, and who sits where.

Promise: a room's frames never overtake each other, and a viewer is written every numbered event once, in order. Two kinds of frames
leave here, each built once for all: what nobody may miss (`must`), and what they may (`may`). State: memory."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from interactions.delivery.control import CloseSockets
from interactions.delivery.events import Control
from interactions.delivery.fanout.codecs import Codec
from interactions.delivery.fanout.merging import merged
from interactions.delivery.fanout.send_many import Row
from interactions.delivery.fanout.send_queue import SendQueue
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.log import Glance, mark_of
from interactions.delivery.rooms.published import PublishedEvents
from liveroom.kernel.work import metrics

# Between two of these the loop does other things: a thousand sends take ten milliseconds.
CHUNK = 250
# Of what was missed; a frame of them is some 60 KB.
PORTION = 200
# What may be heard of a room before its first viewer has its snapshot.
EARLY = 2_000
NEVER = float("inf")
# The close code for a room whose memory was lost, or of which too much was missed.
EPOCH = 4005
# Viewers who have to come back all at once are asked to take this long about it, per thousand of them.
SPREAD_MS_PER_THOUSAND = 1_000


def spread_ms(number: int) -> int:
    """When one of so many comes back."""
    return random.randint(0, max(200, number * SPREAD_MS_PER_THOUSAND // 1000))  # noqa: S311 - no secret


class Viewer(Protocol):
    """A socket as the hub sees it."""

    queue: SendQueue
    codec: Codec

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 0) -> None:
        """Say `bye` and close."""

    def hear_control(self, control: Control) -> None:
        """A message about the room that is not for the viewer's eyes."""


@dataclass(slots=True, eq=False)
class Seat:
    """A viewer's place in a room. While it is being shown the snapshot, what is heard waits in `held`."""

    viewer: Viewer
    person: str | None
    counted: bool
    held: list[tuple[int, bytes]] | None = field(default_factory=list)
    shown: int = 0


@dataclass(slots=True, eq=False)
class Feed:
    """`seq`: heard from Redis (None: nobody was shown anything yet), `mark`: of that event, if it is known; `written`: to viewers.
    Between `written` and `seq`: `must`. Nothing was kept of what came before `began`.

    `ready` are those who were written everything up to `written`; `rows` are their queues by codec, made anew when somebody
    comes or goes. The others are apart. `farewell`: these have to go, after they heard what was said before. `queued` and `timer` are
    the schedule's."""

    ref: RoomRef
    seats: set[Seat] = field(default_factory=set)
    ready: set[Seat] = field(default_factory=set)
    rows: dict[Codec, list[Row]] | None = None
    epoch: str = ""
    seq: int | None = None
    mark: bytes = b""
    began: int = 0
    written: int = 0
    early: list[tuple[int, bytes]] = field(default_factory=list)
    must: list[bytes] = field(default_factory=list)
    may: list[bytes] = field(default_factory=list)
    farewell: tuple[CloseSockets, tuple[Seat, ...]] | None = None
    must_at: float = 0.0
    may_at: float = 0.0
    queued: bool = False
    timer: asyncio.TimerHandle | None = None

    def due_at(self, *, must_apart: float, may_apart: float) -> float:
        """When the next frame may be written, by the loop's clock; NEVER: there is nothing to write."""
        at = NEVER
        if self.must:
            at = self.must_at + must_apart
        elif self.farewell:
            at = 0.0
        return min(at, self.may_at + may_apart) if self.may else at

    @property
    def shown(self) -> bool:
        """Whether anybody here has seen the room."""
        return any(seat.held is None for seat in self.seats)

    # What was heard

    def begin(self, *, epoch: str, seq: int) -> None:
        """From this `seq` on, a gap is noticed."""
        self.seq = self.written = self.began = seq
        self.epoch, self.mark = epoch, b""
        self.must.clear()
        early, self.early = self.early, []
        for number, event in early:
            if number == self.seq + 1:
                self.seq, self.mark = number, mark_of(event)
                self.must.append(event)

    def hear_numbered(self, published: PublishedEvents) -> bool:
        """False: something is missing before it, or the epoch is another one; the log decides."""
        if self.seq is None:
            self.early += enumerate(published.events, start=published.first)
            del self.early[:-EARLY]
        elif published.epoch == self.epoch and published.first == self.seq + 1:
            self.seq += len(published.events)
            self.mark = mark_of(published.events[-1])
            self.must += published.events
        else:
            return published.epoch == self.epoch and published.first + len(published.events) - 1 <= self.seq
        return True

    def caught_up(self, *, events: Sequence[bytes], seq: int) -> None:
        """The log's newest events, up to `seq`."""
        if self.seq is not None:
            self.must += events[len(events) - (seq - self.seq) :]
            self.seq, self.mark = seq, mark_of(events[-1])

    def stands(self, glance: Glance) -> bool:
        """Whether Redis has the room where it is here, with nothing that waits for a tick. Nobody was shown anything: yes."""
        if self.seq is None:
            return True
        if glance.epoch != self.epoch or glance.seq != self.seq or glance.left:
            return False
        if not self.mark:
            self.mark = glance.mark
        return glance.mark == self.mark

    def hear_droppable(self, event: bytes) -> None:
        """Of what still waits, an event of the same class is merged with it, if the class says how (`RoomEvent.merged_with`)."""
        event = merged(self.may, event)
        if len(self.may) < CHUNK:
            self.may.append(event)

    # Who sits where

    def open(self, *, seat: Seat, after_seq: int, missed: Sequence[bytes] = ()) -> None:
        """Write `missed`, then let through what came after `after_seq`: the snapshot's, or the last that was missed."""
        held, seat.held = seat.held or [], None
        fresh = [event for number, event in held if number > after_seq]
        seat.shown = max(after_seq, held[-1][0] if held else 0)
        for start in range(0, len(missed), PORTION):
            self._write_to(seat, missed[start : start + PORTION])
        if fresh:
            self._write_to(seat, fresh)
        self._line_up(seat)

    def leave(self, seat: Seat) -> None:
        self.seats.discard(seat)
        self.ready.discard(seat)
        self.rows = None
        if not self.seats:
            self.may.clear()  # whoever comes next is shown all that in its snapshot

    def _line_up(self, seat: Seat) -> None:
        """Who was written as much as all others is written to together with them from here on."""
        if seat.shown == self.written and seat in self.seats:
            self.ready.add(seat)
            self.rows = None

    def _write_to(self, seat: Seat, events: Sequence[bytes]) -> None:
        frame = seat.viewer.codec.alone.frame(room=self.ref.group_id, epoch=self.epoch, events=events)
        seat.viewer.queue.write(frame)

    # What is written

    async def write_numbered(self) -> None:
        events, self.must = self.must, []
        first = self.written + 1
        self.written += len(events)
        apart = self.seats - self.ready if len(self.ready) < len(self.seats) else ()
        numbered = list(enumerate(events, start=first)) if apart else []
        for seat in apart:
            if seat.held is not None:
                seat.held += numbered
                continue
            # The snapshot that it was shown was ahead of what we had written.
            fresh = [event for number, event in numbered if number > seat.shown]
            if fresh:
                self._write_to(seat, fresh)
            seat.shown = max(seat.shown, self.written)
        await self._send(events, must=True)
        for seat in apart:
            if seat.held is None:
                self._line_up(seat)

    async def write_droppable(self) -> None:
        events, self.may = self.may, []
        await self._send(events, must=False)

    async def _send(self, events: Sequence[bytes], *, must: bool) -> None:
        """The same bytes to everyone; what the kernel does not take at once waits in the viewer's own queue."""
        if self.rows is None:
            self.rows = self._rows()
        for codec, rows in tuple(self.rows.items()):
            frame = codec.frame(room=self.ref.group_id, epoch=self.epoch, events=events)
            metrics.frames_sent.inc(sum(len(row.queues) for row in rows))
            for number, row in enumerate(rows):
                if number:
                    await asyncio.sleep(0)
                row.write(frame, must=must)

    def _rows(self) -> dict[Codec, list[Row]]:
        queues: dict[Codec, list[SendQueue]] = {}
        for seat in self.ready:
            queues.setdefault(seat.viewer.codec, []).append(seat.viewer.queue)
        return {
            codec: [Row(found[start : start + CHUNK]) for start in range(0, len(found), CHUNK)]
            for codec, found in queues.items()
        }

    def dismiss_all(self, *, code: int, reason: str, message: str, shown: bool = False) -> None:
        """At once, spread over the time that so many take. `shown`: only those who were shown the room already."""
        for seat in tuple(self.seats):
            if seat.held is None or not shown:
                seat.viewer.dismiss(code=code, reason=reason, message=message, after_ms=spread_ms(len(self.seats)))

    def dismiss_those(self) -> None:
        """Those of `farewell`."""
        if self.farewell is not None:
            (control, seats), self.farewell = self.farewell, None
            for seat in seats:
                seat.viewer.dismiss(code=control.code, reason=control.reason, message=control.message)
