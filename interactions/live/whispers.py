"""Words to whoever holds the sockets of one person, in a room or not: it is called something else now, it has to go.

Best effort over pub/sub: what must survive is in the database, and a new connection reads it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from liveroom.kernel.redis import common_channel, shared


def people_channel() -> str:
    return common_channel("people")


@dataclass(frozen=True, slots=True)
class Whisper:
    """`profile`: how the person is shown from now on. `role`: what it is in `room` (a room key) from now on.
    `close`: a close code for its sockets, with the reason."""

    person: str
    profile: Mapping[str, Any] | None = None
    room: str = ""
    role: str | None = None
    close: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def person_key(*, sdkappid: int | None, identifier: str) -> str:
    return f"{sdkappid}:{identifier}"


def whisper_now(*, person: str, body: Mapping[str, Any]) -> None:
    """From a thread. `body`: the fields of a Whisper but `person`."""
    shared().publish(people_channel(), orjson.dumps({"person": person, **body}))


def heard(message: bytes) -> Whisper:
    body = orjson.loads(message)
    return Whisper(
        person=body["person"],
        profile=body.get("profile"),
        room=body.get("room", ""),
        role=body.get("role"),
        close=body.get("close"),
        extra=body.get("extra", {}),
    )
