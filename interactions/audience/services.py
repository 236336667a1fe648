"""Online numbers, counted in Redis, written into the rooms list for sorting: some pipelines and some statements, whatever the number of
rooms."""

from __future__ import annotations

import contextlib
from datetime import datetime

import redis
from django.db import DatabaseError

from interactions.delivery.presence import crowds_now, note_changed_rooms, rooms_changed_now, take_changed_rooms
from liveroom.rooms.models import Room
from liveroom.rooms.services.figures import rooms_by_key, write_figures


def counts_wait(now: datetime) -> bool:
    """Whether any online number changed. RedisError."""
    return rooms_changed_now()


def write_online_counts() -> int:
    """Copy changed online numbers into the rooms list. Returns how many rooms were written. DatabaseError."""
    changed = take_changed_rooms()
    if not changed:
        return 0
    try:
        crowds = crowds_now(room_keys=changed)
        known = rooms_by_key(changed, "online")
        return write_figures(
            {pk: (crowds[name].online,) for name, (pk, online) in known.items() if crowds[name].online != online},
            "online",
        )
    except (redis.RedisError, DatabaseError) as error:
        with contextlib.suppress(redis.RedisError):  # else `recount_online` finds them
            note_changed_rooms(changed)
        if isinstance(error, DatabaseError):
            raise
        return 0


def recount_online() -> int:
    """Correct every number of the list. A process that was killed left no word that its viewers are gone."""
    rooms = Room.objects.filter(online__gt=0, disbanded_at__isnull=True)
    listed = {
        f"{sdkappid}:{group_id}": (pk, online)
        for pk, sdkappid, group_id, online in rooms.values_list("pk", "app__sdkappid", "group_id", "online")
    }
    try:
        crowds = crowds_now(room_keys=list(listed))
    except redis.RedisError:
        return 0
    return write_figures(
        {pk: (crowds[name].online,) for name, (pk, online) in listed.items() if crowds[name].online != online}, "online"
    )
