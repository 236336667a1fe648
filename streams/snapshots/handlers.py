"""What snapshots do when a publisher goes, and when a room closes its door."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from liveroom.rooms.facts import AccessChanged, RoomDisbanded
from liveroom.rooms.models import Room
from streams.facts import StreamUnpublished
from streams.models.streams import Stream
from streams.selectors import open_publish
from streams.snapshots import covers, services


@handles(StreamUnpublished)
def without_publisher(fact: StreamUnpublished) -> None:
    """Unless another one is there already."""
    stream = Stream.objects.filter(name=fact.stream).first()
    if stream is not None and open_publish(stream) is None:
        services.off_air(stream=stream, now=fact.at)


@handles(AccessChanged)
def cover_behind_the_door(fact: AccessChanged) -> None:
    """What a closed room shows is nobody else's."""
    room = Room.objects.filter(pk=fact.room_id).first()
    if room is not None and not room.is_open and room.picture:
        covers.drop(room_id=room.pk)


@handles(RoomDisbanded)
def cover_of_no_room(fact: RoomDisbanded) -> None:
    covers.drop(room_id=fact.room_id)
