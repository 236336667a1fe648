"""Words to whoever holds the sockets of one person, in a room or not: it is called something else now, it has to go.

Best effort over pub/sub: what must survive is in the database, and a new connection reads it there. What the person itself is told has
numbers and a short memory: `you.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from interactions.live import envelope
from liveroom.kernel.redis import common_channel, shared

YOU = b"Y"


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
    takes it)."""

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
    you: You | None = None


def person_key(*, sdkappid: int | None, identifier: str) -> str:
    return f"{sdkappid}:{identifier}"


def whisper_now(*, person: str, body: Mapping[str, Any]) -> None:
    """From a thread. `body`: the fields of a Whisper but `person` and `you`."""
    shared().publish(people_channel(), orjson.dumps({"person": person, **body}))


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
    )
