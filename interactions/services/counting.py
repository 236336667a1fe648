"""Numbers that are counted in Redis and kept in the database for sorting."""

from __future__ import annotations

import redis
from django.db import transaction

from interactions.live import counters, presence
from liveroom.rooms.models import Room


def write_online_counts() -> int:
    """Copy changed online numbers into the rooms list. A number that is lost is written at the next change."""
    written = 0
    for room_key in presence.take_changed_rooms():
        sdkappid, _, group_id = room_key.partition(":")
        try:
            online = presence.online_now(room_key=room_key)
        except redis.RedisError:
            return written
        written += Room.objects.filter(
            app__sdkappid=int(sdkappid), group_id=group_id, disbanded_at__isnull=True
        ).update(online=online)
    return written


def save_likes() -> int:
    """Write changed totals into the rooms (L3), and tell the batches that nobody else will: REST's, and those of a process that died.

    What Redis loses is at most what came since the last call. Returns how many rooms were written."""
    try:
        changed = counters.changed_now()
        with transaction.atomic():
            written = counters.save_now(changed)
        told = set(counters.tell_now(list(changed)))
        counters.saved_now({room_key: total for room_key, total in changed.items() if room_key in told})
    except redis.RedisError:
        return 0
    return written


def recount_online() -> int:
    """Correct every number of the list. A process that was killed told nobody that its viewers are gone."""
    written = 0
    for room in Room.objects.select_related("app").filter(online__gt=0, disbanded_at__isnull=True):
        try:
            online = presence.online_now(room_key=room.key)
        except redis.RedisError:
            return written
        if online != room.online:
            written += Room.objects.filter(pk=room.pk).update(online=online)
    return written
