"""Reads about what was said: the archive, what was counted of it, and what rooms keep in sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.db.models import QuerySet

from interactions.delivery.rooms import PRIORITIES
from interactions.models import ArchivedMessage, Pin
from liveroom.kernel.data.redis import key, redis_for
from liveroom.rooms.models import Room


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
    known = list(PRIORITIES)
    found = sorted(
        {*delivered, *sampled}, key=lambda word: (known.index(word) if word in PRIORITIES else len(known), word)
    )
    return [MessageCount(word, delivered.get(word, 0), dict(sorted(sampled.get(word, {}).items()))) for word in found]


def pinned(room: Room) -> dict[str, Any] | None:
    """The message that the room keeps in sight, as it goes over the wire."""
    found = Pin.objects.filter(room=room).values_list("body", flat=True).first()
    return None if found is None else dict(found)


def pins_of(rooms: Sequence[Room]) -> dict[int, dict[str, Any]]:
    """The same by room, for many; rooms without one are missing."""
    return {pk: dict(body) for pk, body in Pin.objects.filter(room__in=rooms).values_list("room_id", "body")}
