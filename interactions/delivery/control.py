"""Control messages on their way to the processes that hold sockets: of one person, or of a room.

Best effort over pub/sub: what must survive is in the database, and a new connection reads it there. `published_and_done` waits until
every process has acted on a message, so that what was answered to a moderator holds from the answer on."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from interactions.delivery import frames
from interactions.delivery.events import Control, decoded, encoded
from interactions.delivery.targets import Person, Room
from liveroom.kernel.data.redis import channel, common_channel, common_key, redis_for, shared

# The first byte of a message on the people's channel that is a user event; of one on a room's channel that is a control message.
USER_EVENT: Final = b"Y"
ROOM_CONTROL: Final = b"C"
# A process that does not act on a message for so long serves no commands either.
ACK_SECONDS: Final = 1.0
ACK_KEPT_SECONDS: Final = 10


class CloseSockets(Control, frozen=True, kw_only=True, tag="close"):
    """Say `bye` and close: everybody in the room, or all sockets of the person. `code`: a close code of PROTOCOL.md. `room_id`: the row
    of the room that was meant; another one that has its id by now is not. 0: not known."""

    code: int
    reason: str
    message: str
    room_id: int = 0


def people_channel() -> str:
    return common_channel("people")


@dataclass(frozen=True, slots=True)
class HeardUserEvent:
    """One event for a person itself. `frame` is a whole WebSocket frame: the same bytes for all its sockets."""

    epoch: str
    useq: int
    frame: bytes


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A control message on the people's channel: for the sockets of `person`, or in `room` (keys). `row`: the outbox's, where the relay
    says it. `ack`: a list in Redis that gets an entry once the message was acted on."""

    person: str = ""
    room: str = ""
    row: int = 0
    ack: str = ""
    control: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the people's channel, taken apart: a user event, or a control message."""

    person: str = ""
    room: str = ""
    row: int = 0
    ack: str = ""
    control: Control | None = None
    event: HeardUserEvent | None = None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Envelope)


def for_person(control: Control, person: str, *, row: int = 0) -> bytes:
    """What is published on `people_channel()`, also by who has a connection of its own. `person`: `targets.Person.key`."""
    return _ENCODER.encode(_Envelope(person=person, row=row, control=msgspec.Raw(encoded(control))))


def publish_now(control: Control, *, to: Person | Room, row: int = 0) -> None:
    """From a thread. To a room it goes by the room's own channel, in order with the room's events. RedisError."""
    if isinstance(to, Room):
        redis_for(to.key).publish(channel(to.key), ROOM_CONTROL + encoded(control))
    else:
        shared().publish(people_channel(), for_person(control, to.key, row=row))


def published_and_done(control: Control, *, to: Person | Room) -> bool:
    """Publish, and then wait until every process that holds sockets has acted on it: what they are sent after this returns meets the new
    state. False: one of them did not answer in time; the relay's message will reach it as ever. RedisError."""
    ack = common_key(f"ack:{secrets.token_hex(8)}")
    person, room = (to.key, "") if isinstance(to, Person) else ("", to.key)
    envelope = _ENCODER.encode(_Envelope(person=person, room=room, ack=ack, control=msgspec.Raw(encoded(control))))
    redis: Any = shared()
    waiting = int(redis.publish(people_channel(), envelope))
    end = time.monotonic() + ACK_SECONDS
    while waiting and (left := end - time.monotonic()) > 0:
        # Redis takes a wait of 0 for one without end.
        if redis.blpop([ack], timeout=max(0.01, left)) is None:
            break
        waiting -= 1
    return not waiting


def heard(message: bytes) -> Heard:
    """A message of `people_channel()`: JSON, or `Y<epoch> <useq> <person>` and the frame in the next line (user_events.py's script)."""
    if message[:1] == USER_EVENT:
        head, _, payload = message[1:].partition(b"\n")
        epoch, useq, person = head.decode().split(" ", 2)
        return Heard(person=person, event=HeardUserEvent(epoch=epoch, useq=int(useq), frame=frames.text_frame(payload)))
    found = _DECODER.decode(message)
    control = decoded(bytes(found.control), Control)
    return Heard(person=found.person, room=found.room, row=found.row, ack=found.ack, control=control)


def heard_in_room(message: bytes) -> Control:
    """A message of a room's channel that begins with ROOM_CONTROL."""
    return decoded(message[1:], Control)
