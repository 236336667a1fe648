"""Reads about who is in a room: how many, and the members list."""

from __future__ import annotations

from dataclasses import dataclass

from interactions.audience import rules
from interactions.delivery.presence import Came, Crowd, crowd_now, members_now
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, profile
from liveroom.kernel import permission
from liveroom.rooms.models import Room, RoomAdmin


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is in the room, as everybody sees it (C13), and since when (unix ms)."""

    profile: Profile
    role: str
    joined_at: int


def online(*, room: Room) -> Crowd:
    """How many are in the room, counted now. redis.RedisError if Redis is away."""
    return crowd_now(room_key=room.key)


def members(*, room: Room, after: Came | None, size: int) -> tuple[list[Member], Came | None]:
    """A page of those who came last and are still here, the latest first, and where the next one goes on (None: nowhere).

    Over all pages at most `App.members_count` (O2). Guests are not on it. redis.RedisError if Redis is away."""
    page = rules.page(members_now(room_key=room.key), after=after, size=size, at_most=room.app.members_count)
    ids = [came.id for came in page.members]
    people = {person.identifier: person for person in Person.objects.filter(app_id=room.app_id, identifier__in=ids)}
    admins = RoomAdmin.objects.filter(room=room, person__in=people.values()).values_list("person_id", flat=True)
    roles = dict.fromkeys(admins, permission.ADMIN) | {room.owner_id: permission.OWNER}
    roles |= {person.pk: permission.OWNER for person in people.values() if _acts_for_app(person, room)}
    found = [
        Member(
            profile=profile(people[came.id]),
            role=roles.get(people[came.id].pk, permission.MEMBER),
            joined_at=came.at_ms,
        )
        for came in page.members
        if came.id in people
    ]
    return found, page.after


def _acts_for_app(person: Person, room: Room) -> bool:
    return person.identifier in room.app.admin_identifiers
