"""The one pub/sub connection of a socket process: its rooms, and what concerns people and processes.

Promise: nothing that is published is lost between two connections: whoever subscribes anew compares its rooms with their logs
(`catching_up.py`). State: memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import redis
import redis.asyncio

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
from interactions.delivery.fanout.catching_up import CatchUp
from interactions.delivery.fanout.feed import Feed
from interactions.delivery.fanout.schedule import Schedule
from interactions.delivery.rooms.published import DROPPABLE, NUMBERED, published_events
from interactions.delivery.rooms.ticker import Ticker
from liveroom.kernel.data.redis import aredis_for, channel
from liveroom.kernel.work.rounds import Rounds

CHECK_SECONDS = 5.0

Listener = Callable[[Heard], None]


class Subscriber:
    """`rooms`, `listeners`: the hub's own tables, by room key and by person. `on_return`: called when the connection stands again after
    it was lost; `on_doubt`: what was read of this room, or of EVERY_ROOM, is old."""

    def __init__(
        self,
        *,
        process: str,
        rooms: Mapping[str, Feed],
        listeners: Mapping[str, Set[Listener]],
        catch_up: CatchUp,
        schedule: Schedule,
        ticker: Ticker,
        rounds: Rounds[tuple[Any, ...], Any],
        on_return: Callable[[], None],
        on_doubt: Callable[[str], None],
    ) -> None:
        self._process, self._rooms, self._listeners = process, rooms, listeners
        self._catch_up, self._schedule, self._ticker = catch_up, schedule, ticker
        self._on_return, self._on_doubt = on_return, on_doubt
        self._rounds = rounds
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._subscriptions: Rounds[str, None] = Rounds(self._subscribe)
        self._subscribing: set[str] = set()
        self._listened = False

    # Subscribing

    async def subscribe(self, room_key: str, *, new: bool) -> None:
        """Returns when the room is subscribed to. `new`: nobody here was in it; else only a subscription that is under way is waited
        for. While there is no connection: at once, the next one subscribes all rooms."""
        if self._pubsub is not None and (new or room_key in self._subscribing):
            self._subscribing.add(room_key)
            await self._subscriptions.ask(room_key)

    async def _subscribe(self, room_keys: Sequence[str]) -> list[None]:
        """Rooms that are entered at the same time, in one command."""
        try:
            if self._pubsub is not None:  # else `run` subscribes all of them
                await self._pubsub.subscribe(*map(channel, dict.fromkeys(room_keys)))
        finally:
            self._subscribing.difference_update(room_keys)
        return [None] * len(room_keys)

    async def unsubscribe(self, room_keys: Sequence[str]) -> None:
        """Rooms that were let go; whoever came into one of them meanwhile hears it again."""
        if room_keys and self._pubsub is not None:
            await self._pubsub.unsubscribe(*map(channel, room_keys))
            if again := [channel(key) for key in room_keys if key in self._rooms]:
                await self._pubsub.subscribe(*again)

    # Hearing

    async def run(self) -> None:
        """One connection for all rooms. After it was lost: subscribe anew, then fetch what was missed."""
        pubsub = aredis_for("").pubsub(ignore_subscribe_messages=True)
        try:
            people = people_channel()
            await pubsub.subscribe(people)
            self._pubsub = pubsub
            # From here on a room that is entered subscribes itself; those that were there before do it now. None falls between.
            if self._rooms:
                await pubsub.subscribe(*map(channel, self._rooms))
            self._on_doubt(EVERY_ROOM)
            await self._catch_up.look_at_all(list(self._rooms))
            if self._listened:
                self._on_return()
            self._listened = True
            prefix = len(channel(""))
            while True:
                message = await pubsub.get_message(timeout=CHECK_SECONDS)
                if message is None:
                    continue
                if message["channel"] == people.encode():
                    self._hear_people(heard(message["data"]))
                else:
                    await self._hear_room(message["channel"][prefix:].decode(), message["data"])
        finally:
            self._pubsub = None
            with contextlib.suppress(redis.RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _hear_room(self, room_key: str, message: bytes) -> None:
        room = self._rooms.get(room_key)
        if room is None:
            return
        kind = message[:1]
        if kind == NUMBERED:
            published = published_events(message)
            if published.carried:
                self._ticker.resolve(room_key=room_key, carried=published.carried)
            if published.events and not room.hear_numbered(published):
                self._catch_up.look_soon(room_key)
            self._schedule.due_soon(room)
        elif kind == DROPPABLE and room.seats:
            for event in message[1:].split(b"\n"):
                room.hear_droppable(event)
            self._schedule.due_soon(room)
        elif kind == ROOM_CONTROL:
            control = heard_in_room(message)
            self._act(control, room)

    def _hear_people(self, message: Heard) -> None:
        room = self._rooms.get(message.room)
        if message.control is not None:
            self._act(message.control, room)
        for listener in tuple(self._listeners.get(message.person, ())):
            listener(message)
        if message.ack:
            asyncio.ensure_future(self._acknowledge(message.ack))  # noqa: RUF006 - two commands

    async def _acknowledge(self, ack: str) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            await self._rounds.ask(("RPUSH", ack, self._process))
            await self._rounds.ask(("EXPIRE", ack, ACK_KEPT_SECONDS))

    def _act(self, control: Control, room: Feed | None) -> None:
        """On a control message. `room`: the one it is about, if it has viewers here."""
        if control.doubt:
            self._on_doubt(control.doubt)
        if room is None:
            return
        if not isinstance(control, CloseSockets):
            for seat in tuple(room.seats):
                seat.viewer.hear_control(control)
        elif control.room_id in (0, room.ref.room_id):  # else it was said of a room that had this id before
            room.farewell, room.must_at = (control, tuple(room.seats)), 0.0
            self._schedule.due_soon(room)
