"""Facts become events for viewers: written to the outbox in the fact's own transaction, told by the relay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interactions.facts import BroadcastSent
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
from moderation.facts import (
    BanLifted,
    EveryoneMuted,
    EveryoneUnmuted,
    UserBanned,
    UserBannedFromApp,
    UserMuted,
    UserUnmuted,
)
from moderation.selectors import until_ms
from moderation.voters import banned_message
from streams.facts import ProgrammeChanged, StreamPublished

ROOM_EVENT, ROOM_CLOSE, ROOM_CONTROL, PERSON = "room.event", "room.close", "room.control", "person"
YOU, BROADCAST = "you", "broadcast"
ROOM_GONE = 4104
BAD_TOKEN, BANNED = 4101, 4103


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() * 1000)


def _tell(room_key: str, at: datetime, type: str, **body: Any) -> None:
    payload = {"type": type, "t": _ms(at), **body}
    outbox.put(topic=ROOM_EVENT, room_key=room_key, payload=payload, now=at)


def _tell_you(room_key: str, identifier: str, at: datetime, type: str, **body: Any) -> None:
    """To the person itself, on all its sockets (live/you.py). `room_key`: any room of its app."""
    person = person_key(sdkappid=int(room_key.partition(":")[0]), identifier=identifier)
    payload = {"person": person, "event": {"type": type, "t": _ms(at), **body}}
    outbox.put(topic=YOU, room_key=f"@{person}", payload=payload, now=at)


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
    _tell(fact.room_key, fact.at, "role", user={"id": fact.identifier, "nick": fact.nick}, role=fact.role, by=fact.by)
    _whisper(fact.room_key, fact.identifier, fact.at, room=fact.room_key, role=fact.role)


def stream_published(fact: StreamPublished) -> None:
    """A picture has come (back): players need not wait for their own retry."""
    if fact.on_programme:
        _tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=True)


def programme_changed(fact: ProgrammeChanged) -> None:
    _tell(fact.room_key, fact.at, "stream", stream=fact.stream, on_air=None)


def broadcast_sent(fact: BroadcastSent) -> None:
    """One row for all rooms of the app: services/broadcasts.py tells them."""
    payload = {"sdkappid": fact.sdkappid, "event": {"type": "broadcast", "t": _ms(fact.at), "id": fact.id, **fact.said}}
    outbox.put(topic=BROADCAST, room_key=f"@{fact.sdkappid}", payload=payload, now=fact.at)


def room_disbanded(fact: RoomDisbanded) -> None:
    _tell(fact.room_key, fact.at, "system", text="The room was disbanded.", reason="disbanded")
    close = {"close": ROOM_GONE, "reason": "disbanded", "message": "The room was disbanded."}
    outbox.put(topic=ROOM_CLOSE, room_key=fact.room_key, payload=close, now=fact.at)


def _whisper(key: str, identifier: str, at: datetime, **body: Any) -> None:
    """To the sockets of one person. `key`: a room of its app, or the app's sdkappid alone."""
    person = person_key(sdkappid=int(key.partition(":")[0]), identifier=identifier)
    outbox.put(topic=PERSON, room_key=f"@{person}", payload={"person": person, **body}, now=at)


# -- moderation. First the room, then the sockets that it is about: whoever comes in after the event is shown what holds, and
# whoever was coming in before it hears the word.


def user_muted(fact: UserMuted) -> None:
    group_id, until = fact.room_key.partition(":")[2], _ms(fact.until)
    user = {"id": fact.identifier, "nick": fact.nick}
    _tell(fact.room_key, fact.at, "mute", user=user, until=until, by=fact.by)
    standing = {"muted_until_ms": until_ms(fact.until)}
    _whisper(fact.room_key, fact.identifier, fact.at, room=fact.room_key, standing=standing)
    _tell_you(fact.room_key, fact.identifier, fact.at, "mute", room=group_id, until=until, by=fact.by)


def user_unmuted(fact: UserUnmuted) -> None:
    group_id = fact.room_key.partition(":")[2]
    _tell(fact.room_key, fact.at, "unmute", user={"id": fact.identifier, "nick": fact.nick}, by=fact.by)
    _whisper(fact.room_key, fact.identifier, fact.at, room=fact.room_key, standing={"muted_until_ms": None})
    _tell_you(fact.room_key, fact.identifier, fact.at, "unmute", room=group_id, by=fact.by)


def everyone_muted(fact: EveryoneMuted) -> None:
    _mute_all(fact, on=True)


def everyone_unmuted(fact: EveryoneUnmuted) -> None:
    _mute_all(fact, on=False)


def _mute_all(fact: EveryoneMuted | EveryoneUnmuted, *, on: bool) -> None:
    _tell(fact.room_key, fact.at, "mute_all", on=on, by=fact.by)
    control = {"standing": {"muted_all": on}}
    outbox.put(topic=ROOM_CONTROL, room_key=fact.room_key, payload=control, now=fact.at)


def user_banned(fact: UserBanned) -> None:
    """Its sockets in the room are closed; those in other rooms stay."""
    user = {"id": fact.identifier, "nick": fact.nick}
    _tell(fact.room_key, fact.at, "ban", user=user, until=_ms(fact.until), by=fact.by)
    _whisper(
        fact.room_key,
        fact.identifier,
        fact.at,
        room=fact.room_key,
        standing={"banned_until_ms": until_ms(fact.until)},
        close=BANNED,
        extra=_goodbye(everywhere=False, until=fact.until),
    )


def ban_lifted(fact: BanLifted) -> None:
    _whisper(fact.room_key, fact.identifier, fact.at, room=fact.room_key, standing={"banned_until_ms": None})


def user_banned_from_app(fact: UserBannedFromApp) -> None:
    """Every socket of it is closed, in a room or not."""
    extra = _goodbye(everywhere=True, until=fact.until)
    _whisper(str(fact.sdkappid), fact.identifier, fact.at, close=BANNED, extra=extra)


def _goodbye(*, everywhere: bool, until: datetime | None) -> dict[str, str]:
    return {"reason": "banned", "message": banned_message(everywhere=everywhere, until=_ms(until))}


def _tell_person(fact: ProfileChanged | TokensRevoked, **body: Any) -> None:
    person = person_key(sdkappid=fact.sdkappid, identifier=fact.identifier)
    outbox.put(topic=PERSON, room_key=f"@{person}", payload={"person": person, **body}, now=clock.now())


def profile_changed(fact: ProfileChanged) -> None:
    """What a person says next carries its new name, on sockets that are open already."""
    _tell_person(fact, profile=profile(Person.objects.get(pk=fact.person_id)).as_dict())


def tokens_revoked(fact: TokensRevoked) -> None:
    _tell_person(fact, close=BAD_TOKEN, extra={"reason": "revoked", "message": "You were logged out; log in again."})
