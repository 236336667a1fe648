"""Likes of one person for a room: may it, count them, answer with the total. What is told to whom is `likes/counting.py`."""

from __future__ import annotations

from typing import Any

from interactions.delivery.room_ref import RoomRef
from interactions.likes import counting as counters
from interactions.likes.counting import Added, LikeCounter
from interactions.speaker import Speaker
from liveroom.kernel import metrics, permission
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import StatusChanged
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import is_over
from liveroom.rooms.selectors import refuse_ended
from moderation.rules.verdict import Standing


async def like(
    *, likes: LikeCounter, room: RoomRef, speaker: Speaker, standing: Standing, count: Any, now_ms: int
) -> Added:
    """From a socket; `likes` is its process's, `standing` what it remembers of the speaker. The muted may like.

    RoomEnded once the room's end was told to Redis (`follow_status`). Raises what `permission.ask` refuses and `LikeCounter.add` does."""
    permission.ask("like.send", actor=speaker.actor, room=room, role=speaker.role, standing=standing, now_ms=now_ms)
    profile = speaker.profile
    added = await likes.add(room=room, person=profile.id, shown={"id": profile.id, "nick": profile.nick}, count=count)
    metrics.likes.inc(added.counted)
    return added


def like_now(*, room: RoomRef, status: str, speaker: Speaker, count: Any) -> Added:
    """The same from a thread, for REST; `status`: the room's, as just read."""
    permission.ask("like.send", actor=speaker.actor, room=room, role=speaker.role)
    refuse_ended(status, "likes")
    profile = speaker.profile
    added = counters.add_now(room=room, person=profile.id, shown={"id": profile.id, "nick": profile.nick}, count=count)
    metrics.likes.inc(added.counted)
    return added


@handles(StatusChanged, after_commit=True)
def follow_status(fact: StatusChanged) -> None:
    """Sockets ask Redis whether the show is on: it hears of a change as soon as that is committed (best effort; the relay's word about the
    status, `announce/carriers.py`, says it again, surely)."""
    found = Room.objects.filter(pk=fact.room_id).values_list("status", "state_version").first()
    if found is not None:
        counters.mark_over_now(room_key=fact.room_key, over=is_over(found[0]), version=found[1])
