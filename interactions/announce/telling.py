"""How a fact is told: rows of the outbox, written in the fact's own transaction, each with the topic that its carrier stands for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import redis
from django.db import transaction

from interactions.delivery.people.control import person_key, tell_and_wait
from liveroom.kernel import outbox
from liveroom.rooms.facts import RoomFact
from liveroom.rooms.services.versions import next_version

log = logging.getLogger(__name__)

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
    """To the person itself, on all its sockets (delivery/people/user_events.py). `room_key`: any room of its app."""
    person = person_key(sdkappid=int(room_key.partition(":")[0]), identifier=identifier)
    payload = {"person": person, "event": {"type": type, "t": ms(at), **body}}
    outbox.put(topic=YOU, room_key=f"@{person}", payload=payload, now=at)


def whisper(key: str, identifier: str, at: datetime, **body: Any) -> None:
    """To the sockets of one person. `key`: a room of its app, or the app's sdkappid alone."""
    person = person_key(sdkappid=int(key.partition(":")[0]), identifier=identifier)
    outbox.put(topic=PERSON, room_key=f"@{person}", payload={"person": person, **body}, now=at)


def hold_at_once(key: str, identifier: str = "", **body: Any) -> None:
    """Called in the transaction: the same word, said right after the commit, before whoever asked is answered, and acted upon by every
    process that holds sockets. So what was answered holds from the answer on. The outbox says it again to whom it did not reach: versions
    make that harmless. `doubt`: the room (or EVERY_ROOM) whose newcomers are judged anew."""
    person = person_key(sdkappid=int(key.partition(":")[0]), identifier=identifier)
    transaction.on_commit(partial(_hold, person, body), robust=True)


def _hold(person: str, body: Mapping[str, Any]) -> None:
    try:
        if not tell_and_wait(person=person, body=body):
            log.warning("Not every socket process acted on a word about %s in time; the relay says it again.", person)
    except redis.RedisError as error:
        log.warning("A word about %s waits for the relay: Redis is away (%s).", person, type(error).__name__)
