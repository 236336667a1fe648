"""Reads about raised hands."""

from __future__ import annotations

from django.db.models import QuerySet

from interactions.models import Hand
from liveroom.rooms.models import Room


def hands_of(room: Room) -> QuerySet[Hand]:
    """Those that are up in the show that is on."""
    return Hand.objects.filter(session__room=room, session__ended_at__isnull=True).select_related("person")
