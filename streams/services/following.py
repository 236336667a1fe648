"""What streams do when rooms change.

Cutting a publisher asks the media engine, which may take seconds: it comes last, after the commit."""

from __future__ import annotations

from django.db.models import Q

from liveroom.kernel import clock
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import RoomCreated, RoomDisbanded, StatusChanged
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import Status
from streams.models import Publish
from streams.services import cutting
from streams.services.streams import create_stream


@handles(RoomCreated)
def give_main_stream(fact: RoomCreated) -> None:
    """Every room has a place to push to from its first moment (durable)."""
    create_stream(room=Room.objects.get(pk=fact.room_id), label="main", now=fact.at, on_programme=True)


@handles(StatusChanged, after_commit=True, last=True)
def cut_after_end(fact: StatusChanged) -> None:
    """Ending by hand cuts the publisher (R9), after the commit: it is refused from then on. Behind a mix also the room's own."""
    if fact.by_hand and fact.after == Status.ENDED:
        _cut_room(fact.room_id, only_programme=True)


@handles(RoomDisbanded, after_commit=True, last=True)
def cut_after_disband(fact: RoomDisbanded) -> None:
    _cut_room(fact.room_id, only_programme=False)


@handles(RoomDisbanded)
def close_after_disband(fact: RoomDisbanded) -> None:
    """The rows of a room that is no more are closed with it (durable)."""
    Publish.objects.filter(stream__room_id=fact.room_id, ended_at__isnull=True).update(
        ended_at=clock.now(), end_reason="disbanded"
    )


def _cut_room(room_id: int, *, only_programme: bool) -> None:
    room = Room.objects.get(pk=room_id)
    streams = room.streams.filter(Q(on_programme=True) | Q(steps_back=True)) if only_programme else room.streams.all()
    for stream in streams:
        cutting.cut(stream=stream.name)
