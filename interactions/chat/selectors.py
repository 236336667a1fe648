"""Reads about what was said and who hears it: the archive, what was counted of it, members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.db.models import QuerySet

from interactions.delivery.presence import crowd, presence
from interactions.delivery.presence.crowd import Came
from interactions.delivery.rooms.admission import WORDS
from interactions.models import ArchivedMessage
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import Profile, profile
from liveroom.kernel import permission
from liveroom.kernel.redis import key, redis_for
from liveroom.rooms.models import Room, RoomAdmin

__all__ = [
    "Member",
    "MessageCount",
    "archived_messages",
    "members",
    "message_counts",
]


def archived_messages(
    *,
    room: Room,
    since: datetime | None = None,
    until: datetime | None = None,
    sender: str | None = None,
    type: str | None = None,
    sampled: bool | None = None,
) -> QuerySet[ArchivedMessage]:
    """What was delivered or sampled in the room, from `since` up to before `until`; `sampled` None: both."""
    found = ArchivedMessage.objects.filter(room=room).select_related("session")
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    if sender is not None:
        found = found.filter(sender=sender)
    if type is not None:
        found = found.filter(type=type)
    if sampled is not None:
        found = found.filter(seq__isnull=sampled)
    return found


@dataclass(frozen=True, slots=True)
class MessageCount:
    """Of one priority since the room's counts began (they are forgotten with its memory): `sampled` by reason."""

    priority: str
    delivered: int
    sampled: Mapping[str, int]

    @property
    def sampled_in_all(self) -> int:
        return sum(self.sampled.values())


def message_counts(*, room_key: str) -> list[MessageCount] | None:
    """The most urgent first; what has no priority (status, notices) comes last. None: Redis is away."""
    try:
        words: Any = redis_for(room_key).hgetall(key("counts", room_key))
    except redis.RedisError:
        return None
    delivered: dict[str, int] = {}
    sampled: dict[str, dict[str, int]] = {}
    for name, count in words.items():
        what, priority, reason = (*name.decode().split(":", 2), "", "")[:3]
        if what == "delivered":
            delivered[priority] = int(count)
        elif what == "sampled":
            sampled.setdefault(priority, {})[reason] = int(count)
    known = list(WORDS)
    found = sorted({*delivered, *sampled}, key=lambda word: (known.index(word) if word in WORDS else len(known), word))
    return [MessageCount(word, delivered.get(word, 0), dict(sorted(sampled.get(word, {}).items()))) for word in found]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is in the room, as everybody sees it (C13), and since when (unix ms)."""

    profile: Profile
    role: str
    joined_at: int


def members(*, room: Room, after: Came | None, size: int) -> tuple[list[Member], Came | None]:
    """A page of those who came last and are still here, the latest first, and where the next one goes on (None: nowhere).

    Over all pages at most `App.members_count` (O2). Guests are not on it. redis.RedisError if Redis is away."""
    page = crowd.page(presence.members_now(room_key=room.key), after=after, size=size, at_most=room.app.members_count)
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
