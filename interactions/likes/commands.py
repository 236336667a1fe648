"""`like` at the socket."""

from __future__ import annotations

from typing import Annotated

import msgspec

from interactions.commands import Answer, Entry, Refusal, RoomCommand, Session, serves_in_room
from interactions.likes import services
from interactions.likes.rules import AT_MOST
from interactions.limits import LIKES
from liveroom.kernel import clock


class Like(RoomCommand, frozen=True, kw_only=True, tag="like"):
    """`count`: the sum of the user's taps."""

    count: Annotated[int, msgspec.Meta(ge=1, le=AT_MOST), Refusal(services.checked_count)]


@serves_in_room(Like, asks="like.send", limit=LIKES)
async def like(session: Session, entry: Entry, command: Like) -> Answer:
    counter = session.hub.service(services.LikeCounter)
    added = await services.like(
        likes=counter, room=entry.room, speaker=entry.speaker, count=command.count, standing=entry.standing,
        now_ms=clock.now_ms(),
    )  # fmt: skip
    return {"total": added.total, "counted": added.counted}
