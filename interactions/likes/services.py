"""Liking a room: may somebody, count it, answer with the total; and the totals saved. All that other features may use of likes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis

from interactions.likes import redis_counter, rules, totals
from interactions.likes.given import Taken, forget_taken_likes, given_likes_wait, take_given_likes
from interactions.likes.process_counter import LikeCounter
from interactions.likes.redis_counter import Added
from interactions.room_refs import KnownRoom
from interactions.speaker import Speaker
from liveroom.kernel import permission
from liveroom.kernel.data.redis import key
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.work import metrics
from liveroom.rooms.selectors import refuse_ended
from moderation.rules.verdict import Standing

__all__ = [
    "Added",
    "LikeCounter",
    "Taken",
    "checked_count",
    "forget_taken_likes",
    "given_likes_wait",
    "like",
    "like_now",
    "likes_wait",
    "save_likes",
    "take_given_likes",
    "total_of",
    "total_read",
]


def checked_count(value: Any) -> int:
    """A client's sum of taps, or BadParameter: for the socket and REST, once."""
    if type(value) is not int or not 1 <= value <= rules.AT_MOST:
        given = {"given": value} if type(value) is int and abs(value) < 2**53 else {}
        raise BadParameter(
            f"count is a whole number from 1 to {rules.AT_MOST}.", field="count", limit=rules.AT_MOST, **given
        )
    return value


async def like(
    *, likes: LikeCounter, room: KnownRoom, speaker: Speaker, standing: Standing, count: int, now_ms: int
) -> Added:
    """From a socket; `likes` is its process's, `standing` what it remembers of the speaker, `count` is checked. The muted may like.

    RoomEnded once Redis knows of the room's end (`handlers.py`). Raises what `permission.ask` refuses and `LikeCounter.add` does."""
    permission.ask("like.send", actor=speaker.actor, room=room, role=speaker.role, standing=standing, now_ms=now_ms)
    profile = speaker.profile
    added = await likes.add(room=room, person=profile.id, nick=profile.nick, count=count)
    metrics.likes.inc(added.counted)
    return added


def like_now(*, room: KnownRoom, status: str, speaker: Speaker, count: int) -> Added:
    """The same from a thread, for REST; `status`: the room's, as just read."""
    permission.ask("like.send", actor=speaker.actor, room=room, role=speaker.role)
    refuse_ended(status, "likes")
    profile = speaker.profile
    added = redis_counter.add_now(room=room, person=profile.id, nick=profile.nick, count=count)
    metrics.likes.inc(added.counted)
    return added


def likes_wait(now: datetime) -> bool:
    """Whether any room was liked since `save_likes`. RedisError."""
    return totals.any_changed_now()


def save_likes() -> int:
    """Write changed totals into the rooms (L3), and publish the batches that nobody else will: REST's, and those of a process that died.

    What Redis loses is at most what came since the last call. Returns how many rooms were written. DatabaseError."""
    try:
        changed = totals.changed_now()
        written = totals.save_now(changed)
        published = set(totals.publish_due_now(list(changed)))
        totals.forget_saved_now({room_key: total for room_key, total in changed.items() if room_key in published})
    except redis.RedisError:
        return 0
    return written


def total_read(room_key: str) -> tuple[str, str]:
    """What Redis is asked for whoever comes in (`delivery.rooms.read_rooms`)."""
    return ("GET", key("likes", room_key))


def total_of(raw: bytes | None) -> int | None:
    """Its answer. None: nothing was counted since Redis began; the database knows."""
    return None if raw is None else int(raw)
