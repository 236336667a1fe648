"""How a fact is told: rows of the outbox, written in the fact's own transaction, each with the topic that its carrier stands for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interactions.live.whispers import person_key
from liveroom.kernel import outbox
from liveroom.rooms.facts import RoomFact
from liveroom.rooms.services.versions import next_version

ROOM_EVENT, ROOM_CLOSE, ROOM_CONTROL, PERSON = "room.event", "room.close", "room.control", "person"
YOU, BROADCAST, FOLLOWERS = "you", "broadcast", "followers"
# A gift that was paid, and what a room is told of one or many of them.
GIFT, ROOM_GIFT = "gift", "room.gift"


def ms(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() * 1000)


def tell(room_key: str, at: datetime, type: str, **body: Any) -> None:
    payload = {"type": type, "t": ms(at), **body}
    outbox.put(topic=ROOM_EVENT, room_key=room_key, payload=payload, now=at)


def tell_state(fact: RoomFact, type: str, **body: Any) -> int:
    """A change of what holds in the room, with its version: an older one never wins over it. Returns the version, for words beside it."""
    version = next_version(room_id=fact.room_id)
    tell(fact.room_key, fact.at, type, version=version, **body)
    return version


def tell_you(room_key: str, identifier: str, at: datetime, type: str, **body: Any) -> None:
    """To the person itself, on all its sockets (live/you.py). `room_key`: any room of its app."""
    person = person_key(sdkappid=int(room_key.partition(":")[0]), identifier=identifier)
    payload = {"person": person, "event": {"type": type, "t": ms(at), **body}}
    outbox.put(topic=YOU, room_key=f"@{person}", payload=payload, now=at)


def whisper(key: str, identifier: str, at: datetime, **body: Any) -> None:
    """To the sockets of one person. `key`: a room of its app, or the app's sdkappid alone."""
    person = person_key(sdkappid=int(key.partition(":")[0]), identifier=identifier)
    outbox.put(topic=PERSON, room_key=f"@{person}", payload={"person": person, **body}, now=at)
