"""Telling those who look after a room."""

from __future__ import annotations

from datetime import datetime

from interactions.delivery import Person, publish_all_durably
from interactions.delivery.events import UserEvent
from liveroom.kernel.web import throttle
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import moderators_of


def publish_to_moderators(
    event: UserEvent, *, room: Room, at: datetime, what: str | None = None, but: str = ""
) -> None:
    """In the caller's transaction, to the owner and the admins, wherever they are; nobody, if they were told of `what` in this room
    within the second: so `what` is for things that stand in a list in any case; None: always. `but`: the user id of one who knows."""
    if what is not None:
        try:
            throttle.allow(what=what, who=str(room.pk), limit=1, per_seconds=1)
        except throttle.TooOften:
            return
    publish_all_durably(
        (
            (event, Person(sdkappid=room.app.sdkappid, identifier=moderator))
            for moderator in moderators_of(room)
            if moderator != but
        ),
        at=at,
    )
