"""Open a room, change what it says of itself, close it for good."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from liveroom.accounts.models import App, Person
from liveroom.kernel import audit, facts, ids, permission, text
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.rooms.facts import AccessChanged, NoticeChanged, RoomChanged, RoomCreated, RoomDisbanded
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.rules import ids as id_rules
from liveroom.rooms.selectors import RoomIdMalformed
from liveroom.rooms.services.locking import locked

NOTICE_BYTES, INTRODUCTION_BYTES, TITLE_BYTES = 300, 240, 100
MAX_TAGS, TAG_BYTES = 10, 30
FIELDS_BYTES = 4096


class RoomIdTaken(Conflict):
    """10021 (10025 if it is one's own room already)."""

    code, name = 10021, "room_id_taken"


def _title(value: Any) -> str:
    return text.line(value, field="title", limit_bytes=TITLE_BYTES, required=True)


def _notice(value: Any) -> str:
    notice = text.checked(value, field="notice", limit_bytes=NOTICE_BYTES)
    if notice.lstrip().startswith("{"):
        _check_rich_notice(notice)
    return notice


def _check_rich_notice(notice: str) -> None:
    """A notice that is JSON carries texts and image addresses; anything but http(s) would run in viewers' pages."""
    try:
        value = json.loads(notice)
    except ValueError:
        return  # plain text that happens to begin with a brace
    if not isinstance(value, dict):
        return
    # What JSON spells as \\u202e is a turned direction once a page has parsed it.
    text.judge_all(value, field="notice")
    images = value.get("images", [])
    for url in [*(images if isinstance(images, list) else [images]), value.get("image", "")]:
        if url and not (isinstance(url, str) and text.is_web_address(url)):
            raise BadParameter("Image addresses in a notice must be http or https.", field="notice")


def _introduction(value: Any) -> str:
    return text.checked(value, field="introduction", limit_bytes=INTRODUCTION_BYTES)


def _category(value: Any) -> str:
    return text.line(value, field="category", limit_bytes=40)


def _cover(value: Any) -> str:
    url = text.opaque(value, field="cover", limit_bytes=500)
    if url and not text.is_web_address(url):
        raise BadParameter("cover must be an http or https address.", field="cover")
    return url


def _tags(value: Any) -> str:
    if not isinstance(value, list) or len(value) > MAX_TAGS:
        raise BadParameter(f"tags is a list of at most {MAX_TAGS} texts.", field="tags", limit=MAX_TAGS)
    tags = [text.line(tag, field="tags", limit_bytes=TAG_BYTES, required=True) for tag in value]
    if any("|" in tag for tag in tags):
        raise BadParameter("A tag holds no '|'.", field="tags")
    return "|" + "|".join(dict.fromkeys(tags)) + "|" if tags else ""


def _fields(value: Any) -> dict[str, str]:
    return text.storable_texts(value, field="fields", limit_bytes=FIELDS_BYTES)


def _starts_at(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC)
    except OverflowError:  # year 1 or 9999, and a zone that leads out of the calendar
        pass
    raise BadParameter("starts_at is an instant such as 2026-12-31T20:00:00Z, or null.", field="starts_at")


def _limit(name: str, *, low: int = 1, high: int = 100_000_000, none: str = "no limit") -> Callable[[Any], int | None]:
    def checked(value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadParameter(
                f"{name} is a whole number from {low} to {high}, or null for {none}.", field=name, limit=high
            )
        return value

    return checked


# Field of the API -> (column, check). What is not here cannot be changed by `change_room`.
_SAID: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "title": ("title", _title),
    "introduction": ("introduction", _introduction),
    "notice": ("notice", _notice),
    "category": ("category", _category),
    "cover": ("cover", _cover),
    "tags": ("tag_line", _tags),
    "fields": ("fields", _fields),
    "starts_at": ("starts_at", _starts_at),
    "viewer_limit": ("viewer_limit", _limit("viewer_limit")),
    "bandwidth_limit_kbps": ("bandwidth_limit_kbps", _limit("bandwidth_limit_kbps")),
    "messages_per_second": (
        "messages_per_second",
        _limit("messages_per_second", high=1000, none="what the app says"),
    ),
    "message_bytes": ("message_bytes", _limit("message_bytes", low=100, high=8192, none="what the app says")),
}


FIELDS = frozenset(_SAID)


def _apply(room: Room, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Set checked values; return what is really new, in the wire's spelling."""
    new: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in _SAID:
            raise BadParameter(f"A room has no field {name[:40]!r} that can be set here.", field=name[:40])
        column, check = _SAID[name]
        checked = check(value)
        if getattr(room, column) != checked:
            setattr(room, column, checked)
            new[name] = room.tags if name == "tags" else checked
    return new


@transaction.atomic
def create_room(*, app: App, owner: Person, by: Actor, now: datetime, group_id: str | None = None, **said: Any) -> Room:
    """A new room, to be started. Without a `group_id` the server makes one; one that begins with @TGS# where that is all of `group_id`.

    RoomIdTaken, RoomIdMalformed, BadParameter."""
    permission.ask("room.create", actor=by)
    prefix = ""
    if group_id == id_rules.RESERVED_PREFIX:
        prefix, group_id = group_id, None
    if group_id is not None:
        wrong = id_rules.fault(group_id, chosen=True)
        if wrong:
            raise RoomIdMalformed(wrong, field="id")
    room = Room(app=app, owner=owner, group_id=group_id or ids.room_id(prefix=prefix), created_at=now, status_at=now)
    _apply(room, {"title": said.pop("title", ""), **said})
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
def change_room(*, room: Room, changes: Mapping[str, Any], by: Actor, now: datetime) -> Room:
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
        if visibility not in (Room.LISTED, Room.UNLISTED):
            raise BadParameter("visibility is 'listed' or 'unlisted'.", field="visibility")
        room.visibility = visibility
    if password is not None:
        text.opaque(password, field="password", limit_bytes=72)
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
    room.save(update_fields=["disbanded_at", "publisher_lost_at"])
    audit.record(action="room.disband", actor=by, now=now, room_key=room.key, target=room.group_id, address=address)
    facts.state(RoomDisbanded(room_id=room.pk, room_key=room.key, at=now, by=str(by)))
