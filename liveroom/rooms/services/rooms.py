"""Open a room, change what it says of itself, close it for good."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from liveroom.accounts.models import App, Person
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.facts import AccessChanged, NoticeChanged, RoomChanged, RoomCreated, RoomDisbanded
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.rules import ids as id_rules
from liveroom.rooms.selectors import RoomIdMalformed, cover_of
from liveroom.rooms.services import covers
from liveroom.rooms.services.locking import locked


class RoomSaid(TypedDict, total=False):
    """What a room says of itself, checked by whoever took it from outside (liveroom/rooms/shapes.py)."""

    title: str
    introduction: str
    notice: str
    category: str
    cover: str
    tags: list[str]
    fields: dict[str, str]
    starts_at: datetime | None
    viewer_limit: int | None
    bandwidth_limit_kbps: int | None
    messages_per_second: int | None
    message_bytes: int | None


FIELDS = frozenset(RoomSaid.__annotations__)


class RoomIdTaken(Conflict):
    """10021 (10025 if it is one's own room already)."""

    code, name = 10021, "room_id_taken"


def _apply(room: Room, said: RoomSaid) -> dict[str, Any]:
    """Set what was said; return what is really new, in the wire's spelling."""
    new: dict[str, Any] = {}
    for name, value in said.items():
        if name not in FIELDS:
            raise TypeError(f"{name} is nothing that a room says of itself")
        column, kept = ("tag_line", _tag_line(said["tags"])) if name == "tags" else (name, value)
        if name == "cover" and kept == cover_of(room):
            continue  # sent back as it was shown
        if getattr(room, column) != kept:
            if name == "cover":
                covers.forget_later(room.cover)
            setattr(room, column, kept)
            new[name] = room.tags if name == "tags" else cover_of(room) if name == "cover" else kept
    return new


def _tag_line(tags: list[str]) -> str:
    return "|" + "|".join(dict.fromkeys(tags)) + "|" if tags else ""


@transaction.atomic
def create_room(
    *, app: App, owner: Person, by: Actor, now: datetime, group_id: str | None = None, **said: Unpack[RoomSaid]
) -> Room:
    """A new room, to be started. Without a `group_id` the server makes one; one that begins with @TGS# where that is all of `group_id`.

    RoomIdTaken, RoomIdMalformed."""
    permission.ask("room.create", actor=by)
    prefix = ""
    if group_id == id_rules.RESERVED_PREFIX:
        prefix, group_id = group_id, None
    if group_id is not None:
        wrong = id_rules.fault(group_id, chosen=True)
        if wrong:
            raise RoomIdMalformed(wrong, field="id")
    room = Room(app=app, owner=owner, group_id=group_id or ids.room_id(prefix=prefix), created_at=now, status_at=now)
    _apply(room, said)
    try:
        with transaction.atomic():
            room.save()
    except IntegrityError:
        mine = Room.objects.filter(app=app, group_id=room.group_id, owner=owner, disbanded_at__isnull=True).exists()
        taken = RoomIdTaken(
            f"The room id {room.group_id!r} is taken{' by a room of yours' if mine else ''}; choose another."
        )
        taken.code = 10025 if mine else 10021
        raise taken from None
    audit.record(action="room.create", actor=by, now=now, room_key=room.key, target=room.group_id)
    facts.state(RoomCreated(room_id=room.pk, room_key=room.key, at=now, owner=owner.identifier))
    return room


@transaction.atomic
def change_room(*, room: Room, changes: RoomSaid, by: Actor, now: datetime) -> Room:
    """Change what the room says of itself; viewers are told of what is new, and only of that. The notice alone its admins change, too."""
    room = locked(room.pk)
    permission.ask("room.notice" if set(changes) == {"notice"} else "room.change", actor=by, room=room)
    new = _apply(room, changes)
    if not new:
        return room
    room.save()
    audit.record(action="room.change", actor=by, now=now, room_key=room.key, detail={"fields": sorted(new)})
    if "notice" in new:
        facts.state(NoticeChanged(room_id=room.pk, room_key=room.key, at=now, notice=new.pop("notice")))
    if new:
        facts.state(RoomChanged(room_id=room.pk, room_key=room.key, at=now, changed=new))
    return room


@transaction.atomic
def change_access(
    *,
    room: Room,
    by: Actor,
    now: datetime,
    visibility: str | None = None,
    password: str | None = None,
    allow_list_only: bool | None = None,
) -> Room:
    """Who may find the room and come in (R8). An empty `password` opens it; None leaves things as they are."""
    room = locked(room.pk)
    permission.ask("room.change", actor=by, room=room)
    if visibility is not None:
        room.visibility = visibility
    if password is not None:
        room.password = make_password(password) if password else ""
    if allow_list_only is not None:
        room.allow_list_only = allow_list_only
    room.save(update_fields=["visibility", "password", "allow_list_only"])
    audit.record(action="room.access", actor=by, now=now, room_key=room.key)
    facts.state(AccessChanged(room_id=room.pk, room_key=room.key, at=now, visibility=room.visibility))
    return room


@transaction.atomic
def disband_room(*, room: Room, by: Actor, now: datetime, address: str = "") -> None:
    """Close the room for good: everyone is told and their sockets are closed (R7). The id becomes free."""
    room = locked(room.pk)
    permission.ask("room.disband", actor=by, room=room)
    LiveSession.objects.filter(room=room, ended_at__isnull=True).update(ended_at=now, end_reason="disbanded")
    room.disbanded_at = now
    room.publisher_lost_at = None
    covers.forget_later(room.cover)
    room.save(update_fields=["disbanded_at", "publisher_lost_at"])
    audit.record(action="room.disband", actor=by, now=now, room_key=room.key, target=room.group_id, address=address)
    facts.state(RoomDisbanded(room_id=room.pk, room_key=room.key, at=now, by=str(by)))
