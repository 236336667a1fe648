"""Coming into a room: who it is, whether it may, and what it must know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interactions.live.room_ref import RoomRef, ref
from interactions.services.comments import TEXT_BYTES, Speaker
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, app_for, profile
from liveroom.accounts.services import tokens
from liveroom.kernel import permission
from liveroom.kernel.permission import Actor
from liveroom.rooms import selectors as rooms
from liveroom.rooms.services.people import check_entry
from streams import selectors as streams


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opened the socket. A guest's profile has no id."""

    actor: Actor
    profile: Profile


GUEST = Visitor(actor=permission.anonymous(), profile=Profile(id="", nick="", avatar="", level=0))


@dataclass(frozen=True, slots=True)
class Entry:
    """A visitor that may come in, and as whom."""

    room: RoomRef
    speaker: Speaker


def visitor_of(*, usersig: str, now: datetime) -> Visitor:
    """TokenRefused if the token is not good."""
    person: Person = tokens.log_in(token=usersig, now=now)
    return Visitor(actor=tokens.person_actor(person), profile=profile(person))


def enter_room(
    *,
    visitor: Visitor,
    group_id: str,
    sdkappid: int | None,
    password: str | None,
    address: str,
) -> Entry:
    """RoomUnknown, PasswordNeeded, NotOnTheList."""
    app_id = visitor.actor.app_id or app_for(sdkappid).pk
    room = rooms.room(app_id=app_id, group_id=group_id)
    role = check_entry(room=room, actor=visitor.actor, password=password, address=address)
    return Entry(room=ref(room), speaker=Speaker(actor=visitor.actor, profile=visitor.profile, role=role))


def present_state(*, entry: Entry, http: str, now: datetime) -> dict[str, Any]:
    """The snapshot, but for what Redis knows. Read after the room's `seq`: what is older than that is in it.

    `http`: the origin under which the visitor sees our pages. RoomUnknown if the room went away meanwhile."""
    speaker = entry.speaker
    room = rooms.room(app_id=entry.room.app_id, group_id=entry.room.group_id)
    addresses = streams.play_addresses(room=room, actor=speaker.actor, now=now, http=http)
    return {
        "room": rooms.snapshot(room),
        "me": {**speaker.shown(), "guest": speaker.role == permission.GUEST, "muted_until": None},
        "play": None if addresses is None else addresses.as_dict(),
        "limits": {"text_bytes": TEXT_BYTES, "history": room.app.history_count},
    }
