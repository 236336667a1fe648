"""Facts become events for viewers: written to the outbox in the fact's own transaction, told by the relay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interactions.live.whispers import person_key
from liveroom.accounts.facts import ProfileChanged, TokensRevoked
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock, outbox
from liveroom.rooms.facts import (
    AttributesChanged,
    CountersChanged,
    NoticeChanged,
    RoleChanged,
    RoomChanged,
    RoomDisbanded,
    StatusChanged,
)
from streams.facts import ProgrammeChanged, StreamPublished

ROOM_EVENT, ROOM_CLOSE, PERSON = "room.event", "room.close", "person"
ROOM_GONE = 4104
BAD_TOKEN = 4101


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() * 1000)


def _tell(room_key: str, at: datetime, type: str, **body: Any) -> None:
    payload = {"type": type, "t": _ms(at), **body}
    outbox.put(topic=ROOM_EVENT, room_key=room_key, payload=payload, now=at)


def status_changed(fact: StatusChanged) -> None:
    _tell(
        fact.room_key,
        fact.at,
        "status",
        status=fact.after,
        status_at=_ms(fact.at),
        starts_at=_ms(fact.starts_at),
        session=fact.sequence,
    )


def notice_changed(fact: NoticeChanged) -> None:
    _tell(fact.room_key, fact.at, "notice", notice=fact.notice)


def room_changed(fact: RoomChanged) -> None:
    said = {name: _ms(value) if isinstance(value, datetime) else value for name, value in fact.changed.items()}
    _tell(fact.room_key, fact.at, "room", **said)


def attributes_changed(fact: AttributesChanged) -> None:
    _tell(
        fact.room_key,
        fact.at,
        "attributes",
        operation=fact.operation,
        version=fact.version,
        changed={key: {"value": value, "version": version} for key, (value, version) in fact.changed.items()},
        deleted=list(fact.deleted),
    )


def counters_changed(fact: CountersChanged) -> None:
    _tell(fact.room_key, fact.at, "room", counters=dict(fact.changed))


def role_changed(fact: RoleChanged) -> None:
    """To the room, and to the person's open sockets: what it says next carries its new role (C13)."""
    sdkappid = int(fact.room_key.partition(":")[0])
    person = person_key(sdkappid=sdkappid, identifier=fact.identifier)
    payload = {"person": person, "room": fact.room_key, "role": fact.role}
    outbox.put(topic=PERSON, room_key=f"@{person}", payload=payload, now=fact.at)
    _tell(fact.room_key, fact.at, "role", user={"id": fact.identifier, "nick": fact.nick}, role=fact.role, by=fact.by)


def stream_published(fact: StreamPublished) -> None:
    """A picture has come (back): players need not wait for their own retry."""
    if fact.on_programme:
        _tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=True)


def programme_changed(fact: ProgrammeChanged) -> None:
    _tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=None)


def room_disbanded(fact: RoomDisbanded) -> None:
    _tell(fact.room_key, fact.at, "system", text="The room was disbanded.", reason="disbanded")
    close = {"close": ROOM_GONE, "reason": "disbanded", "message": "The room was disbanded."}
    outbox.put(topic=ROOM_CLOSE, room_key=fact.room_key, payload=close, now=fact.at)


def _tell_person(fact: ProfileChanged | TokensRevoked, **body: Any) -> None:
    person = person_key(sdkappid=fact.sdkappid, identifier=fact.identifier)
    outbox.put(topic=PERSON, room_key=f"@{person}", payload={"person": person, **body}, now=clock.now())


def profile_changed(fact: ProfileChanged) -> None:
    """What a person says next carries its new name, on sockets that are open already."""
    _tell_person(fact, profile=profile(Person.objects.get(pk=fact.person_id)).as_dict())


def tokens_revoked(fact: TokensRevoked) -> None:
    _tell_person(fact, close=BAD_TOKEN, extra={"reason": "revoked", "message": "You were logged out; log in again."})
