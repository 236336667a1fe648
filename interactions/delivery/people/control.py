"""Words to whoever holds the sockets of one person, in a room or not: it is called something else now, it has to go.

Best effort over pub/sub: what must survive is in the database, and a new connection reads it there. What the person itself is told has
numbers and a short memory: `you.py`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from interactions.delivery import frames as envelope
from liveroom.kernel.redis import common_channel, common_key, shared

YOU = b"Y"
EVERY_ROOM: Final = "*"
# A process that does not act on a word for so long serves no commands either.
ACK_SECONDS: Final = 1.0
ACK_KEPT_SECONDS: Final = 10


def people_channel() -> str:
    return common_channel("people")


@dataclass(frozen=True, slots=True)
class You:
    """One event for the person itself. `frame` is a whole WebSocket frame: the same bytes for all its sockets."""

    epoch: str
    useq: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Whisper:
    """`profile`: how the person is shown from now on. `role`, `standing` (changed fields of moderation.rules.verdict.Standing): what
    it is in `room` (a room key) from now on. `close`: a close code for its sockets, with the reason; with a `room`, for those in it.
    `version`: the room's, at the change that `role`, `standing` or `close` tell of; `row`: the outbox's, of `profile`. 0: not known.
    `entered`: the room that it is in now with its clients of `group` (whereabouts.py). `you`: what the person is told (you.Ear
    takes it). `control`: for everybody in `room`, as pipeline.whisper_now says it. `doubt`: a room key, or EVERY_ROOM: who comes in
    from here on is judged by what is read from here on. `ack`: a list in Redis that gets an entry once all this was done."""

    person: str
    profile: Mapping[str, Any] | None = None
    room: str = ""
    role: str | None = None
    standing: Mapping[str, Any] | None = None
    close: int | None = None
    entered: str = ""
    group: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    row: int = 0
    control: Mapping[str, Any] | None = None
    doubt: str = ""
    ack: str = ""
    you: You | None = None


def person_key(*, sdkappid: int | None, identifier: str) -> str:
    return f"{sdkappid}:{identifier}"


def whisper_now(*, person: str, body: Mapping[str, Any]) -> None:
    """From a thread. `body`: the fields of a Whisper but `person` and `you`."""
    shared().publish(people_channel(), orjson.dumps({"person": person, **body}))


def tell_and_wait(*, person: str, body: Mapping[str, Any]) -> bool:
    """`whisper_now`, and then wait until every process that holds sockets has acted on it: what they are sent after this returns meets
    the new state. False: one of them did not answer in time; the relay's word will reach it as ever. RedisError."""
    ack = common_key(f"ack:{secrets.token_hex(8)}")
    redis: Any = shared()
    waiting = int(redis.publish(people_channel(), orjson.dumps({"person": person, **body, "ack": ack})))
    end = time.monotonic() + ACK_SECONDS
    while waiting and (left := end - time.monotonic()) > 0:
        # Redis takes a wait of 0 for one without end.
        if redis.blpop([ack], timeout=max(0.01, left)) is None:
            break
        waiting -= 1
    return not waiting


def heard(message: bytes) -> Whisper:
    """A message of `people_channel()`: JSON, or `Y<epoch> <useq> <person>` and the frame in the next line (you.py's script)."""
    if message[:1] == YOU:
        head, _, payload = message[1:].partition(b"\n")
        epoch, useq, person = head.decode().split(" ", 2)
        return Whisper(person=person, you=You(epoch=epoch, useq=int(useq), frame=envelope.text_frame(payload)))
    body = orjson.loads(message)
    return Whisper(
        person=body["person"],
        profile=body.get("profile"),
        room=body.get("room", ""),
        role=body.get("role"),
        standing=body.get("standing"),
        close=body.get("close"),
        entered=body.get("entered", ""),
        group=body.get("group", ""),
        extra=body.get("extra", {}),
        version=body.get("version", 0),
        row=body.get("row", 0),
        control=body.get("control"),
        doubt=body.get("doubt", ""),
        ack=body.get("ack", ""),
    )
