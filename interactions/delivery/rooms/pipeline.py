"""The room's one order: what is submitted is admitted, numbered, logged, archived and told by one script in Redis.

A message with the same id gets the same answer and is told once, so whoever is not sure may submit again. State: Redis only
(`script_parts.py` lists the keys). Threads use the functions that end in `_now`; sockets go through `ticker.Ticker`."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import redis
from channels.db import database_sync_to_async

from interactions.delivery.presence import scripts as presence_scripts
from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.admission import Priority
from interactions.delivery.rooms.archive_stream import ARCHIVE, last_numbers
from interactions.delivery.rooms.log_scripts import BEGIN, READ, REPAIR
from interactions.delivery.rooms.scripts import SUBMIT
from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.redis import aredis_for, channel, key, redis_for
from liveroom.kernel.rounds import Rounds

SYSTEM = "s"
# A sampled answer comes after half a second at most; past this something is wrong.
PATIENCE_SECONDS = 3.0


class Unanswered(LiveRoomError):
    """10002: nobody could say in time what became of a message; sending it again with the same `cid` says it once."""

    code, name, status = 10002, "unavailable", 503


@dataclass(frozen=True, slots=True)
class Message:
    """What a room is asked to say. `event`: JSON with no `seq`; `sender` is for fairness; `priority` None: a system event,
    above the cap and never dropped; `paid`: never dropped, waits. `brief`: nobody will say it again after a while, because it has no
    `cid`."""

    id: str
    event: bytes
    sender: str = ""
    priority: Priority | None = None
    in_history: bool = False
    paid: bool = False
    brief: bool = False

    def head(self) -> str:
        flags = ("h" if self.in_history else "") + ("p" if self.paid else "") + ("b" if self.brief else "") or "-"
        return f"{SYSTEM if self.priority is None else int(self.priority)} {flags} {self.id} {self.sender}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result`: delivered (with `seq`), sampled (with `reason`), waiting."""

    result: str
    seq: int = 0
    reason: str = ""


WAITS = Outcome(result="waiting")


def outcome_of(word: str) -> Outcome:
    """`D17`, `Srate`, `W`, as the script says it."""
    if word[:1] == "D":
        return Outcome(result="delivered", seq=int(word[1:]))
    return Outcome(result="sampled", reason=word[1:]) if word[:1] == "S" else WAITS


@dataclass(frozen=True, slots=True)
class Submitted:
    """The script's answer. `next_ms`: until the next tick; `left`: how many wait in Redis; `outcomes` as submitted."""

    epoch: str
    seq: int
    next_ms: int
    left: int
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a room stands. `events` are those that were asked for, or none if the log does not reach back so far. `pending`: how
    many messages wait for a tick; `kept`: how long the history has to be, and until which ms."""

    epoch: str
    seq: int
    events: tuple[bytes, ...] = ()
    pending: int = 0
    kept: bytes = b""

    def lacks_history(self, found: int, *, wanted: int, now_ms: int) -> bool:
        """Whether the history is shorter than it has to be: its key was lost."""
        if not self.kept:
            return False
        length, until_ms = map(int, self.kept.split())
        return now_ms < until_ms and found < min(length, wanted)


def message_id(*, sender: str, cid: str) -> str:
    """The same `cid` of the same person is the same message. Hashed: a cid holds anything."""
    return hashlib.sha1(f"{sender}\n{cid}".encode(), usedforsecurity=False).hexdigest()[:24]


def submit_call(room: RoomRef, messages: Sequence[Message], *, tick_ms: int, now_ms: int | None = None) -> list[Any]:
    """For SUBMIT, alone or in a pipeline."""
    keys = [key(kind, room.key) for kind in ("state", "ticks", "history", "pending", "counts")]
    keys.append(ARCHIVE)
    args: list[Any] = [
        channel(room.key),
        room.key,
        key("same:", room.key),
        room.messages_per_second,
        tick_ms,
        room.history_count,
        room.history_hours * 3600,
        "" if now_ms is None else now_ms,
        secrets.token_hex(8),
    ]
    for message in messages:
        args += (message.head(), message.event)
    return SUBMIT.call(keys, args)


def submitted(answer: list[Any]) -> Submitted | None:
    """The answer taken apart; None if the room has no epoch."""
    epoch = bytes(answer[0]).decode()
    if not epoch:
        return None
    outcomes = tuple(outcome_of(word.decode()) for word in answer[4:])
    return Submitted(epoch=epoch, seq=int(answer[1]), next_ms=int(answer[2]), left=int(answer[3]), outcomes=outcomes)


def submit_now(*, room: RoomRef, messages: Sequence[Message], tick_ms: int) -> Submitted:
    """One call of the script from a thread. RedisError if Redis is away."""
    client = redis_for(room.key)
    while True:
        found = submitted(SUBMIT.ask_now(client, submit_call(room, messages, tick_ms=tick_ms)))
        if found is not None:
            return found
        begin_now(room_key=room.key)


def submit_many_now(parts: Sequence[tuple[RoomRef, Sequence[Message]]], *, tick_ms: int) -> list[Submitted]:
    """The same for many rooms of one Redis, in one round. RedisError: submit all again, the ids make it once."""
    if not parts:
        return []
    calls = [submit_call(room, messages, tick_ms=tick_ms) for room, messages in parts]
    answers = SUBMIT.ask_all_now(redis_for(parts[0][0].key), calls)
    return [
        submitted(answer) or submit_now(room=room, messages=messages, tick_ms=tick_ms)
        for answer, (room, messages) in zip(answers, parts, strict=True)
    ]


def say_now(*, room: RoomRef, message: Message, tick_ms: int) -> Outcome:
    """Submit and wait until it is decided: half a second at most, in a flooded room. Unanswered, RedisError."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        # The same id again asks what became of it, and lets the tick go on where nobody else does.
        found = submit_now(room=room, messages=(message,), tick_ms=tick_ms)
        if found.outcomes[0] is not WAITS:
            return found.outcomes[0]
        time.sleep((found.next_ms + 5) / 1000)
    raise Unanswered("The room did not answer in time; send it again with the same cid.", retry_after_ms=1000)


def append_now(*, room: RoomRef, event: bytes, event_id: str, in_history: bool = False) -> Outcome:
    """One system event from a thread: above the cap, at once, never dropped."""
    message = Message(id=event_id, event=event, in_history=in_history)
    return submit_now(room=room, messages=(message,), tick_ms=_NO_TICK).outcomes[0]


def append_many_now(letters: Sequence[tuple[RoomRef, Message]]) -> int:
    """System events into many rooms of one Redis in one round; rooms without an epoch (nobody was ever there) are left out.

    Returns how many rooms were told. RedisError: say it again, the ids make it once."""
    if not letters:
        return 0
    calls = [submit_call(room, (message,), tick_ms=_NO_TICK) for room, message in letters]
    answers = SUBMIT.ask_all_now(redis_for(letters[0][0].key), calls)
    return sum(submitted(answer) is not None for answer in answers)


# A tick that does not come due by itself: a system event does not pull waiting comments along.
_NO_TICK = 10**9


def _begin_call(room_key: str, highest: int, broken: str = "") -> list[Any]:
    keys = [key(kind, room_key) for kind in ("state", "ticks", "pending")]
    return BEGIN.call(keys, (secrets.token_hex(6), highest, broken, clock.now_ms()))


def begin_now(*, room_key: str) -> None:
    """A new epoch for a room that Redis does not know: its numbers go on above all that were archived."""
    archived = last_numbers([room_key])[room_key]
    BEGIN.ask_now(redis_for(room_key), _begin_call(room_key, archived))


@dataclass(frozen=True, slots=True)
class Beginning:
    """A room that needs a new epoch. `shown`: the highest seq that viewers here have seen; the new epoch is above that, too. `broken`:
    an epoch that cannot go on, wherever it stands."""

    room_key: str
    shown: int = 0
    broken: str = ""


async def _begin_all(rooms: Sequence[Beginning]) -> Sequence[BaseException | None]:
    names = list({room.room_key for room in rooms})
    # Not on the one thread that serves all else of a socket process.
    archived = await database_sync_to_async(last_numbers, thread_sensitive=False)(names)
    calls = [_begin_call(room.room_key, max(archived[room.room_key], room.shown), room.broken) for room in rooms]
    answers = await BEGIN.ask_all(aredis_for(names[0]), calls, raise_on_error=False)
    return [answer if isinstance(answer, BaseException) else None for answer in answers]


# A query for all rooms that begin in the same moment; a few such queries may be under way, so that a slow one delays only its own.
_BEGINNING_AT_ONCE = 4
_beginnings: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds[Beginning, None]] = WeakKeyDictionary()


async def begin(*, room_key: str, shown: int = 0, broken: str = "") -> None:
    """The same for sockets, together with others that begin now: Redis may have lost all rooms at once. It asks the database: nothing
    that serves other rooms, too, may wait for it."""
    loop = asyncio.get_running_loop()
    if loop not in _beginnings:
        _beginnings[loop] = Rounds(_begin_all, under_way=_BEGINNING_AT_ONCE)
    await _beginnings[loop].ask(Beginning(room_key=room_key, shown=shown, broken=broken))


def _read_call(room_key: str, since: int | None) -> list[Any]:
    keys = [key(kind, room_key) for kind in ("state", "ticks", "pending")]
    return READ.call(keys, ("" if since is None else since,))


async def position(*, room_key: str, since: int | None = None, shown: int = 0) -> Position:
    """Where the room stands, with what came after `since` as far as the log reaches. Begins an epoch where there is none."""
    call = _read_call(room_key, since)
    while True:
        answer = await READ.ask(aredis_for(room_key), call)
        if answer[0]:
            return _position(answer, since or 0)
        await begin(room_key=room_key, shown=shown)


def _position(answer: Sequence[Any], since: int) -> Position:
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
        answers = await READ.ask_all(aredis_for(asked[0]), [_read_call(name, None) for name in asked])
        found |= {name: _position(answer, 0) for name, answer in zip(asked, answers, strict=True) if answer[0]}
        asked = [name for name in asked if name not in found]
        await asyncio.gather(*(begin(room_key=name) for name in asked))
    return [found[name] for name in room_keys]


async def positions_since(*, asked: Sequence[tuple[str, int]]) -> list[Position]:
    """The same with what came after a seq, each its own, as far as the logs reach."""
    answers = await READ.ask_all(aredis_for(asked[0][0]), [_read_call(name, since) for name, since in asked])
    return [
        _position(answer, since) if answer[0] else await position(room_key=name, since=since)
        for (name, since), answer in zip(asked, answers, strict=True)
    ]


# Where a room stands with what came after the place that was asked for, its history up to there, its likes (None: not counted), and how
# many are in it.
Found = tuple[Position, list[dict[str, Any]], int | None, int]


async def moments(*, asked: Sequence[tuple[RoomRef, int]], now_ms: int) -> list[Found | redis.RedisError]:
    """Many rooms, each since its `seq`, in one round. What Redis refuses for one of them is that one's answer."""
    if not asked:
        return []
    client: Any = aredis_for(asked[0][0].key)
    pipe = client.pipeline(transaction=False)
    for room, since in asked:
        pipe.evalsha(*_read_call(room.key, since))
        pipe.lrange(key("history", room.key), -room.history_count, -1)
        pipe.get(key("likes", room.key))
        pipe.evalsha(*presence_scripts.count_call(room.key))
    raw = await pipe.execute(raise_on_error=False)
    answers: list[Found | redis.RedisError] = []
    for place, (room, since) in enumerate(asked):
        try:
            answers.append(await _found(room, since, raw[4 * place : 4 * place + 4], now_ms))
        except redis.RedisError as error:
            answers.append(error)
    return answers


async def _found(room: RoomRef, since: int, answers: Sequence[Any], now_ms: int) -> Found:
    read, raw, likes, crowd = answers
    for answer in (raw, likes):
        if isinstance(answer, Exception):
            raise answer
    if isinstance(read, Exception) or not read[0]:
        # No script, or no epoch: the long way, which makes both.
        here = await position(room_key=room.key, since=since)
    else:
        here = _position(read, since)
    if isinstance(crowd, Exception):
        crowd = await presence_scripts.COUNT.ask(aredis_for(room.key), presence_scripts.count_call(room.key))
    if here.lacks_history(len(raw), wanted=room.history_count, now_ms=now_ms):
        raw = await REPAIR.ask(aredis_for(room.key), _repair_call(room, now_ms))
    told = [event for event in _young(raw, room, now_ms) if event["seq"] <= here.seq]
    return here, told, None if likes is None else int(likes), int(crowd[0])


def _repair_call(room: RoomRef, now_ms: int) -> list[Any]:
    keys = [key(kind, room.key) for kind in ("state", "ticks", "history")]
    return REPAIR.call(keys, (room.history_count, room.history_hours * 3600, now_ms))


def _young(raw: list[bytes], room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    oldest = now_ms - room.history_hours * 3_600_000
    return [event for event in map(orjson.loads, raw) if event["t"] >= oldest]


def history_now(*, room: RoomRef, now_ms: int) -> list[dict[str, Any]]:
    """The last messages of the last hours, oldest first (C6)."""
    client = redis_for(room.key)
    raw: Any = client.lrange(key("history", room.key), -room.history_count, -1)
    if len(raw) < room.history_count:
        read = READ.ask_now(client, _read_call(room.key, None))
        if _position(read, 0).lacks_history(len(raw), wanted=room.history_count, now_ms=now_ms):
            raw = REPAIR.ask_now(client, _repair_call(room, now_ms))
    return _young(raw, room, now_ms)


def event_now(*, room: RoomRef, seq: int, now_ms: int) -> dict[str, Any] | None:
    """The event of that number, as long as the log or the history has it."""
    read = READ.ask_now(redis_for(room.key), _read_call(room.key, seq - 1))
    for raw in _events(read[4:], seq - 1)[:1]:
        return dict(orjson.loads(raw))
    return next((event for event in history_now(room=room, now_ms=now_ms) if event["seq"] == seq), None)


def forget_now(*, room_key: str) -> None:
    """The room is gone for good: whoever gets its id next begins with nothing."""
    kinds = ("state", "ticks", "history", "pending", "counts", "likes", "presence")
    redis_for(room_key).delete(*(key(kind, room_key) for kind in kinds))
