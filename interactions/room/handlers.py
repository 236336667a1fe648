"""What happens to rooms and their pictures on the floors below, published to whoever is in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interactions.delivery import Person, Room, hold_at_once, ms, publish_at_once, publish_durably
from interactions.delivery.control import CloseSockets
from interactions.delivery.events import maybe_ms
from interactions.room.events import (
    AccessInDoubt,
    Attribute,
    RoleInRoom,
    RoomAttributes,
    RoomData,
    RoomNotice,
    RoomRole,
    RoomStatus,
    RoomStream,
    SystemMessage,
    Unplayable,
)
from interactions.shown import Named, of_wire
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import (
    AccessChanged,
    AttributesChanged,
    CountersChanged,
    NoticeChanged,
    RoleChanged,
    RoomChanged,
    RoomDisbanded,
    RoomFact,
    StatusChanged,
)
from liveroom.rooms.services.versions import next_version
from streams.addresses import unplayable_told
from streams.facts import PictureJudged, ProgrammeChanged, StreamFact, StreamPublished

ROOM_GONE = 4104


def person_in(fact: RoomFact | StreamFact, identifier: str) -> Person:
    """Somebody of the room's app."""
    return Person(sdkappid=int(fact.room_key.partition(":")[0]), identifier=identifier)


@handles(StatusChanged)
def status_changed(fact: StatusChanged) -> None:
    publish_durably(
        RoomStatus(
            t=ms(fact.at),
            version=next_version(room_id=fact.room_id),
            status=fact.after,
            status_at=ms(fact.at),
            starts_at=maybe_ms(fact.starts_at),
            session=fact.sequence,
        ),
        to=Room(fact.room_key),
        at=fact.at,
    )


@handles(NoticeChanged)
def notice_changed(fact: NoticeChanged) -> None:
    event = RoomNotice(t=ms(fact.at), version=next_version(room_id=fact.room_id), notice=fact.notice)
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(RoomChanged)
def room_changed(fact: RoomChanged) -> None:
    changed: dict[str, Any] = {
        name: ms(value) if isinstance(value, datetime) else value for name, value in fact.changed.items()
    }
    event = RoomData(t=ms(fact.at), version=next_version(room_id=fact.room_id), **changed)
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(CountersChanged)
def counters_changed(fact: CountersChanged) -> None:
    event = RoomData(t=ms(fact.at), version=next_version(room_id=fact.room_id), counters=dict(fact.changed))
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(AttributesChanged)
def attributes_changed(fact: AttributesChanged) -> None:
    event = RoomAttributes(
        t=ms(fact.at),
        operation=fact.operation,
        version=fact.version,
        changed={key: Attribute(value=value, version=version) for key, (value, version) in fact.changed.items()},
        deleted=list(fact.deleted),
    )
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(RoleChanged)
def role_changed(fact: RoleChanged) -> None:
    """To the room, and to the person's open sockets: what it says next carries its new role (C13)."""
    version, user = next_version(room_id=fact.room_id), Named(id=fact.identifier, nick=fact.nick)
    event = RoomRole(t=ms(fact.at), version=version, user=user, role=fact.role, by=fact.by)
    publish_durably(event, to=Room(fact.room_key), at=fact.at)
    message = RoleInRoom(room=fact.room_key, version=version, role=fact.role, doubt=fact.room_key)
    publish_at_once(message, to=person_in(fact, fact.identifier), at=fact.at)


@handles(AccessChanged)
def access_changed(fact: AccessChanged) -> None:
    """Who comes from here on needs the new password, or stands on the list."""
    hold_at_once(AccessInDoubt(doubt=fact.room_key), to=Room(fact.room_key))


@handles(StreamPublished)
def stream_published(fact: StreamPublished) -> None:
    """A picture has come (back): players need not wait for their own retry."""
    if fact.on_programme:
        _stream(fact, fact.stream, on_air=True)


@handles(PictureJudged)
def picture_judged(fact: PictureJudged) -> None:
    """Nobody can play what arrives, or everybody can again."""
    if fact.on_programme:
        found = unplayable_told(fact.codec)
        _stream(fact, fact.stream, on_air=True, unplayable=None if found is None else of_wire(Unplayable, found))


@handles(ProgrammeChanged)
def programme_changed(fact: ProgrammeChanged) -> None:
    _stream(fact, fact.stream, on_air=None)


def _stream(
    fact: StreamPublished | PictureJudged | ProgrammeChanged,
    stream: str,
    *,
    on_air: bool | None,
    unplayable: Unplayable | None = None,
) -> None:
    event = RoomStream(t=ms(fact.at), stream=stream, on_air=on_air, unplayable=unplayable, ladder=None, timeshift=None)
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(RoomDisbanded, last=True)
def room_disbanded(fact: RoomDisbanded) -> None:
    """The last word; then everybody is sent away."""
    text = "The room was disbanded."
    publish_durably(
        SystemMessage(t=ms(fact.at), text=text, reason="disbanded"), to=Room(fact.room_key), at=fact.at
    )  # fmt: skip
    close = CloseSockets(code=ROOM_GONE, reason="disbanded", message=text, room_id=fact.room_id)
    publish_durably(close, to=Room(fact.room_key), at=fact.at)
