"""Reads about rooms: one room, the list, who somebody is in a room, what a newcomer must know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet

from liveroom.accounts.models import App
from liveroom.accounts.selectors import AppUnknown, app_for, profile
from liveroom.kernel import permission
from liveroom.kernel.data.kept_queries import KeptQuery
from liveroom.kernel.data.redis import room_key
from liveroom.kernel.data.sql import asked
from liveroom.kernel.errors import BadParameter, Conflict, NotFound
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import AllowedPerson, LiveSession, Room, RoomAdmin, RoomAttribute
from liveroom.rooms.rules import ids
from liveroom.rooms.rules.status import is_over

Found = TypeVar("Found")


class RoomUnknown(NotFound):
    """10010: no such room, or it was disbanded."""

    code, name = 10010, "room_unknown"


class RoomIdMalformed(BadParameter):
    """10015: no room can have this id."""

    code, name = 10015, "room_id_malformed"


class RoomEnded(Conflict):
    """10056: the show is over, and the room takes this no more until it is live again."""

    name = "room_ended"

    def __init__(self, what: str) -> None:
        super().__init__(f"The show has ended: the room takes no {what} until it is live again.", reason="ended")


def refuse_ended(status: str, what: str) -> None:
    """RoomEnded, with what the room does not take: "gifts"."""
    if is_over(status):
        raise RoomEnded(what)


ROOMS = Room.objects.select_related("app", "owner").filter(disbanded_at__isnull=True)
_BY_GROUP_ID = KeptQuery(
    lambda *, app_id, group_id: ROOMS.filter(app_id=app_id, group_id=group_id), app_id=int, group_id=str
)


# For who has the app already: it is the widest of the three rows.
_BESIDE_ITS_APP = KeptQuery(
    lambda *, app_id, group_id: Room.objects.select_related("owner").filter(
        disbanded_at__isnull=True, app_id=app_id, group_id=group_id
    ),
    app_id=int,
    group_id=str,
)


def room(*, app_id: int, group_id: str) -> Room:
    """The open room of that id. RoomIdMalformed, RoomUnknown."""
    return _asked(_BY_GROUP_ID, app_id=app_id, group_id=group_id)


def rooms_asked(asked: Sequence[tuple[int, str]]) -> list[Room | RoomUnknown | RoomIdMalformed]:
    """Open rooms by app and id, in their order: a query per app."""
    return _each(
        asked,
        lambda app_id, names: {found.group_id: found for found in ROOMS.filter(app_id=app_id, group_id__in=names)},
    )


def keys_asked(asked: Sequence[tuple[int, str]]) -> list[str | RoomUnknown | RoomIdMalformed]:
    """How the same rooms are called in Redis: a tenth of the work."""

    def read(app_id: int, names: set[str]) -> dict[str, str]:
        found = Room.objects.filter(disbanded_at__isnull=True, app_id=app_id, group_id__in=names)
        return {
            group_id: room_key(sdkappid=sdkappid, group_id=group_id)
            for group_id, sdkappid in found.values_list("group_id", "app__sdkappid")
        }

    return _each(asked, read)


def _each(
    asked: Sequence[tuple[int, str]], read: Callable[[int, set[str]], dict[str, Found]]
) -> list[Found | RoomUnknown | RoomIdMalformed]:
    known: dict[tuple[int, str], Found] = {}
    for app_id in {app_id for app_id, _ in asked}:
        names = {group_id for app, group_id in asked if app == app_id and not ids.fault(group_id, chosen=False)}
        known.update({(app_id, group_id): found for group_id, found in read(app_id, names).items()})
    answers: list[Found | RoomUnknown | RoomIdMalformed] = []
    for app_id, group_id in asked:
        wrong = ids.fault(group_id, chosen=False)
        if wrong:
            answers.append(RoomIdMalformed(wrong, field="room"))
        else:
            answers.append(known.get((app_id, group_id)) or _unknown(group_id))
    return answers


def _unknown(group_id: str) -> RoomUnknown:
    return RoomUnknown(f"There is no room {group_id!r}; it may have been disbanded.")


def room_of(app: App, *, group_id: str) -> Room:
    """The same, in an app that is loaded."""
    found = _asked(_BESIDE_ITS_APP, app_id=app.pk, group_id=group_id)
    found.app = app
    return found


def _asked(query: KeptQuery[Room], *, app_id: int, group_id: str) -> Room:
    wrong = ids.fault(group_id, chosen=False)
    if wrong:
        raise RoomIdMalformed(wrong, field="room")
    found = query.first(app_id=app_id, group_id=group_id)
    if found is None:
        raise _unknown(group_id)
    return found


def room_for_page(*, sdkappid: int | None, group_id: str) -> Room | None:
    """The same for a page that shows a friendly answer instead of an error."""
    try:
        return room_of(app_for(sdkappid), group_id=group_id)
    except (AppUnknown, RoomUnknown, RoomIdMalformed):
        return None


def admin_ids(room: Room) -> frozenset[int]:
    """Who moderates the room, by person."""
    return frozenset(RoomAdmin.objects.filter(room=room).values_list("person_id", flat=True))


def admins_of(rooms: Sequence[Room]) -> dict[int, frozenset[int]]:
    """The same by room, for many."""
    found: dict[int, set[int]] = {}
    for room_id, person_id in RoomAdmin.objects.filter(room__in=rooms).values_list("room_id", "person_id"):
        found.setdefault(room_id, set()).add(person_id)
    return {room.pk: frozenset(found.get(room.pk, ())) for room in rooms}


def allowed_ids(room: Room) -> frozenset[int]:
    """Who stands on the room's allow-list, by person."""
    return frozenset(AllowedPerson.objects.filter(room=room).values_list("person_id", flat=True))


_ADMIN = "SELECT person_id FROM rooms_roomadmin WHERE room_id = %s AND person_id = %s"


def role_of(actor: Actor, room: Room, *, admins: frozenset[int] | None = None) -> str:
    """owner, admin, member or guest (P5). Whoever acts for the app has the owner's rights. `admins`: as read before."""
    if actor.kind == permission.STAFF:
        return permission.OWNER
    if actor.app_id != room.app_id or actor.kind == permission.GUEST:
        return permission.GUEST
    if actor.acts_for_app or actor.person_id == room.owner_id:
        return permission.OWNER
    if actor.person_id and admins is None:
        admins = frozenset(person_id for (person_id,) in asked(_ADMIN, (room.pk, actor.person_id)))
    return permission.ADMIN if admins and actor.person_id in admins else permission.MEMBER


SORTS = {
    "online": ("-online", "-id"),
    "start": ("-status_at", "-id"),
    "new": ("-id",),
    "popularity": ("-popularity", "-id"),
}


def rooms_of_app(
    *, app: App, search: str = "", category: str = "", tag: str = "", status: str = "", owner: str = ""
) -> QuerySet[Room]:
    """Listed, open rooms of an app (R5, R8)."""
    found = ROOMS.filter(app=app, visibility=Room.LISTED)
    if search:
        found = found.filter(
            Q(title__icontains=search) | Q(introduction__icontains=search) | Q(group_id__iexact=search)
        )
    if category:
        found = found.filter(category=category)
    if tag:
        found = found.filter(tag_line__contains=f"|{tag}|")
    if status:
        found = found.filter(status=status)
    if owner:
        found = found.filter(owner__identifier=owner)
    return found


def moderators_of(room: Room) -> tuple[str, ...]:
    """The user ids of the owner and the admins."""
    admins = RoomAdmin.objects.filter(room=room).order_by("id").values_list("person__identifier", flat=True)
    return tuple(dict.fromkeys((room.owner.identifier, *admins)))


def cover_of(room: Room) -> str:
    """The whole address of the picture of the room: what its owner set, else the latest of its stream (of open rooms); "" for none."""
    shown = room.cover or (room.picture if room.is_open else "")
    return shown if "://" in shown or not shown else f"{settings.LIVEROOM.public_http}{settings.MEDIA_URL}{shown}"


def current_session(room: Room) -> LiveSession | None:
    return LiveSession.objects.filter(room=room, ended_at__isnull=True).first()


def attributes(room: Room) -> dict[str, dict[str, Any]]:
    """Key -> {value, version}. `status` is always there and read-only, so that clients which know only attributes see it (R1)."""
    return attributes_of([room])[room.pk]


def attributes_of(rooms: Sequence[Room]) -> dict[int, dict[str, dict[str, Any]]]:
    """The same by room, for many: one query."""
    found: dict[int, dict[str, dict[str, Any]]] = {room.pk: {} for room in rooms}
    for row in RoomAttribute.objects.filter(room__in=rooms).order_by("room", "key"):
        found[row.room_id][row.key] = {"value": row.value, "version": row.version}
    for room in rooms:
        found[room.pk]["status"] = {"value": room.status, "version": room.status_version}
    return found


def snapshot(room: Room) -> dict[str, Any]:
    """What a newcomer must know of the room, in one answer (surface.md, `join`)."""
    return snapshots([room])[room.pk]


def snapshots(rooms: Sequence[Room]) -> dict[int, dict[str, Any]]:
    """The same by room, for many: two queries."""
    sessions = LiveSession.objects.filter(room__in=rooms, ended_at__isnull=True)
    sequences = dict(sessions.values_list("room_id", "sequence"))
    valued = attributes_of(rooms)
    return {room.pk: _snapshot(room, sequence=sequences.get(room.pk), valued=valued[room.pk]) for room in rooms}


def _snapshot(room: Room, *, sequence: str | None, valued: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": room.group_id,
        "sdkappid": room.app.sdkappid,
        "status": room.status,
        "status_at": _ms(room.status_at),
        "starts_at": _ms(room.starts_at),
        "session": sequence,
        "title": room.title,
        "notice": room.notice,
        "introduction": room.introduction,
        "category": room.category,
        "tags": room.tags,
        "cover": cover_of(room),
        "attributes": valued,
        "attributes_version": room.attributes_version,
        "version": room.state_version,
        "owner": profile(room.owner).as_dict(),
    }


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() * 1000)
