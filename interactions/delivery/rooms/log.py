"""Reading a room's log and history in Redis: where it stands, and what came after a number.

State: Redis only (`script_parts.py` lists the keys). Threads use the functions that end in `_now`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.epochs import begin
from interactions.delivery.rooms.log_scripts import READ, REPAIR
from liveroom.kernel.data.redis import aredis_for, key, redis_for


@dataclass(frozen=True, slots=True)
class Position:
    """Where a room stands. `events` are those that were asked for, or none if the log does not reach back so far. `pending`: how
    many messages wait for a tick; `kept`: how long the history has to be, and until which ms."""

    epoch: str
    seq: int
    events: tuple[bytes, ...] = ()
    pending: int = 0
    kept: bytes = b""

    def after(self, *, epoch: str, seq: int) -> tuple[bytes, ...] | None:
        """The events after that place, if these are all of them. None: it is of another epoch, ahead, or before what is here."""
        if epoch != self.epoch or not 0 <= self.seq - seq <= len(self.events):
            return None
        return self.events[len(self.events) - (self.seq - seq) :]

    def lacks_history(self, found: int, *, wanted: int, now_ms: int) -> bool:
        """Whether the history is shorter than it has to be: its key was lost."""
        if not self.kept:
            return False
        length, until_ms = map(int, self.kept.split())
        return now_ms < until_ms and found < min(length, wanted)


def read_call(room_key: str, since: int | None) -> list[Any]:
    """For READ, alone or in a pipeline."""
    keys = [key(kind, room_key) for kind in ("state", "ticks", "pending")]
    return READ.call(keys, ("" if since is None else since,))


async def position(*, room_key: str, since: int | None = None, shown: int = 0) -> Position:
    """Where the room stands, with what came after `since` as far as the log reaches. Begins an epoch where there is none."""
    call = read_call(room_key, since)
    while True:
        answer = await READ.ask(aredis_for(room_key), call)
        if answer[0]:
            return position_of(answer, since or 0)
        await begin(room_key=room_key, shown=shown)


def position_of(answer: Sequence[Any], since: int) -> Position:
    """The answer of READ."""
    return Position(
        epoch=bytes(answer[0]).decode(),
        seq=int(answer[1]),
        pending=int(answer[2]),
        kept=bytes(answer[3]),
        events=_events(answer[4:], since),
    )


def _events(entries: Sequence[bytes], since: int) -> tuple[bytes, ...]:
    """The log's entries are ticks; the first may begin before what is asked for."""
    events: list[bytes] = []
    for entry in entries:
        first, *lines = bytes(entry).split(b"\n")
        events += lines[max(0, since + 1 - int(first)) :]
    return tuple(events)


async def positions(*, room_keys: Sequence[str]) -> list[Position]:
    """Where many rooms stand, in one round. Begins an epoch where there is none: two rounds more, for all such rooms."""
    found: dict[str, Position] = {}
    asked = list(dict.fromkeys(room_keys))
    while asked:
        answers = await READ.ask_all(aredis_for(asked[0]), [read_call(name, None) for name in asked])
        found |= {name: position_of(answer, 0) for name, answer in zip(asked, answers, strict=True) if answer[0]}
        asked = [name for name in asked if name not in found]
        await asyncio.gather(*(begin(room_key=name) for name in asked))
    return [found[name] for name in room_keys]


async def positions_since(*, asked: Sequence[tuple[str, int]]) -> list[Position]:
    """The same with what came after a seq, each its own, as far as the logs reach."""
    answers = await READ.ask_all(aredis_for(asked[0][0]), [read_call(name, since) for name, since in asked])
    return [
        position_of(answer, since) if answer[0] else await position(room_key=name, since=since)
        for (name, since), answer in zip(asked, answers, strict=True)
    ]


def repair_call(room: RoomRef, now_ms: int) -> list[Any]:
    """For REPAIR."""
    keys = [key(kind, room.key) for kind in ("state", "ticks", "history")]
    return REPAIR.call(keys, (room.history_count, room.history_hours * 3600, now_ms))


def young(raw: list[bytes], room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    """Those of the history that are not older than the app keeps them."""
    oldest = now_ms - room.history_hours * 3_600_000
    return [event for event in map(orjson.loads, raw) if event["t"] >= oldest]


def history_now(*, room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    """The last messages of the last hours, oldest first (C6)."""
    client = redis_for(room.key)
    raw: Any = client.lrange(key("history", room.key), -room.history_count, -1)
    if len(raw) < room.history_count:
        read = READ.ask_now(client, read_call(room.key, None))
        if position_of(read, 0).lacks_history(len(raw), wanted=room.history_count, now_ms=now_ms):
            raw = REPAIR.ask_now(client, repair_call(room, now_ms))
    return young(raw, room, now_ms)


def event_now(*, room: RoomRef, seq: int, now_ms: int) -> dict[str, Any] | None:
    """The event of that number, as long as the log or the history has it."""
    read = READ.ask_now(redis_for(room.key), read_call(room.key, seq - 1))
    for raw in _events(read[4:], seq - 1)[:1]:
        return dict(orjson.loads(raw))
    return next((event for event in history_now(room=room, now_ms=now_ms) if event["seq"] == seq), None)


@dataclass(frozen=True, slots=True)
class Glance:
    """Where a room stands, and no more: `mark` of its last event (b"": it never had one), `left`: how many wait for a tick."""

    epoch: str
    seq: int
    mark: bytes
    left: int


def mark_of(event: bytes) -> bytes:
    """By which an event is told from another one with the same number, as the script says it."""
    return hashlib.sha1(event, usedforsecurity=False).hexdigest()[:8].encode()


async def glances(*, room_keys: Sequence[str]) -> list[Glance]:
    """In one round. A room that Redis does not know has no epoch."""
    if not room_keys:
        return []
    pipe: Any = aredis_for(room_keys[0]).pipeline(transaction=False)
    for name in room_keys:
        pipe.execute_command("HMGET", key("state", name), "epoch", "seq", "mark", "left")
    return [
        Glance(epoch=(epoch or b"").decode(), seq=int(seq or 0), mark=mark or b"", left=int(left or 0))
        for epoch, seq, mark, left in await pipe.execute()
    ]
