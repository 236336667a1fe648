"""Whose rooms a login sees in the console: staff all, a streamer its own, a moderator those where it was appointed."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest

from liveroom.accounts.models import Login
from liveroom.kernel.web.pages import is_staff
from liveroom.rooms.models import Room, RoomAdmin
from liveroom.rooms.selectors import admin_ids


def own_person(request: HttpRequest) -> int | None:
    """The person whose rooms a streamer's login runs, and a moderator's looks after."""
    user = request.user
    return user.person_id if isinstance(user, Login) and user.is_active and user.is_staff else None


def seen_by(request: HttpRequest) -> Q:
    """The condition of the rooms that a login which is no staff's sees: its own, and those where it was appointed."""
    own = own_person(request)
    if own is None:
        return Q(pk__in=())
    appointed = RoomAdmin.objects.filter(person_id=own).values("room_id")
    return (Q(owner_id=own) | Q(pk__in=appointed)) & Q(disbanded_at__isnull=True)


def runs(request: HttpRequest, room: Room) -> bool:
    """Staff and the owner: what they see of the room holds its keys and what it earns."""
    return is_staff(request) or (room.owner_id == own_person(request) and room.disbanded_at is None)


def moderates(request: HttpRequest, room: Room) -> bool:
    """Whether the login's person was appointed in this room."""
    own = own_person(request)
    return own is not None and room.disbanded_at is None and own in admin_ids(room)
