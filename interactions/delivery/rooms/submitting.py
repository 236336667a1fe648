"""Submitting messages to rooms from a thread: at the room's rate, or as a system event above it.

Promise: a message with the same id gets the same answer and is published once, so whoever is not sure may submit it again. Sockets
submit through `ticker.Ticker`. State: Redis only (`script_parts.py` lists the keys)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from interactions.delivery.room_ref import RoomRef
from interactions.delivery.rooms.epochs import begin_now
from interactions.delivery.rooms.messages import (
    PATIENCE_SECONDS,
    WAITS,
    Message,
    Outcome,
    Submitted,
    Unanswered,
    answered,
    submit_call,
)
from interactions.delivery.rooms.scripts import SUBMIT
from liveroom.kernel.data.redis import redis_for

# A tick that does not come due by itself: a system event does not pull waiting comments along.
_NO_TICK: Final = 10**9


def submit_now(*, room: RoomRef, messages: Sequence[Message], tick_ms: int) -> Submitted:
    """One call of the script from a thread. RedisError if Redis is away."""
    client = redis_for(room.key)
    while True:
        found = answered(SUBMIT.ask_now(client, submit_call(room, messages, tick_ms=tick_ms)))
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
        answered(answer) or submit_now(room=room, messages=messages, tick_ms=tick_ms)
        for answer, (room, messages) in zip(answers, parts, strict=True)
    ]


def submit_and_wait(*, room: RoomRef, message: Message, tick_ms: int) -> Outcome:
    """Submit and wait until it is decided: half a second at most, in a flooded room. Unanswered, RedisError."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        # The same id again asks what became of it, and lets the tick go on where nobody else does.
        found = submit_now(room=room, messages=(message,), tick_ms=tick_ms)
        if found.outcomes[0] is not WAITS:
            return found.outcomes[0]
        time.sleep((found.next_ms + 5) / 1000)
    raise Unanswered("The room did not answer in time; send it again with the same cid.", retry_after_ms=1000)


def publish_now(*, room: RoomRef, event: bytes, event_id: str, in_history: bool = False) -> Outcome:
    """One system event from a thread: above the room's rate, at once, never dropped. `event`: JSON with no `seq`."""
    message = Message(id=event_id, event=event, in_history=in_history)
    return submit_now(room=room, messages=(message,), tick_ms=_NO_TICK).outcomes[0]


def publish_many_now(messages: Sequence[tuple[RoomRef, Message]]) -> int:
    """System events into many rooms of one Redis in one round; rooms without an epoch (nobody was ever there) are left out.

    Returns how many rooms got it. RedisError: publish it again, the ids make it once."""
    if not messages:
        return 0
    calls = [submit_call(room, (message,), tick_ms=_NO_TICK) for room, message in messages]
    answers = SUBMIT.ask_all_now(redis_for(messages[0][0].key), calls)
    return sum(answered(answer) is not None for answer in answers)
