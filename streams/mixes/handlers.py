"""What the ends of rooms mean for their mixes, and what comes and goes for walls."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomDisbanded, StatusChanged
from liveroom.rooms.models import Room
from streams.facts import StreamFact, StreamPublished, StreamUnpublished
from streams.mixes import services


@handles(RoomDisbanded)
def end_with_room(fact: RoomDisbanded) -> None:
    services.end_mixes(room_id=fact.room_id, now=fact.at, reason=services.DISBANDED)


@handles(StatusChanged)
def end_with_show(fact: StatusChanged) -> None:
    """Whoever ends a show by hand wants it to stay ended."""
    if fact.by_hand and fact.after == "ended":
        services.end_mixes(room_id=fact.room_id, now=fact.at, reason=services.ROOM_ENDED)


@handles(StreamPublished, after_commit=True)
def wall_gains(fact: StreamPublished) -> None:
    _follow(fact)


@handles(StreamUnpublished, after_commit=True)
def wall_loses(fact: StreamUnpublished) -> None:
    _follow(fact)


def _follow(fact: StreamFact) -> None:
    app_id = Room.objects.filter(pk=fact.room_id).values_list("app_id", flat=True).first()
    if app_id is not None:
        services.follow_app(app_id=app_id)
