"""What happens to rooms and their pictures, told to whoever is in them."""

from __future__ import annotations

from datetime import datetime

from interactions.announce.telling import BROADCAST, ROOM_CLOSE, hold_at_once, ms, tell, tell_state, whisper
from interactions.facts import BroadcastSent, SystemNoticeSent
from liveroom.kernel import outbox
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import (
    AccessChanged,
    AttributesChanged,
    CountersChanged,
    NoticeChanged,
    RoleChanged,
    RoomChanged,
    RoomDisbanded,
    StatusChanged,
)
from streams.facts import PictureJudged, ProgrammeChanged, StreamPublished
from streams.selectors import unplayable_told

ROOM_GONE = 4104


@handles(StatusChanged)
def status_changed(fact: StatusChanged) -> None:
    tell_state(
        fact,
        "status",
        status=fact.after,
        status_at=ms(fact.at),
        starts_at=ms(fact.starts_at),
        session=fact.sequence,
    )


@handles(NoticeChanged)
def notice_changed(fact: NoticeChanged) -> None:
    tell_state(fact, "notice", notice=fact.notice)


@handles(RoomChanged)
def room_changed(fact: RoomChanged) -> None:
    said = {name: ms(value) if isinstance(value, datetime) else value for name, value in fact.changed.items()}
    tell_state(fact, "room", **said)


@handles(AttributesChanged)
def attributes_changed(fact: AttributesChanged) -> None:
    tell(
        fact.room_key,
        fact.at,
        "attributes",
        operation=fact.operation,
        version=fact.version,
        changed={key: {"value": value, "version": version} for key, (value, version) in fact.changed.items()},
        deleted=list(fact.deleted),
    )


@handles(CountersChanged)
def counters_changed(fact: CountersChanged) -> None:
    tell_state(fact, "room", counters=dict(fact.changed))


@handles(RoleChanged)
def role_changed(fact: RoleChanged) -> None:
    """To the room, and to the person's open sockets: what it says next carries its new role (C13)."""
    user = {"id": fact.identifier, "nick": fact.nick}
    version = tell_state(fact, "role", user=user, role=fact.role, by=fact.by)
    body = {"room": fact.room_key, "role": fact.role, "version": version}
    whisper(fact.room_key, fact.identifier, fact.at, **body)
    hold_at_once(fact.room_key, fact.identifier, doubt=fact.room_key, **body)


@handles(AccessChanged)
def access_changed(fact: AccessChanged) -> None:
    """Who comes from here on needs the new password, or stands on the list."""
    hold_at_once(fact.room_key, doubt=fact.room_key)


@handles(StreamPublished)
def stream_published(fact: StreamPublished) -> None:
    """A picture has come (back): players need not wait for their own retry."""
    if fact.on_programme:
        tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=True, unplayable=None)


@handles(PictureJudged)
def picture_judged(fact: PictureJudged) -> None:
    """Nobody can play what arrives, or everybody can again."""
    if fact.on_programme:
        unplayable = unplayable_told(fact.codec)
        tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=True, unplayable=unplayable)


@handles(ProgrammeChanged)
def programme_changed(fact: ProgrammeChanged) -> None:
    tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=None, unplayable=None)


@handles(BroadcastSent)
def broadcast_sent(fact: BroadcastSent) -> None:
    """One row for all rooms of the app: chat/services/broadcasts.py tells them."""
    payload = {"sdkappid": fact.sdkappid, "event": {"type": "broadcast", "t": ms(fact.at), "id": fact.id, **fact.said}}
    outbox.put(topic=BROADCAST, room_key=f"@{fact.sdkappid}", payload=payload, now=fact.at)


@handles(SystemNoticeSent)
def system_notice_sent(fact: SystemNoticeSent) -> None:
    tell(fact.room_key, fact.at, "system", id=fact.id, reason="notice", **{"text": "", **fact.said})


@handles(RoomDisbanded, last=True)
def room_disbanded(fact: RoomDisbanded) -> None:
    """The last word: what its end closes (polls, draws) is told before."""
    tell(fact.room_key, fact.at, "system", text="The room was disbanded.", reason="disbanded")
    close = {"close": ROOM_GONE, "reason": "disbanded", "message": "The room was disbanded."}
    close["room_id"] = fact.room_id
    outbox.put(topic=ROOM_CLOSE, room_key=fact.room_key, payload=close, now=fact.at)
