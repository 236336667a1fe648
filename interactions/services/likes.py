"""Likes of one person for a room: may it, count them, answer with the total. What is told to whom is `live/counters.py`."""

from __future__ import annotations

from typing import Any

from interactions.live import counters
from interactions.live.counters import Added, Likes
from interactions.live.room_ref import RoomRef
from interactions.services.comments import Speaker
from liveroom.kernel import metrics, permission
from moderation.rules.verdict import Standing


async def like(*, likes: Likes, room: RoomRef, speaker: Speaker, standing: Standing, count: Any, now_ms: int) -> Added:
    """From a socket; `likes` is its process's, `standing` what it remembers of the speaker. The muted may like.

    Raises what `permission.ask` refuses and what `Likes.add` does."""
    permission.ask("like.send", actor=speaker.actor, room=room, role=speaker.role, standing=standing, now_ms=now_ms)
    profile = speaker.profile
    added = await likes.add(room=room, person=profile.id, shown={"id": profile.id, "nick": profile.nick}, count=count)
    metrics.likes.inc(added.counted)
    return added


def like_now(*, room: RoomRef, speaker: Speaker, count: Any) -> Added:
    """The same from a thread, for REST."""
    permission.ask("like.send", actor=speaker.actor, room=room, role=speaker.role)
    profile = speaker.profile
    added = counters.add_now(room=room, person=profile.id, shown={"id": profile.id, "nick": profile.nick}, count=count)
    metrics.likes.inc(added.counted)
    return added
