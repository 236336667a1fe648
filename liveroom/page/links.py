"""Where a room's page stands."""

from __future__ import annotations

from django.urls import reverse

from liveroom.rooms.models import Room


def room_link(room: Room) -> str:
    """Path and query; `room.app` should be loaded."""
    return f"{reverse('room', args=(room.group_id,))}?sdkappid={room.app.sdkappid}"
